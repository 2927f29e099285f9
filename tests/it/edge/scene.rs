//! A running service behind Envoy, and whoever signs the tokens that it accepts.

use serde_json::{Value, json};

use super::{
    client::{self, Answer},
    envoy::{Door, Envoy, Version},
    upstream::Upstream,
};
use crate::support::{
    ports,
    service::Service,
    tokens::{Signer, claims, encode, key_set},
};

pub(super) const ISSUER: &str = "https://idp.example.test";
/// Another issuer, with keys of its own.
pub(super) const SECOND: &str = "https://second.example.test";
/// One whose key server nobody has ever reached.
pub(super) const UNREACHABLE: &str = "https://unreachable.example.test";
pub(super) const AUDIENCE: &str = "https://api.example.test";
/// An audience that only `/audience` wants.
pub(super) const OTHER_AUDIENCE: &str = "https://other.example.test";

/// The doors of a scene.
pub(super) const CLOSED: &str = "closed";
pub(super) const RAW: &str = "raw";
pub(super) const OPEN: &str = "open";
/// Nothing in front of ext_authz strips anything.
pub(super) const BARE: &str = "bare";
/// Fails open, and nobody is there to ask.
pub(super) const ALONE: &str = "alone";

/// The service, Envoy before it, and what is behind Envoy.
pub(super) struct Scene {
    pub(super) service: Service,
    pub(super) upstream: Upstream,
    pub(super) envoy: Envoy,
    pub(super) signers: Signers,
}

impl Scene {
    pub(super) async fn start(version: Version) -> Self {
        Self::with(version, "").await
    }

    /// `more`: further issuers, and then further sections of the configuration.
    pub(super) async fn with(version: Version, more: &str) -> Self {
        let (service, signers) = start_service(more, &[]).await;
        let upstream = Upstream::start().await;
        let doors = [
            Door::to(CLOSED, service.socket()),
            Door::to(RAW, service.socket()).raw(),
            Door::to(OPEN, service.socket()).failing_open(),
            Door::to(BARE, service.socket()).bare(),
            Door::to(ALONE, service.directory().join("nobody")).failing_open(),
        ];
        let envoy = Envoy::start(version, &upstream, &doors).await;
        Self { service, upstream, envoy, signers }
    }

    /// A good access token of alice, changed.
    pub(super) fn token(&self, more: &[(&str, Value)]) -> String {
        self.signers.token(more)
    }

    /// Asks at a door, with a token as it is usually shown.
    pub(super) async fn ask(&self, door: &str, path: &str, token: &str) -> Answer {
        client::get(self.envoy.door(door), path, &[("authorization", &bearer(token))]).await
    }
}

/// Whose tokens are accepted.
pub(super) struct Signers {
    pub(super) first: Signer,
    second: Signer,
}

impl Signers {
    /// One for each of the two issuers.
    pub(super) fn new() -> Self {
        Self { first: Signer::es256(), second: Signer::es256().named("second") }
    }

    /// Their key sets, as files beside the configuration.
    pub(super) fn files(&self) -> [(&'static str, Vec<u8>); 2] {
        let file = |signer: &Signer| key_set(&[signer]).to_string().into_bytes();
        [("keys.json", file(&self.first)), ("second.json", file(&self.second))]
    }

    /// A good access token of alice, changed.
    pub(super) fn token(&self, more: &[(&str, Value)]) -> String {
        signed(&self.first, ISSUER, more)
    }

    /// The same of the second issuer.
    pub(super) fn second_token(&self) -> String {
        signed(&self.second, SECOND, &[])
    }

    /// A token that is bound to the certificate with this digest (RFC 8705 section 3.1).
    pub(super) fn bound_token(&self, digest: &[u8]) -> String {
        self.token(&[("cnf", json!({ "x5t#S256": encode(digest) }))])
    }

    /// An ID token.
    pub(super) fn id_token(&self) -> String {
        let mut claims = claims(ISSUER, AUDIENCE);
        for name in ["client_id", "scope"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        let mut header = self.first.header();
        header["typ"] = json!("JWT");
        self.first.sign(header.to_string(), claims.to_string())
    }
}

fn signed(signer: &Signer, issuer: &str, more: &[(&str, Value)]) -> String {
    let mut claims = claims(issuer, AUDIENCE);
    for (name, value) in more {
        claims[*name] = value.clone();
    }
    signer.access_token(&claims)
}

/// Starts a service with these files besides the key sets.
pub(super) async fn start_service(more: &str, files: &[(&str, &[u8])]) -> (Service, Signers) {
    let signers = Signers::new();
    let service = start_replica(&signers, more, files).await;
    (service, signers)
}

/// The same for signers that others know, too.
pub(super) async fn start_replica(signers: &Signers, more: &str, files: &[(&str, &[u8])]) -> Service {
    let mut service = unready_replica(signers, more, files);
    service.ready().await;
    service
}

/// The same, not waited for.
pub(super) fn unready_replica(signers: &Signers, more: &str, files: &[(&str, &[u8])]) -> Service {
    let keys = signers.files();
    let mut all: Vec<(&str, &[u8])> = keys.iter().map(|(name, keys)| (*name, keys.as_slice())).collect();
    all.extend(files);
    Service::start_unready_with_files(&yaml(more), &all)
}

/// As it stands in `Authorization` (RFC 6750 section 2.1).
pub(super) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A configuration with three issuers.
pub(super) fn yaml(more: &str) -> String {
    format!(
        "issuers:\n  \
         - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}, {OTHER_AUDIENCE}], jwks_file: ./keys.json }}\n  \
         - {{ issuer: {SECOND}, audiences: [{AUDIENCE}], jwks_file: ./second.json }}\n  \
         - {{ issuer: {UNREACHABLE}, audiences: [{AUDIENCE}], jwks_uri: 'http://127.0.0.1:{}/keys' }}\n{more}",
        ports::reserve(),
    )
}
