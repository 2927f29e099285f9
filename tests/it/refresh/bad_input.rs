//! What no exchange can come of is answered here: no provider hears of it, and nothing ends.

use countersign::{
    proto::client::{RefreshRequest, refresh_request::Credential},
    store::KeyRing,
};
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::set::{Came, ask};
use crate::support::{
    peer::{AUDIENCE, OidcProvider, WEB_APP},
    service::Service,
    tokens::{Signer, key_set},
};

const WITHOUT_CLIENTS: &str = "https://third.example.test";
/// Another client of the first provider.
const MACHINE: &str = "machine-rs256";

/// Two providers, the first one with two clients, and an issuer at which nothing can be refreshed.
struct Setup {
    service: Service,
    first: OidcProvider,
    second: OidcProvider,
}

impl Setup {
    async fn start() -> Self {
        let claims = ["sid", "auth_time"];
        let (first, second) = futures_util::future::join(
            OidcProvider::start_with_session_claims(&claims),
            OidcProvider::start_with_session_claims(&claims),
        )
        .await;
        let client = |id| format!("{{ id: {id}, secret: {{ file: ./{id} }}, auth: client_secret_post }}");
        let issuer = |name: &str, issuer: &str, clients: &str| {
            format!(
                "  - {{ name: {name}, issuer: '{issuer}', audiences: [{AUDIENCE}, {WEB_APP}], clients: [{clients}], \
                 refresh: {{ rotation: strict, resource: ['{AUDIENCE}'] }} }}\n"
            )
        };
        let yaml = format!(
            "issuers:\n{}{}  - {{ issuer: {WITHOUT_CLIENTS}, audiences: [a], jwks_file: ./keys.json }}\n\
             key_ring: {{ file: ./ring.keys }}\nlimits: {{ max_token_bytes: 4096 }}\n",
            issuer("first", first.issuer(), &format!("{}, {}", client(WEB_APP), client(MACHINE))),
            issuer("second", second.issuer(), &client(WEB_APP)),
        );
        let directory = tempfile::tempdir().unwrap();
        let ring = directory.path().join("ring.keys");
        KeyRing::create(&ring).unwrap();
        let ring = std::fs::read(ring).unwrap();
        let keys = key_set(&[&Signer::es256()]).to_string();
        let files: [(&str, &[u8]); 4] = [
            ("ring.keys", &ring),
            ("keys.json", keys.as_bytes()),
            (WEB_APP, b"web-app-secret"),
            (MACHINE, b"machine-rs256-secret"),
        ];
        let service = Service::start_with_files(&yaml, &files).await;
        Self { service, first, second }
    }

    async fn sent(&self) -> u64 {
        self.first.token_requests().await + self.second.token_requests().await
    }

    async fn ask(&self, issuer: &str, client_id: &str, credential: impl Into<Option<Credential>>) -> Came {
        let request = RefreshRequest {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            credential: credential.into(),
            ..RefreshRequest::default()
        };
        ask(self.service.client().await, request).await
    }

    /// With a token, at the first provider, as the usual client.
    async fn show(&self, token: &str) -> Came {
        self.ask(self.first.issuer(), WEB_APP, shown(token)).await
    }
}

fn shown(token: &str) -> Credential {
    Credential::RefreshToken(token.to_owned())
}

fn session(id: &str) -> Credential {
    Credential::SessionId(id.to_owned())
}

fn code(came: &Came) -> Code {
    match came {
        Came::Fault(status) => status.code(),
        Came::Tokens(_) | Came::Refused(_) => panic!("{came:?}"),
    }
}

/// The field that `BadRequest` names.
fn field(came: &Came) -> String {
    let Came::Fault(status) = came else { panic!("{came:?}") };
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    status.get_details_bad_request().unwrap().field_violations[0].field.clone()
}

#[tokio::test]
async fn f9_a_token_that_is_known_to_be_another_issuer_s_or_client_s_is_never_sent() {
    let setup = Setup::start().await;
    let login = setup.first.user_tokens("alice").await;
    let tokens = setup.show(&login.refresh_token).await.tokens();
    let others = setup.second.user_tokens("bob").await.access_token;
    let before = setup.sent().await;
    for token in [&login.refresh_token, &tokens.refresh_token] {
        let elsewhere = setup.ask(setup.second.issuer(), "", shown(token)).await;
        assert_eq!(elsewhere.word(), "REFRESH_INVALID");
        let other_client = setup.ask(setup.first.issuer(), MACHINE, shown(token)).await;
        assert_eq!(other_client.word(), "REFRESH_INVALID");
    }
    // A refresh token that is a JWT says whose it is, whether or not anybody has seen it.
    assert_eq!(setup.show(&others).await.word(), "ISSUER_MISMATCH");
    assert_eq!(setup.sent().await, before);
    let next = setup.show(&tokens.refresh_token).await.tokens();
    assert!(setup.service.validate(&next.access_token).await.is_good(), "the session lives on");
}

#[tokio::test]
async fn what_is_no_refresh_token_is_never_sent() {
    let setup = Setup::start().await;
    let long = "a".repeat(4097);
    let before = setup.sent().await;
    for (token, reason) in [
        ("", "MISSING"),
        (&long, "TOO_LARGE"),
        ("two words", "MALFORMED"),
        (" leading", "MALFORMED"),
        ("trailing\n", "MALFORMED"),
        ("nul\0byte", "MALFORMED"),
        ("t\u{f6}ken", "MALFORMED"),
        ("\u{1f511}", "MALFORMED"),
        ("Bearer token", "MALFORMED"),
    ] {
        let came = setup.show(token).await;
        assert_eq!(came.word(), reason, "{token:?}: {came:?}");
    }
    assert_eq!(setup.sent().await, before);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_malformed() {
    let setup = Setup::start().await;
    let before = setup.sent().await;
    let mut bytes =
        RefreshRequest { credential: Some(shown("zzzz")), ..RefreshRequest::default() }.encode_to_vec();
    *bytes.last_mut().unwrap() = 0xff;
    let channel = setup.service.channel().await;
    let path = "/countersign.v1.TokenService/Refresh";
    let status = crate::api::kit::raw(&channel, path, bytes).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.get_details_error_info().unwrap().reason, "MALFORMED_REQUEST");
    assert!(!format!("{status:?}").contains("zzz"), "{status:?}");
    assert_eq!(setup.sent().await, before);
}

#[tokio::test]
async fn a_request_that_means_nobody_is_told_which_field_is_wrong() {
    let setup = Setup::start().await;
    let (first, token) = (setup.first.issuer(), || Some(shown("a-token")));
    let long = "a".repeat(1025);
    let before = setup.sent().await;
    for (issuer, client_id, credential, wrong) in [
        ("", WEB_APP, token(), "issuer"),
        ("https://nobody.example.test", WEB_APP, token(), "issuer"),
        (&format!("{first}/"), WEB_APP, token(), "issuer"),
        (&long, WEB_APP, token(), "issuer"),
        (first, "", token(), "client_id"),
        (first, &long, token(), "client_id"),
        (first, WEB_APP, None, "credential"),
        (first, WEB_APP, Some(session("")), "session_id"),
        (first, WEB_APP, Some(session(&long)), "session_id"),
    ] {
        let came = setup.ask(issuer, client_id, credential).await;
        assert_eq!(field(&came), wrong, "{came:?}");
        assert_eq!(came.word(), "INVALID_FIELD");
    }
    assert_eq!(setup.sent().await, before);
}

#[tokio::test]
async fn who_is_not_known_is_no_refusal_of_a_token() {
    let setup = Setup::start().await;
    let first = setup.first.issuer();
    // Seen, and its tokens are its own.
    let login = setup.first.user_tokens("alice").await;
    let seen = setup.service.validate(&login.access_token).await.good().session_id;
    let before = setup.sent().await;
    for (issuer, client_id, credential, expected) in [
        (first, "nobody", shown("a-token"), (Code::FailedPrecondition, "CLIENT_NOT_CONFIGURED")),
        (WITHOUT_CLIENTS, "", shown("a-token"), (Code::FailedPrecondition, "CLIENT_NOT_CONFIGURED")),
        (WITHOUT_CLIENTS, WEB_APP, shown("a-token"), (Code::FailedPrecondition, "CLIENT_NOT_CONFIGURED")),
        (first, "", session("nobody's"), (Code::NotFound, "SESSION_UNKNOWN")),
        (setup.second.issuer(), "", session(&seen), (Code::NotFound, "SESSION_UNKNOWN")),
        (WITHOUT_CLIENTS, "", session(&seen), (Code::NotFound, "SESSION_UNKNOWN")),
    ] {
        let came = setup.ask(issuer, client_id, credential).await;
        assert_eq!((code(&came), came.word().as_str()), expected, "{came:?}");
    }
    crate::support::wait::until("the session to be remembered", super::set::LONG, async || {
        let came = setup.ask(first, "", session(&seen)).await;
        (came.word() == "TOKENS_NOT_HELD").then(|| assert_eq!(code(&came), Code::FailedPrecondition))
    })
    .await;
    assert_eq!(setup.sent().await, before);
}
