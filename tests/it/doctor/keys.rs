//! Key sets that are not what they should be, and keys that nobody fetches.

use serde_json::{Value, json};

use super::kit::{Lie, check, entry, html, json_reply, key, key_set, run};
use crate::support::{
    idp::{Idp, Reply},
    tokens::{Signer, encode},
};

async fn check_keys(lie: Lie, lines: &str, bad: &[&str], exit: i32) -> Value {
    let (report, _idp) = check("/keys", lie, lines, bad, exit).await;
    report.json()["issuers"][0]["findings"].clone()
}

#[tokio::test]
async fn what_is_no_key_set_is_told() {
    check_keys(|_| html("200 OK"), "", &["keys_malformed"], 1).await;
    check_keys(|_| html("404 Not Found"), "", &["keys_refused"], 1).await;
    check_keys(|_| Reply::status("301 Moved").with("location", "/x"), "", &["keys_redirected"], 1).await;
    check_keys(|_| Reply::Endless, "", &["keys_too_long"], 1).await;
    check_keys(|_| html("500 Oops"), "", &["keys_unreachable"], 3).await;
    check_keys(|_| Reply::Stalled(""), "keys: {timeout: 2s}", &["keys_unreachable"], 3).await;
    let two: Lie = |_| json_reply(&key_set(&[key("a"), key("b")]));
    check_keys(two, "keys: {max_keys: 1}", &["keys_too_many"], 1).await;
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_told_with_the_reason() {
    check_keys(|_| json_reply(&key_set(&[])), "", &["keys_empty"], 1).await;
    let weak = |_: &str| {
        let modulus = encode([0xff; 128]);
        json_reply(&key_set(&[json!({"kty": "RSA", "kid": "w", "n": modulus, "e": "AQAB"})]))
    };
    let findings = check_keys(weak, "", &["keys_unusable", "key_unusable"], 1).await;
    assert!(findings.to_string().contains("shorter than 2048"), "{findings}");
    let beside: Lie =
        |_| json_reply(&key_set(&[key("a"), json!({"kty": "EC", "crv": "secp256k1", "kid": "k"})]));
    check_keys(beside, "", &["key_unusable"], 0).await;
    let secret: Lie =
        |_| json_reply(&key_set(&[key("a"), json!({"kty": "oct", "kid": "s", "k": "hunter2-hunter2"})]));
    check_keys(secret, "", &["key_not_public"], 1).await;
}

#[tokio::test]
async fn keys_that_fit_nothing_allowed_are_told_and_so_is_what_has_no_key() {
    let ec: Lie = |_| json_reply(&key_set(&[key("a")]));
    check_keys(ec, "algorithms: [RS256]", &["keys_unusable", "key_not_allowed"], 1).await;
    check_keys(ec, "algorithms: [ES256, RS256]", &["algorithm_without_key"], 0).await;
    // The provider says that it signs with ES256 and RS256.
    let other: Lie = |_| json_reply(&key_set(&[Signer::fresh("ES384").named("a").jwk()]));
    check_keys(other, "", &["algorithms_differ"], 1).await;
}

#[tokio::test]
async fn key_ids_that_mean_several_keys_are_told() {
    let twice: Lie = |_| json_reply(&key_set(&[key("a"), key("a")]));
    let findings = check_keys(twice, "", &["key_id_repeated"], 0).await;
    assert!(findings.to_string().contains(r#"several keys have the `kid` \"a\""#), "{findings}");
}

#[tokio::test]
async fn a_jwks_uri_is_asked_without_discovery_and_a_file_and_a_secret_without_anybody() {
    let directory = tempfile::tempdir().unwrap();
    let idp = Idp::start(|_| json_reply(&key_set(&[key("a")]))).await;
    let config =
        format!("issuers:\n{}", entry("https://idp.example", &format!("jwks_uri: {}", idp.url("/keys"))));
    let report = run(directory.path(), &config, &["--json"]).await;
    assert_eq!(
        (report.bad(0), report.exit, idp.paths()),
        (vec![], 0, vec!["/keys".to_owned()]),
        "{report:?}"
    );

    let file = directory.path().join("keys.json");
    let config = format!(
        "issuers:\n{}",
        entry("https://idp.example", "jwks_file: keys.json\nkeys: {max_bytes: 1KiB}")
    );
    for (content, bad, exit) in [
        (key_set(&[key("a")]).to_string(), vec![], 0),
        ("no key set".to_owned(), vec!["keys_malformed".to_owned()], 1),
        (" ".repeat(1025), vec!["keys_too_long".to_owned()], 1),
    ] {
        std::fs::write(&file, content).unwrap();
        let report = run(directory.path(), &config, &["--json"]).await;
        assert_eq!((report.bad(0), report.exit), (bad, exit), "{report:?}");
    }

    std::fs::write(directory.path().join("secret"), "x".repeat(32)).unwrap();
    let config = format!("issuers:\n{}", entry("word", "secret: {file: secret}"));
    let report = run(directory.path(), &config, &[]).await;
    assert!(report.exit == 0 && report.stdout.contains("  shared_secret: "), "{report:?}");
}
