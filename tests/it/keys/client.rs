//! An issuer under test, and what it counts.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    domain::{
        algorithm::{Algorithm, AllowedAlgorithms},
        kind::KindRules,
        policy::{AudienceClaim, ClaimNames, IssuerPolicy},
    },
    issuer::{
        HttpClient, Issuer, IssuerRefresh, IssuerSettings, KeyFreshness, KeyMetrics, KeySettings, KeySource,
        Lookup, SessionApi, Surroundings,
    },
    ops::{clock::SystemClock, drain::Tasks},
};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{
    idp::{DEADLINE, Idp},
    wait::until,
};

/// An issuer and what it counts.
pub(super) struct Client {
    pub(super) issuer: Arc<Issuer>,
    pub(super) tasks: Tasks,
    registry: Registry,
}

impl Client {
    pub(super) async fn start(
        source: KeySource,
        name: &str,
        change: impl FnOnce(&mut IssuerSettings) + Send,
    ) -> Self {
        let mut registry = countersign::ops::metrics::registry();
        let around = Surroundings {
            http: HttpClient::new().unwrap(),
            store: None,
            clock: Arc::new(SystemClock),
            metrics: KeyMetrics::register(&mut registry),
            tasks: Tasks::default(),
        };
        let mut settings = settings(source, name);
        change(&mut settings);
        let issuer = Arc::new(Issuer::start(settings, &around).unwrap());
        timeout(DEADLINE, issuer.wait_first_attempt()).await.expect("the first attempt hangs");
        Self { issuer, tasks: around.tasks, registry }
    }

    pub(super) async fn lookup(&self, key_id: &str) -> Lookup {
        let lookup = self.issuer.lookup(Some(key_id), Algorithm::ES256);
        timeout(DEADLINE, lookup).await.expect("the lookup hangs")
    }

    pub(super) async fn finds(&self, key_id: &str) -> bool {
        matches!(self.lookup(key_id).await, Lookup::Found(_))
    }

    /// Waits until it does: nobody waits for the repeat of a failed fetch.
    pub(super) async fn finds_soon(&self, key_id: &str) {
        until("the key", DEADLINE, async || self.finds(key_id).await.then_some(())).await;
    }

    /// The attempts of this trigger that ended so.
    pub(super) fn fetches(&self, trigger: &str, outcome: &str) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let name = format!(
            "countersign_key_fetches_total{{issuer=\"idp\",trigger=\"{trigger}\",outcome=\"{outcome}\"}} "
        );
        text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    }
}

impl Idp {
    /// An issuer that takes its keys from `/keys` here, after its first attempt.
    pub(super) async fn issuer(&self, change: impl FnOnce(&mut IssuerSettings) + Send) -> Client {
        Client::start(KeySource::JwksUri(self.url("/keys").parse().unwrap()), &self.url(""), change).await
    }

    /// An issuer that discovers, after its first attempt.
    pub(super) async fn discovering(&self, change: impl FnOnce(&mut IssuerSettings) + Send) -> Client {
        Client::start(KeySource::Discovery, &self.url(""), change).await
    }
}

fn settings(source: KeySource, issuer: &str) -> IssuerSettings {
    let seconds = Duration::from_secs;
    IssuerSettings {
        policy: Arc::new(policy(issuer)),
        source,
        keys: KeySettings {
            freshness: KeyFreshness::new(seconds(60), seconds(300), seconds(3600)).unwrap(),
            timeout: DEADLINE,
            max_bytes: 64 * 1024,
            max_keys: 100,
        },
        clients: vec![],
        session_api: SessionApi::None,
        refresh: IssuerRefresh::default(),
        introspection: None,
        allow_http: false,
    }
}

/// Repeats soon, refreshes rarely.
pub(super) fn impatient(settings: &mut IssuerSettings) {
    let seconds = Duration::from_secs;
    settings.keys.freshness =
        KeyFreshness::new(Duration::from_millis(50), seconds(300), seconds(3600)).unwrap();
}

fn policy(issuer: &str) -> IssuerPolicy {
    IssuerPolicy {
        name: "idp".to_owned(),
        issuer: issuer.to_owned(),
        audiences: vec!["api".to_owned()],
        audience_claim: AudienceClaim::Aud,
        algorithms: AllowedAlgorithms::asymmetric(),
        kinds: KindRules::default(),
        leeway: Duration::from_mins(1),
        max_token_lifetime: Duration::from_hours(24),
        max_session_lifetime: Duration::from_hours(24 * 90),
        max_token_age: None,
        required_claims: vec![],
        claims: ClaimNames {
            session_id: vec![],
            token_id: vec![],
            client_id: vec![],
            scopes: vec![],
            roles: vec![],
            permissions: vec![],
            organization_id: vec![],
        },
    }
}

/// A fresh key.
pub(super) fn key(key_id: &str) -> Value {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "EC", "crv": "P-256", "kid": key_id, "x": encode(&point[1..33]), "y": encode(&point[33..])})
}

pub(super) fn key_set(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}
