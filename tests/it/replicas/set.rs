//! Replicas as processes, with one configuration and one key ring.

use std::{sync::Arc, time::Duration};

use countersign::{
    proto::client::{RevokeRequest, RevokeResponse, ValidateRequest, revoke_request::Target},
    store::KeyRing,
};
use serde_json::{Value, json};
use tonic::Status;

use crate::support::{
    service::{Said, Service},
    tokens::{Signer, claims, key_set},
    wait::until,
};

pub(super) const ISSUER: &str = "https://idp.example.test";
pub(super) const AUDIENCE: &str = "https://api.example.test";

/// Longer than anything takes that happens at all.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// How one replica differs from the others.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// `store.url`: an address without a password, or a mapping that names a file.
    pub(super) url: String,
    /// More keys of `store`, as YAML in one line: `durability: memory, cluster: true`.
    pub(super) store: String,
    /// `revocation`, as YAML in one line: `max_staleness: 2s`.
    pub(super) revocation: String,
}

impl Settings {
    /// Redis there, in its memory alone.
    pub(super) fn memory(url: impl Into<String>) -> Self {
        Self { url: url.into(), store: "durability: memory".to_owned(), revocation: String::new() }
    }

    /// The whole configuration.
    pub(super) fn yaml(&self) -> String {
        let Self { url, store, revocation } = self;
        let quote = if url.starts_with('{') { "" } else { "'" };
        format!(
            "issuers:\n  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}\n\
             key_ring: {{ file: ./ring.keys }}\n\
             store: {{ kind: redis, url: {quote}{url}{quote}, {store} }}\n\
             revocation: {{ {revocation} }}\n"
        )
    }
}

/// Replicas, and whoever signs the tokens that they accept.
pub(super) struct Replicas {
    pub(super) all: Vec<Service>,
    pub(super) signer: Arc<Signer>,
}

impl Replicas {
    /// Starts one for each of these, and waits until all are ready.
    pub(super) async fn start(settings: &[Settings]) -> Self {
        Self::start_with(settings, &[]).await
    }

    /// The same, with these files beside each configuration.
    pub(super) async fn start_with(settings: &[Settings], more: &[(&str, &[u8])]) -> Self {
        let signer = Arc::new(Signer::es256());
        let keys = key_set(&[&signer]).to_string();
        let directory = tempfile::tempdir().unwrap();
        let ring = directory.path().join("ring.keys");
        KeyRing::create(&ring).unwrap();
        let ring = std::fs::read(ring).unwrap();
        let mut files: Vec<(&str, &[u8])> = vec![("keys.json", keys.as_bytes()), ("ring.keys", &ring)];
        files.extend(more);
        let files = files.as_slice();
        let start = settings.iter().map(|one| {
            let yaml = one.yaml();
            async move { Service::start_with_files(&yaml, files).await }
        });
        Self { all: futures_util::future::join_all(start).await, signer }
    }

    /// One more process of this deployment, not waited for.
    pub(super) fn another(&self, settings: &Settings, more: &[(&str, &[u8])]) -> Service {
        let file = |name: &str| std::fs::read(self.all[0].directory().join(name)).unwrap();
        let (keys, ring) = (file("keys.json"), file("ring.keys"));
        let mut files: Vec<(&str, &[u8])> = vec![("keys.json", &keys), ("ring.keys", &ring)];
        files.extend(more);
        Service::start_unready_with_files(&settings.yaml(), &files)
    }

    /// A token with these claims besides the usual ones.
    pub(super) fn token(&self, more: &[(&str, Value)]) -> String {
        let mut claims = claims(ISSUER, AUDIENCE);
        for (name, value) in more {
            claims[*name] = value.clone();
        }
        self.signer.access_token(&claims)
    }

    /// A token that is known by this id, and is of no session.
    pub(super) fn token_with_id(&self, id: &str) -> String {
        self.token(&[("jti", json!(id)), ("sid", Value::Null), ("sub", json!(format!("subject of {id}")))])
    }

    /// Revokes on one of them.
    pub(super) async fn revoke(&self, replica: usize, target: Target) -> Result<RevokeResponse, Status> {
        self.all[replica].client().await.revoke(revoking(target)).await.map(tonic::Response::into_inner)
    }

    /// Waits until a token is refused there.
    pub(super) async fn refused(&self, replica: usize, token: &str) {
        until("a refusal", LONG, async || match self.all[replica].validate(token).await {
            Said::Refused(_) => Some(()),
            Said::Good(_) | Said::CannotTell(_) => None,
        })
        .await;
    }
}

/// Asks to revoke this.
pub(super) fn revoking(target: Target) -> RevokeRequest {
    RevokeRequest {
        target: Some(target),
        issuer: ISSUER.to_owned(),
        reason: "stolen".to_owned(),
        ..RevokeRequest::default()
    }
}

/// Asks for an answer that knows of a revision.
pub(super) fn knowing(token: &str, revision: &str) -> ValidateRequest {
    ValidateRequest {
        token: token.to_owned(),
        min_revision: revision.to_owned(),
        ..ValidateRequest::default()
    }
}
