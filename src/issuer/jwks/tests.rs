use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
    },
};
use serde_json::json;

use super::*;
use crate::issuer::testing::{ISSUER, document, ec_jwk, encode};

/// RFC 7517 appendix A.1.
const RSA_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZC\
                     iFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ\
                     ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB\
                     niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn parse_with(document: &[u8], allowed: &AllowedAlgorithms) -> Result<Parsed, DocumentError> {
    parse(document, Rules { issuer: ISSUER, allowed, max_keys: 100 })
}

fn parse_all(keys: &[&Value]) -> Parsed {
    parse_with(&document(keys), &AllowedAlgorithms::asymmetric()).unwrap()
}

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

/// One key beside a good one: what becomes of it, and that the good one is not affected (K5).
#[track_caller]
fn check(jwk: &Value, expected: Result<usize, Why>) {
    let parsed = parse_all(&[jwk, &ec_jwk("good")]);
    let good = parsed.keys.iter().filter(|key| key.key_id() == Some("good")).count();
    assert_eq!(good, 1, "K5 {jwk}");
    match expected {
        Ok(usable) => assert_eq!((parsed.keys.len() - 1, parsed.unusable.len()), (usable, 0), "{jwk}"),
        Err(why) => assert_eq!(parsed.unusable.iter().map(|it| it.why).collect::<Vec<_>>(), [why], "{jwk}"),
    }
}

fn rsa() -> Value {
    json!({"kty": "RSA", "kid": "rsa", "n": RSA_N, "e": "AQAB"})
}

#[test]
fn k5_one_unusable_key_never_affects_the_others() {
    check(&rsa(), Ok(1));
    for not_a_jwk in [json!(null), json!([]), json!("key"), json!(7)] {
        check(&not_a_jwk, Err(Why::NotAJwk));
    }
    check(&json!({}), Err(Why::UnknownType));
    check(&json!({"kty": "LMS", "pub": "x"}), Err(Why::UnknownType));
    check(&with(ec_jwk("a"), "kid", json!(7)), Err(Why::NotAJwk));
    check(&with(ec_jwk("a"), "x", json!("not base64url!")), Err(Why::Encoding));
    check(&with(ec_jwk("a"), "x", json!("AAAA")), Err(Why::Key(UnusableKey::Numbers)));
    check(&with(ec_jwk("a"), "y", json!(encode(&[7; 32]))), Err(Why::Key(UnusableKey::Numbers)));
    check(&with(rsa(), "n", json!("AQAB")), Err(Why::Key(UnusableKey::RsaSize)));
    check(&with(rsa(), "e", json!("AQ")), Err(Why::Key(UnusableKey::Numbers)));
    check(&json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}), Err(Why::Key(UnusableKey::Numbers)));
    check(&json!({"kty": "OKP", "crv": "P-256", "x": "AAAA"}), Err(Why::UnknownType));
}

#[test]
fn k9_alg_binds_a_key_and_an_unknown_one_makes_it_unusable() {
    let parsed = parse_all(&[&with(rsa(), "alg", json!("PS256"))]);
    assert_eq!(
        parsed.keys[0].verify(Algorithm::RS256, b"", b""),
        Err(crate::domain::key::VerifyError::Algorithm)
    );
    assert_eq!(
        parsed.keys[0].verify(Algorithm::PS256, b"", b""),
        Err(crate::domain::key::VerifyError::Signature)
    );
    for unknown in [json!("RSA-OAEP"), json!("RS1"), json!("none"), json!(""), json!(null), json!(["RS256"])]
    {
        check(&with(rsa(), "alg", unknown), Err(Why::UnknownAlgorithm));
    }
    check(&with(rsa(), "alg", json!("ES256")), Err(Why::Key(UnusableKey::NotAllowed)));
    check(&with(rsa(), "alg", json!("HS256")), Err(Why::Key(UnusableKey::NotAllowed)));
}

#[test]
fn k9_shared_and_private_keys_never_come_from_a_document() {
    check(&json!({"kty": "oct", "kid": "s", "k": encode(&[1; 64])}), Err(Why::Published));
    check(&json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": encode(&[1; 64])}), Err(Why::Published));
    for member in PRIVATE_MEMBERS {
        check(&with(rsa(), member, json!("AQAB")), Err(Why::Published));
    }
    // Even where the issuer's tokens are signed with a shared secret.
    let symmetric = AllowedAlgorithms::new(vec![Algorithm::HS256]).unwrap();
    let keys = document(&[&json!({"kty": "oct", "k": encode(&[1; 64])}), &rsa()]);
    assert!(parse_with(&keys, &symmetric).unwrap().keys.is_empty());
}

#[test]
fn use_and_key_ops_are_honoured() {
    check(&with(rsa(), "use", json!("sig")), Ok(1));
    check(&with(rsa(), "use", json!("enc")), Ok(0));
    check(&with(rsa(), "use", json!(null)), Ok(0));
    check(&with(rsa(), "key_ops", json!(["verify"])), Ok(1));
    check(&with(rsa(), "key_ops", json!(["sign", "verify"])), Ok(1));
    check(&with(rsa(), "key_ops", json!(["encrypt"])), Ok(0));
    check(&with(rsa(), "key_ops", json!([])), Ok(0));
    check(&with(rsa(), "key_ops", json!("verify")), Ok(0));
    check(&with(with(rsa(), "use", json!("enc")), "key_ops", json!(["verify"])), Ok(0));
}

#[test]
fn a_key_of_another_issuer_is_left_out() {
    let is_ours = |bound: &str, issuer: &str| {
        let Value::Object(members) = json!({ "issuer": bound }) else { unreachable!() };
        is_of_issuer(&members, issuer)
    };
    assert!(is_ours("https://a/t/v2.0", "https://a/t/v2.0"));
    assert!(!is_ours("https://a/t/v2.0/", "https://a/t/v2.0"));
    assert!(is_ours("https://a/{tenantid}/v2.0", "https://a/t/v2.0"));
    assert!(!is_ours("https://a/{tenantid}/v2.0", "https://a//v2.0"));
    assert!(!is_ours("https://a/{tenantid}/v2.0", "https://a/x/y/v2.0"));
    assert!(!is_ours("https://b/{tenantid}/v2.0", "https://a/t/v2.0"));
    assert!(!is_ours("", "https://a"));
    check(&with(rsa(), "issuer", json!(ISSUER)), Ok(1));
    check(&with(rsa(), "issuer", json!("https://other.example")), Ok(0));
    check(&with(rsa(), "issuer", json!(7)), Ok(0));
}

#[test]
fn only_a_json_object_with_an_array_of_keys_is_a_key_set() {
    let allowed = AllowedAlgorithms::asymmetric();
    for bad in [
        "",
        "<!doctype html><html></html>",
        "[]",
        "{}",
        "null",
        r#"{"keys":"x"}"#,
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"Keys":[]}"#,
        r#"{"keys":[]} trailing"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":["#,
    ] {
        assert_eq!(parse_with(bad.as_bytes(), &allowed).unwrap_err(), DocumentError::NotAKeySet, "{bad}");
    }
    let deep = format!(r#"{{"keys":[{}{}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(parse_with(deep.as_bytes(), &allowed).unwrap_err(), DocumentError::NotAKeySet);
    let none = parse_with(br#"{"keys":[],"next":1}"#, &allowed).unwrap();
    assert!(none.keys.is_empty() && none.unusable.is_empty());
}

#[test]
fn k6_more_keys_than_allowed_refuse_the_whole_document() {
    let key = ec_jwk("a");
    assert_eq!(parse_all(&vec![&key; 100]).keys.len(), 100);
    let allowed = AllowedAlgorithms::asymmetric();
    let parsed = parse_with(&document(&vec![&key; 101]), &allowed);
    assert_eq!(parsed.unwrap_err(), DocumentError::TooManyKeys);
}

#[track_caller]
fn check_ec(curve: &str, signing: &'static EcdsaSigningAlgorithm, algorithm: Algorithm, published: bool) {
    let pair = EcdsaKeyPair::generate(signing).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = point[1..].split_at(point.len() / 2);
    let mut jwk = json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)});
    if published {
        jwk["alg"] = json!(algorithm.as_str());
    }
    let parsed = parse_all(&[&jwk]);
    let signature = pair.sign(&SystemRandom::new(), b"input").unwrap();
    assert_eq!(parsed.keys[0].verify(algorithm, b"input", signature.as_ref()), Ok(()));
}

#[test]
fn every_curve_verifies_with_and_without_alg() {
    for published in [false, true] {
        check_ec("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::ES256, published);
        check_ec("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::ES384, published);
        check_ec("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING, Algorithm::ES512, published);
    }
}

#[test]
fn ed25519_verifies_under_both_of_its_names() {
    let pair = Ed25519KeyPair::generate().unwrap();
    for name in ["EdDSA", "Ed25519"] {
        let x = encode(pair.public_key().as_ref());
        let parsed = parse_all(&[&json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": name})]);
        let signature = pair.sign(b"input");
        assert_eq!(parsed.keys[0].verify(Algorithm::Ed25519, b"input", signature.as_ref()), Ok(()), "{name}");
    }
}

#[test]
fn an_unusable_key_is_named_in_the_log_by_a_bounded_escaped_id() {
    let jwk = with(with(rsa(), "kid", json!("\n".repeat(1000))), "alg", json!("x"));
    let shown = parse_all(&[&jwk]).unusable[0].to_string();
    assert!(shown.len() < 250 && !shown.contains('\n'), "{shown}");
}
