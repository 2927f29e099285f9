//! Tokens for tests: signed with a shared secret, and verified.

use std::{path::Path, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    jws::UnverifiedParts,
    key::VerifyingKey,
    policy::IssuerPolicy,
    secret::Secret,
    time::UnixTime,
    token::RawToken,
    verify::{VerifiedToken, verify},
};
use crate::config::{Config, Environment};

pub(crate) const ISSUER: &str = "https://issuer.example";
const SECRET: &str = "a-made-up-secret-that-protects-nothing";
/// When these tests take place, in seconds.
pub(crate) const NOW: i64 = 1_800_000_000;

/// So many seconds later.
pub(crate) fn at(seconds: i64) -> UnixTime {
    UnixTime::from_secs(NOW + seconds)
}

/// One issuer with a shared secret, and more lines.
pub(crate) fn config(more: &str) -> Config {
    let text = format!(
        "issuers:\n  - issuer: {ISSUER}\n    audiences: [api]\n    secret: {{env: SHARED}}\n    algorithms: [HS256]\n{more}"
    );
    Config::parse(&text, &Environment::from_iter([("SHARED", SECRET)]), Path::new("")).unwrap().config
}

pub(crate) fn policy() -> Arc<IssuerPolicy> {
    Arc::clone(&config("").issuers[0].policy)
}

/// The claims of a token that was issued a minute ago, has a session, and is good for an hour.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "api", "sub": "alice", "client_id": "web", "sid": "s1", "jti": "t1",
        "iat": NOW - 60, "exp": NOW + 3600,
    })
}

/// Those, and others in their place; `null` takes one away.
pub(crate) fn claims_with(others: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in others.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// Signed.
pub(crate) fn compact(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "at+jwt"})), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}

/// Signed and verified.
pub(crate) fn verified(claims: &Value) -> VerifiedToken {
    let policy = policy();
    let secret = Secret::new(SECRET.as_bytes().to_vec());
    let key = Arc::new(VerifyingKey::shared(&secret, &policy.algorithms).unwrap());
    let text = compact(claims);
    let parts = UnverifiedParts::decode(RawToken::new(&text, 16 * 1024).unwrap()).unwrap();
    let jws = parts.read().unwrap();
    verify(&jws, &[&key], &policy).unwrap_or_else(|refusal| panic!("{refusal:?}")).into_token()
}
