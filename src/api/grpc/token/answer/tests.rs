use std::{sync::Arc, time::Duration};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use prost::Message as _;

use super::*;
use crate::{
    config::{Config, Environment},
    domain::{
        decide::{Requirements, decide},
        jws::UnverifiedParts,
        key::{PublicNumbers, VerifyingKey},
        kind::TokenKind,
        revocation::check::check,
        time::UnixTime,
        token::RawToken,
        verify::{VerifiedToken, verify},
    },
    issuer::IssuerId,
    proto::client,
    state::{
        cache::{CacheSettings, TokenCache},
        revocations::Revocations,
    },
};

const PAYLOAD: &str = r#"{ "aud":"api", "sub":"alice","iss":"https://issuer.example.test","client_id":"web",
    "exp":1000300,"iat":1000000.25,"scope":"b a","roles":["x"],"jti":"t","sid":"s","org_id":"o","permissions":"p q" }"#;

/// A token with that payload, verified and encoded; and its compact form.
fn verified() -> ((VerifiedToken, EncodedToken), String) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let input = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"at+jwt"}"#),
        BASE64_URL_SAFE_NO_PAD.encode(PAYLOAD)
    );
    let text = format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(pair.sign(input.as_bytes())));
    let yaml = "issuers: [{ issuer: https://issuer.example.test, audiences: [api] }]";
    let config = Config::parse(yaml, &Environment::default(), std::path::Path::new(".")).unwrap().config;
    let policy = Arc::clone(&config.issuers[0].policy);
    let numbers = PublicNumbers::Ed25519 { x: pair.public_key().as_ref() };
    let key = Arc::new(VerifyingKey::public(None, numbers, None, &policy.algorithms).unwrap());
    let parts = UnverifiedParts::decode(RawToken::new(&text, 4096).unwrap()).unwrap();
    let jws = parts.read().unwrap();
    let verified = verify(&jws, &[&key], &policy).unwrap();
    let encoded = encode(&verified);
    ((verified.into_token(), encoded), text)
}

fn requirements() -> Requirements<'static> {
    Requirements::of_kind(TokenKind::Access)
}

fn knowledge() -> Knowledge {
    Knowledge { revision: "0123456789abcdef-7".into(), as_of: UnixTime::from_millis(1_000_000_500) }
}

/// The answer at a time, as a client reads it.
fn answered(seconds: i64, claims: bool) -> client::TokenInfo {
    let (token, text) = verified();
    let now = UnixTime::from_secs(seconds);
    let cache =
        TokenCache::new(CacheSettings { max_bytes: 1 << 20, max_age: Duration::from_mins(5) }).unwrap();
    let digest = cache.digest(RawToken::new(&text, 4096).unwrap().bounded());
    let cached = cache.remember(digest, token, (IssuerId::unique(), 1), false, now);
    let current = cached.token().at(now).unwrap();
    let revocations = Revocations::new(1);
    let active = check(current, None, cached.last_check(), &revocations.at(now)).unwrap();
    let permit = decide(active, &requirements()).unwrap();
    let should_refresh = permit.token().should_refresh(now, Duration::from_mins(1));
    let outcome = Ok(of_pass(&Pass { permit, cached: &cached, should_refresh }, claims));
    let response = of_verdict(Verdict { outcome, knowledge: knowledge() });
    let read = client::ValidateResponse::decode(response.encode_to_vec().as_slice()).unwrap();
    assert_eq!(read.revision, "0123456789abcdef-7");
    assert_eq!(read.revocations_as_of, Some(timestamp(knowledge().as_of)));
    match read.outcome.unwrap() {
        client::validate_response::Outcome::Token(info) => info,
        client::validate_response::Outcome::Rejection(_) => panic!("refused"),
    }
}

#[test]
fn every_field_lands_and_the_payload_is_byte_for_byte() {
    let info = answered(1_000_100, true);
    assert_eq!(info.claims_json, PAYLOAD.as_bytes());
    assert_eq!((info.issuer.as_str(), info.subject.as_str()), ("https://issuer.example.test", "alice"));
    assert_eq!((info.audiences.as_slice(), info.client_id.as_str()), (&["api".to_owned()][..], "web"));
    assert_eq!(info.scopes, ["b", "a"]);
    assert_eq!((info.roles, info.permissions), (vec!["x".to_owned()], vec!["p".to_owned(), "q".to_owned()]));
    assert_eq!((info.session_id.as_str(), info.token_id.as_str()), ("s", "t"));
    assert_eq!(info.organization_id, "o");
    assert_eq!(info.issued_at.unwrap(), prost_types::Timestamp { seconds: 1_000_000, nanos: 250_000_000 });
    assert_eq!(info.expires_at.unwrap(), prost_types::Timestamp { seconds: 1_000_300, nanos: 0 });
    assert_eq!((info.kind, info.principal), (1, 1));
    assert!(!info.should_refresh);
}

#[test]
fn c2_the_hint_to_refresh_follows_the_clock_and_not_the_cache() {
    assert!(!answered(1_000_225, true).should_refresh);
    assert!(answered(1_000_241, true).should_refresh);
    assert!(answered(1_000_300, false).should_refresh, "good for leeway's sake, and due");
}

#[test]
fn a_batch_leaves_the_claims_out_and_nothing_else() {
    let with = answered(1_000_100, true);
    let without = answered(1_000_100, false);
    assert!(without.claims_json.is_empty());
    assert!(client::TokenInfo { claims_json: with.claims_json.clone(), ..without } == with);
}

#[test]
fn c6_nothing_that_is_cached_holds_the_token_or_its_signature() {
    let ((_, encoded), text) = verified();
    let signature = text.rsplit_once('.').unwrap().1;
    let raw = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    for secret in [text.as_bytes(), signature.as_bytes(), &raw] {
        assert!(!encoded.bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn a_rejection_says_why_and_what_to_do() {
    let outcome = Err(Refusal::new(Reason::Expired, "the token has expired"));
    let response = of_verdict(Verdict { outcome, knowledge: knowledge() });
    let read = client::ValidateResponse::decode(response.encode_to_vec().as_slice()).unwrap();
    let Some(client::validate_response::Outcome::Rejection(rejection)) = read.outcome else {
        panic!("no rejection");
    };
    assert_eq!(
        (rejection.reason(), rejection.recovery()),
        (client::Reason::Expired, client::Recovery::Refresh)
    );
    assert_eq!(rejection.message, "the token has expired");
}

/// docs/errors.md names every reason that this build gives.
#[test]
fn docs_errors_md_names_every_reason() {
    let page = include_str!("../../../../../docs/errors.md");
    for known in Reason::ALL {
        let name = known.as_str().to_uppercase();
        let recovery = format!("{:?}", known.recovery()).to_uppercase();
        let status = if known.is_insufficient() { "PERMISSION_DENIED" } else { "UNAUTHENTICATED" };
        assert!(page.contains(&format!("| `{name}` | {recovery} | {status} |")), "{name}");
        assert_eq!(reason(known).as_str_name(), format!("REASON_{name}"));
    }
}
