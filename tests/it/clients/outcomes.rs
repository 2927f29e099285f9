//! The three outcomes, as the service gives them.

use super::language::LANGUAGES;
use crate::support::{
    ports,
    service::Service,
    tokens::{Signer, claims, key_set},
};

const ISSUER: &str = "https://idp.example.test";
/// An issuer whose key server nobody has ever reached.
const UNREACHABLE: &str = "https://unreachable.example.test";
const AUDIENCE: &str = "https://api.example.test";

/// A running service on TCP, and the key of its issuer.
pub(super) struct Setup {
    _service: Service,
    signer: Signer,
    pub(super) port: u16,
}

impl Setup {
    pub(super) async fn start() -> Self {
        let signer = Signer::es256();
        let port = ports::reserve();
        let yaml = format!(
            "\
listen: 127.0.0.1:{port}
issuers:
  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}
  - {{ issuer: {UNREACHABLE}, audiences: [{AUDIENCE}], jwks_uri: http://127.0.0.1:{}/keys }}
",
            ports::reserve(),
        );
        let keys = key_set(&[&signer]).to_string();
        let service = Service::start_with_files(&yaml, &[("keys.json", keys.as_bytes())]).await;
        Self { _service: service, signer, port }
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn good(&self) -> String {
        self.signer.access_token(&claims(ISSUER, AUDIENCE))
    }
}

#[tokio::test]
async fn a_good_a_refused_and_an_undecidable_token_are_told_apart() {
    let setup = Setup::start().await;
    let (address, good) = (setup.address(), setup.good());
    let mut expired = claims(ISSUER, AUDIENCE);
    expired["iat"] = 1_000_000.into();
    expired["exp"] = 1_000_600.into();
    let expired = setup.signer.access_token(&expired);
    let undecidable = setup.signer.access_token(&claims(UNREACHABLE, AUDIENCE));
    for language in LANGUAGES {
        language.ask(&address, &good).await.is("valid: alice", 0);
        language.ask(&address, &expired).await.is("refused: EXPIRED", 1);
        language.ask(&address, "").await.is("refused: MISSING", 1);
        language.ask(&address, &undecidable).await.is("cannot tell: UNAVAILABLE KEYS_UNAVAILABLE", 3);
    }
}
