//! What the tests of this room share: keys, documents, settings.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::domain::{
    algorithm::AllowedAlgorithms,
    kind::KindRules,
    policy::{AudienceClaim, ClaimNames, IssuerPolicy},
};

use super::settings::{IssuerRefresh, IssuerSettings, KeyFreshness, KeySettings, KeySource, SessionApi};

pub(super) const ISSUER: &str = "https://idp.example";

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A fresh P-256 key with this `kid`.
pub(super) fn ec_jwk(key_id: &str) -> Value {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    json!({"kty": "EC", "crv": "P-256", "kid": key_id, "x": encode(&point[1..33]), "y": encode(&point[33..65])})
}

pub(super) fn document(keys: &[&Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

pub(super) fn policy(algorithms: AllowedAlgorithms) -> IssuerPolicy {
    IssuerPolicy {
        name: "idp".to_owned(),
        issuer: ISSUER.to_owned(),
        audiences: vec!["api".to_owned()],
        audience_claim: AudienceClaim::Aud,
        algorithms,
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

pub(super) fn settings(source: KeySource, algorithms: AllowedAlgorithms) -> IssuerSettings {
    let seconds = Duration::from_secs;
    IssuerSettings {
        policy: Arc::new(policy(algorithms)),
        source,
        keys: KeySettings {
            freshness: KeyFreshness::new(seconds(30), seconds(300), seconds(3600)).unwrap(),
            timeout: seconds(5),
            max_bytes: 512 * 1024,
            max_keys: 100,
        },
        clients: vec![],
        session_api: SessionApi::None,
        refresh: IssuerRefresh::default(),
        introspection: None,
        allow_http: false,
    }
}
