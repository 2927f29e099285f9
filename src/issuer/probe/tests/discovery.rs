use reqwest::StatusCode;

use super::*;
use crate::issuer::probe::observed::Failure;

fn with(discovery: DiscoverySeen) -> Observed {
    Observed { discovery, ..healthy() }
}

#[test]
fn each_failure_has_its_own_name() {
    for (failure, expected) in [
        (
            Failure::PlainHttp,
            "discovery_plain_http: at is neither https nor http on loopback, and is not asked",
        ),
        (Failure::Unreachable("no route".into()), "discovery_unreachable: at: no route"),
        (
            Failure::Redirected(StatusCode::FOUND),
            "discovery_redirected: at answers with a redirect (status 302 Found)",
        ),
        (Failure::Refused(StatusCode::NOT_FOUND), "discovery_refused: at answers with status 404 Not Found"),
        (Failure::TooLong, "discovery_too_long: at is longer than `keys.max_bytes` allows"),
    ] {
        let mut seen = with(DiscoverySeen::Failed { address: "at".into(), failure });
        seen.keys = KeysSeen::NotTried;
        let untried = "keys_not_tried: the keys were not asked for: nobody knows where they are";
        check(&settings(), &seen, &[expected, untried]);
    }
    let seen = with(DiscoverySeen::Malformed { address: "at".into() });
    check(&settings(), &seen, &["discovery_malformed: at holds no JSON object with unique names"]);
}

#[test]
fn another_issuer_is_told_with_the_difference() {
    let about = |issuer: Value| with(metadata(&json!({ "issuer": issuer })));
    let message = "issuer_differs: the document is about the issuer \"https://idp.example/\", not \
                   \"https://idp.example\": the provider's ends with a slash, the configured one does not";
    check(&settings(), &about(json!("https://idp.example/")), &[message]);
    let message = "issuer_differs: the document does not say whose it is (no `issuer`)";
    check(&settings(), &about(json!(7)), &[message]);
    let hostile = about(json!("\u{1b}[2J\n".repeat(1000)));
    let finding = found(&settings(), &hostile, Severity::Problem).remove(0);
    assert!(finding.message.len() < 2000 && !finding.message.contains(['\u{1b}', '\n']), "{finding:?}");
}

#[test]
fn where_the_keys_are_is_judged_where_they_are_taken_from_there() {
    for (jwks_uri, expected) in [
        (json!(null), "jwks_uri_missing: the document's `jwks_uri` is missing or no address"),
        (json!("/keys"), "jwks_uri_missing: the document's `jwks_uri` is missing or no address"),
        (
            json!("http://idp.example/keys"),
            "jwks_uri_plain_http: the document's `jwks_uri` is not https, and beyond loopback",
        ),
        (
            json!("https://user:hunter2@keys.example/x?y=hunter2"),
            "jwks_uri_elsewhere: the keys are at https://keys.example/x, another host than the issuer's",
        ),
    ] {
        let seen = with(metadata(&json!({ "jwks_uri": jwks_uri })));
        check(&settings(), &seen, &[expected]);
        let mut fixed = settings();
        fixed.source = KeySource::JwksUri("https://idp.example/keys".parse().unwrap());
        check(&fixed, &seen, &[]);
    }
}

#[test]
fn what_needs_no_discovery_says_so() {
    let mut settings = settings();
    settings.source = KeySource::JwksUri("https://idp.example/keys".parse().unwrap());
    let seen = Observed { took: None, ..with(DiscoverySeen::NotAsked) };
    check(&settings, &seen, &[]);
    assert_eq!(judge(&settings, &seen)[0].code, Code::DiscoveryNotAsked);
}
