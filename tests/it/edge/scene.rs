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
    tokens::{Signer, claims, key_set},
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
/// Fails open, and nobody is there to ask.
pub(super) const ALONE: &str = "alone";

/// The service, Envoy before it, and what is behind Envoy.
pub(super) struct Scene {
    pub(super) service: Service,
    pub(super) upstream: Upstream,
    pub(super) envoy: Envoy,
    pub(super) signer: Signer,
    second: Signer,
}

impl Scene {
    pub(super) async fn start(version: Version) -> Self {
        Self::with(version, "").await
    }

    /// `more`: further sections of the configuration.
    pub(super) async fn with(version: Version, more: &str) -> Self {
        let (signer, second) = (Signer::es256(), Signer::es256().named("second"));
        let files = [("keys.json", key_set(&[&signer])), ("second.json", key_set(&[&second]))];
        let files = files.map(|(name, keys)| (name, keys.to_string().into_bytes()));
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, keys)| (*name, keys.as_slice())).collect();
        let service = Service::start_with_files(&yaml(more), &files).await;
        let upstream = Upstream::start().await;
        let doors = [
            Door::to(CLOSED, service.socket()),
            Door::to(RAW, service.socket()).raw(),
            Door::to(OPEN, service.socket()).failing_open(),
            Door::to(ALONE, service.directory().join("nobody")).failing_open(),
        ];
        let envoy = Envoy::start(version, &upstream, &doors).await;
        Self { service, upstream, envoy, signer, second }
    }

    /// A good access token of alice, changed.
    pub(super) fn token(&self, more: &[(&str, Value)]) -> String {
        Self::signed(&self.signer, ISSUER, more)
    }

    /// The same of the second issuer.
    pub(super) fn second_token(&self) -> String {
        Self::signed(&self.second, SECOND, &[])
    }

    fn signed(signer: &Signer, issuer: &str, more: &[(&str, Value)]) -> String {
        let mut claims = claims(issuer, AUDIENCE);
        for (name, value) in more {
            claims[*name] = value.clone();
        }
        signer.access_token(&claims)
    }

    /// An ID token.
    pub(super) fn id_token(&self) -> String {
        let mut claims = claims(ISSUER, AUDIENCE);
        for name in ["client_id", "scope"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        let mut header = self.signer.header();
        header["typ"] = json!("JWT");
        self.signer.sign(header.to_string(), claims.to_string())
    }

    /// Asks at a door, with a token as it is usually shown.
    pub(super) async fn ask(&self, door: &str, path: &str, token: &str) -> Answer {
        client::get(self.envoy.door(door), path, &[("authorization", &bearer(token))]).await
    }
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
