//! What the client is told of a request that does not pass.

use serde_json::{Value, json};

use super::{
    client::{Answer, get, request},
    envoy::{Counts, Version},
    scene::{CLOSED, ISSUER, OPEN, RAW, Scene, UNREACHABLE, bearer},
};
use crate::support::tokens::{Signer, claims};

/// One row: the path, the `Authorization` header, and what comes of it.
type Row<'r> = (&'r str, Option<String>, u16, &'r str, Option<&'r str>);

fn check(answer: &Answer, (path, _, status, reason, error): &Row<'_>) {
    let shown = format!("{path} {reason}: {answer:?}");
    assert_eq!(answer.status, *status, "{shown}");
    assert_eq!(answer.header("content-type"), "application/json", "{shown}");
    assert_eq!(answer.header("cache-control"), "no-store", "{shown}");
    let body = answer.json();
    assert_eq!(body["reason"], *reason, "{shown}");
    for member in ["error", "message", "recovery"] {
        assert!(body[member].is_string(), "{member} of {shown}");
    }
    let challenge = answer.header("www-authenticate");
    assert_eq!(challenge.starts_with("Bearer realm=\"countersign\""), *status != 500, "{shown}");
    match error {
        Some(error) => assert!(challenge.contains(&format!(", error=\"{error}\"")), "{shown}"),
        // RFC 6750 section 3.1: who shows nothing is told nothing.
        None => assert!(!challenge.contains("error"), "{shown}"),
    }
}

#[tokio::test]
async fn e3_e4_every_refusal_says_why_and_also_where_failures_pass() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let good = scene.token(&[]);
        let expired = scene.token(&[("iat", json!(1_000)), ("exp", json!(2_000))]);
        let bound = scene.token(&[("cnf", json!({ "jkt": "abc" }))]);
        let forged =
            Signer::fresh("ES256").named(scene.signers.first.key_id()).access_token(&claims(ISSUER, "a"));
        let show = |token: &str| Some(bearer(token));
        let rows: [Row<'_>; 15] = [
            ("/plain", None, 401, "MISSING", None),
            ("/plain", Some("Basic YTpi".to_owned()), 401, "MISSING", None),
            ("/preflight", None, 401, "MISSING", None),
            ("/plain", show("nonsense"), 401, "MALFORMED", Some("invalid_token")),
            ("/plain", Some("Bearer".to_owned()), 401, "MALFORMED", Some("invalid_token")),
            ("/optional", Some("Bearer ".to_owned()), 401, "MALFORMED", Some("invalid_token")),
            ("/optional", Some("Bearer\tabc".to_owned()), 401, "MALFORMED", Some("invalid_token")),
            ("/plain", show(&expired), 401, "EXPIRED", Some("invalid_token")),
            ("/plain", show(&forged), 401, "BAD_SIGNATURE", Some("invalid_token")),
            // A token that is bound is no bearer token (E8).
            ("/plain", show(&bound), 401, "BINDING_MISMATCH", Some("invalid_token")),
            ("/plain", Some(format!("DPoP {good}")), 401, "BINDING_MISMATCH", Some("invalid_token")),
            (
                "/optional",
                Some(format!("Bearer {good}, Bearer {expired}")),
                401,
                "CREDENTIAL_CONFLICT",
                Some("invalid_request"),
            ),
            ("/roles", show(&good), 403, "INSUFFICIENT_ROLE", Some("insufficient_scope")),
            ("/misspelt", show(&good), 500, "POLICY_INVALID", None),
            ("/bad-value", show(&good), 500, "POLICY_INVALID", None),
        ];
        for row in &rows {
            for door in [CLOSED, RAW, OPEN] {
                let headers: Vec<_> =
                    row.1.iter().map(|authorization| ("authorization", authorization.as_str())).collect();
                check(&get(scene.envoy.door(door), row.0, &headers).await, row);
            }
        }
        assert!(scene.upstream.take().is_empty(), "nothing of it reached the upstream");
        let many = u64::try_from(rows.len()).unwrap();
        for door in [CLOSED, RAW, OPEN] {
            assert_eq!(scene.envoy.counts(door).await, Counts { denied: many, ..Counts::default() });
        }
        let scopes = scene.ask(CLOSED, "/scoped", &scene.token(&[("scope", json!("read"))])).await;
        assert!(scopes.header("www-authenticate").ends_with(", scope=\"read write\""), "{scopes:?}");
    }
}

/// Two `Authorization` headers: Envoy joins them with a comma, or hands on both.
#[tokio::test]
async fn e3_two_credentials_are_refused_and_the_same_one_twice_is_one() {
    let scene = Scene::start(Version::V1_40).await;
    let (alice, bob) = (scene.token(&[]), scene.token(&[("sub", json!("bob"))]));
    for door in [CLOSED, RAW] {
        let ask = async |first: String, second: String| {
            let headers = [("authorization", first.as_str()), ("Authorization", second.as_str())];
            get(scene.envoy.door(door), "/optional", &headers).await
        };
        for (first, second) in [
            (bearer(&alice), bearer(&bob)),
            (bearer(&alice), "Basic YTpi".to_owned()),
            ("Basic YTpi".to_owned(), bearer(&alice)),
            (bearer(&alice), format!("DPoP {alice}")),
        ] {
            let answer = ask(first, second).await;
            assert_eq!(
                (answer.status, &answer.json()["reason"]),
                (401, &json!("CREDENTIAL_CONFLICT")),
                "{door}"
            );
            assert!(scene.upstream.take().is_empty());
        }
        assert_eq!(ask(bearer(&alice), bearer(&alice)).await.status, 200, "{door}");
        assert_eq!(scene.upstream.take_one().one("x-auth-subject").as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn grpc_calls_get_a_grpc_status() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let bad = scene.token(&[("iss", json!(UNREACHABLE))]);
        let mut rows = vec![
            ("/plain", None, "16", "this needs a credential, and none was presented"),
            ("/plain", Some("nonsense".to_owned()), "16", ""),
            ("/roles", Some(scene.token(&[])), "7", ""),
        ];
        if version == Version::V1_40 {
            rows.push(("/plain", Some(bad), "14", ""));
        }
        for (path, token, status, message) in rows {
            let authorization = token.map(|token| bearer(&token)).unwrap_or_default();
            let mut headers = vec![("content-type", "application/grpc"), ("te", "trailers")];
            if !authorization.is_empty() {
                headers.push(("authorization", &authorization));
            }
            let answer = request(scene.envoy.door(CLOSED), "POST", path, &headers).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.header("grpc-status"), status, "{answer:?}");
            let said = answer.header("grpc-message");
            assert!(!said.is_empty() && !said.contains('{'), "a sentence, not JSON: {said}");
            assert!(message.is_empty() || said == message, "{said}");
        }
        assert!(scene.upstream.take().is_empty());
    }
}

#[tokio::test]
async fn e4_cannot_tell_is_no_denial() {
    let scene = Scene::start(Version::V1_40).await;
    let token = scene.token(&[("iss", json!(UNREACHABLE))]);
    let answer = scene.ask(CLOSED, "/plain", &token).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["reason"], "KEYS_UNAVAILABLE");
    assert_eq!(answer.json()["recovery"], Value::Null, "the token may well be good");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1, "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), "");
    assert_eq!(scene.envoy.counts(CLOSED).await, Counts { error: 1, ..Counts::default() });
    assert!(scene.upstream.take().is_empty());
    assert_eq!(scene.ask(OPEN, "/plain", &token).await.status, 200);
    assert_eq!(super::allowed::identity(&scene.upstream.take_one()), []);
    let counts = scene.envoy.counts(OPEN).await;
    assert_eq!(counts, Counts { error: 1, failure_mode_allowed: 1, ..Counts::default() });
}

/// Nothing that was shown is in what is said, or in any log (E1).
#[tokio::test]
async fn e1_no_token_is_in_an_answer_or_a_log() {
    let scene = Scene::start(Version::V1_40).await;
    let tokens = [
        scene.token(&[]),
        scene.token(&[("exp", json!(2_000))]),
        "eyJhbGciOiJub25lIn0.secret-part.".to_owned(),
    ];
    for token in &tokens {
        for path in ["/plain", "/roles", "/misspelt", "/sources"] {
            let answer = scene.ask(CLOSED, path, token).await;
            let said = format!("{answer:?}{}{}", scene.service.output(), scene.envoy.output());
            for part in token.split('.').filter(|part| part.len() > 8) {
                assert!(!said.contains(part), "{path}");
            }
        }
    }
}
