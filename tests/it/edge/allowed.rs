//! What reaches the upstream of a request that passes.

use serde_json::{Value, json};

use super::{
    client::{exchange, get, request},
    envoy::{IDENTITY, Version},
    scene::{CLOSED, ISSUER, OPEN, RAW, SECOND, Scene, bearer},
    upstream::Head,
};
use crate::support::{
    peer::{AUDIENCE, Algorithm, OidcProvider},
    tokens::unverified,
};

/// Every identity header in any spelling, as it came.
pub(super) fn identity(head: &Head) -> Vec<(String, String)> {
    let mut identity = head.headers();
    identity.retain(|(name, _)| IDENTITY.contains(&super::upstream::normalised(name).as_str()));
    identity.sort();
    identity
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    pairs.sort();
    pairs
}

fn metadata(head: &Head) -> Value {
    serde_json::from_str(&head.one("x-seen-metadata").unwrap()).unwrap()
}

#[tokio::test]
async fn e2_the_upstream_gets_the_identity_of_the_token_and_nobody_elses() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let token =
            scene.token(&[("sid", json!("s1")), ("roles", json!(["admin", "ops"])), ("org_id", json!("o1"))]);
        let expires = unverified(&token).1["exp"].to_string();
        let expected = pairs(&[
            ("x-auth-subject", "alice"),
            ("x-auth-issuer", ISSUER),
            ("x-auth-session", "s1"),
            ("x-auth-scopes", "read,write"),
            ("x-auth-roles", "admin,ops"),
            ("x-auth-organization", "o1"),
            ("x-auth-expires", &expires),
        ]);
        // Whether the answer is made now or remembered.
        for door in [CLOSED, CLOSED, RAW, RAW, OPEN, OPEN] {
            let headers = [("authorization", bearer(&token)), ("X-Auth_Subject", "mallory".to_owned())];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(get(scene.envoy.door(door), "/plain", &headers).await.status, 200);
            let head = scene.upstream.take_one();
            assert_eq!(identity(&head), expected, "{version:?} {door}");
            assert_eq!(head.one("authorization"), None, "the token stays here");
        }
        assert_eq!(scene.envoy.counts(CLOSED).await.ok, 2);
    }
}

#[tokio::test]
async fn a_real_providers_tokens_pass_with_the_session_that_they_name() {
    let provider = OidcProvider::start_with_session_claims(&["sid", "auth_time"]).await;
    let issuer = provider.issuer();
    let more = format!("  - {{ issuer: '{issuer}', audiences: ['{AUDIENCE}'], allow_http: true }}\n");
    let scene = Scene::with(Version::V1_40, &more).await;
    let token = provider.user_tokens("carol").await.access_token;
    let session = unverified(&token).1["sid"].as_str().unwrap().to_owned();
    assert_eq!(scene.ask(CLOSED, "/plain", &token).await.status, 200);
    let head = scene.upstream.take_one();
    assert_eq!(head.one("x-auth-subject").as_deref(), Some("carol"));
    assert_eq!(head.one("x-auth-session"), Some(session));
    assert_eq!(head.one("x-auth-issuer").as_deref(), Some(issuer));
    for algorithm in Algorithm::ALL {
        let token = provider.client_credentials_token(algorithm, "read").await;
        assert_eq!(scene.ask(RAW, "/plain", &token).await.status, 200);
        assert_eq!(scene.upstream.take_one().one("x-auth-subject").as_deref(), Some(algorithm.client()));
    }
}

#[tokio::test]
async fn claims_cannot_break_out_of_a_header_or_look_like_two() {
    let scene = Scene::start(Version::V1_40).await;
    let token = scene.token(&[
        ("sub", json!("Zo\u{eb} 100%\r\nx-auth-roles: root\u{0}\t,")),
        ("roles", json!(["a,b", "c d", "e%2Cf"])),
        ("org_id", json!("\u{1f600}")),
    ]);
    assert_eq!(scene.ask(CLOSED, "/plain", &token).await.status, 200);
    let head = scene.upstream.take_one();
    let one = |name| head.one(name).unwrap_or_default();
    assert_eq!(one("x-auth-subject"), "Zo%C3%AB%20100%25%0D%0Ax-auth-roles:%20root%00%09,");
    assert_eq!(one("x-auth-roles"), "a%2Cb,c%20d,e%252Cf");
    assert_eq!(one("x-auth-organization"), "%F0%9F%98%80");
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_is_in_the_metadata() {
    let scene = Scene::start(Version::V1_40).await;
    let roles: Vec<_> = (0..400).map(|number| format!("role-{number:05}")).collect();
    let token = scene.token(&[("roles", json!(roles))]);
    assert_eq!(scene.ask(CLOSED, "/plain", &token).await.status, 200);
    let head = scene.upstream.take_one();
    assert_eq!(head.one("x-auth-omitted").as_deref(), Some("roles"));
    assert_eq!(head.one("x-auth-roles"), None);
    assert_eq!(head.one("x-auth-scopes").as_deref(), Some("read,write"), "what fits is there");
    assert_eq!(metadata(&head)["roles"].as_array().unwrap().len(), 400);
}

#[tokio::test]
async fn the_dynamic_metadata_has_the_identity_and_all_claims() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let token = scene.token(&[("deep", json!({ "a": [1, true, null, "b"] }))]);
        scene.ask(CLOSED, "/plain", &token).await;
        let seen = metadata(&scene.upstream.take_one());
        assert_eq!(seen["subject"], "alice");
        assert_eq!(seen["scopes"], json!(["read", "write"]));
        assert_eq!(seen["claims"]["deep"], json!({ "a": [1, true, null, "b"] }));
        assert_eq!(seen["claims"]["exp"], unverified(&token).1["exp"]);
        // Nobody's request has none.
        get(scene.envoy.door(CLOSED), "/optional", &[]).await;
        assert!(scene.upstream.take_one().one("x-seen-metadata").is_none_or(|seen| seen == "-"));
    }
}

#[tokio::test]
async fn e6_who_passes_as_nobody_has_no_identity() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        for door in [CLOSED, RAW] {
            let port = scene.envoy.door(door);
            // Another scheme is no credential, and goes no further either (E3).
            for authorization in ["", "Basic YTpi", "Digest a=b"] {
                let headers = [("authorization", authorization), ("x-auth_subject", "mallory")];
                let headers = if authorization.is_empty() { &headers[1..] } else { &headers };
                assert_eq!(get(port, "/optional", headers).await.status, 200, "{authorization}");
                let head = scene.upstream.take_one();
                assert_eq!((identity(&head), head.one("authorization")), (vec![], None));
            }
            let marks = [("origin", "https://a.example"), ("access-control-request-method", "PUT")];
            assert_eq!(request(port, "OPTIONS", "/preflight", &marks).await.status, 200);
            assert_eq!(identity(&scene.upstream.take_one()), []);
            // Not a preflight, or not where the route says so.
            assert_eq!(request(port, "OPTIONS", "/preflight", &marks[..1]).await.status, 401);
            assert_eq!(request(port, "PUT", "/preflight", &marks).await.status, 401);
            assert_eq!(request(port, "OPTIONS", "/plain", &marks).await.status, 401);
            assert!(scene.upstream.take().is_empty());
        }
        // A credential that is presented counts on an optional route, too.
        assert_eq!(scene.ask(CLOSED, "/optional", &scene.token(&[])).await.status, 200);
        assert_eq!(scene.upstream.take_one().one("x-auth-subject").as_deref(), Some("alice"));
        assert_eq!(scene.ask(CLOSED, "/optional", "nonsense").await.status, 401);
    }
}

#[tokio::test]
async fn each_route_has_its_policy() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let plain = scene.token(&[]);
        let rich = scene.token(&[("roles", json!(["admin"])), ("permissions", json!(["notes:write"]))]);
        let reader = scene.token(&[("scope", json!("read"))]);
        let other = scene.token(&[("aud", json!(super::scene::OTHER_AUDIENCE))]);
        let (second, id) = (scene.signers.second_token(), scene.signers.id_token());
        for (path, token, status) in [
            ("/plain", &plain, 200),
            ("/plain/deeper?a=b", &plain, 200),
            ("/plain", &second, 200),
            ("/plain", &id, 401),
            ("/scoped", &plain, 200),
            ("/scoped", &reader, 403),
            ("/roles", &rich, 200),
            ("/roles", &plain, 403),
            ("/permissions", &rich, 200),
            ("/permissions", &plain, 403),
            ("/audience", &other, 200),
            ("/audience", &plain, 403),
            ("/issuer", &second, 200),
            ("/issuer", &plain, 401),
            ("/id", &id, 200),
            ("/id", &plain, 401),
        ] {
            let answer = scene.ask(CLOSED, path, token).await;
            assert_eq!(answer.status, status, "{version:?} {path} {answer:?}");
            assert_eq!(scene.upstream.take().len(), usize::from(status == 200), "{path}");
        }
        assert_eq!(scene.ask(CLOSED, "/issuer", &second).await.status, 200);
        assert_eq!(scene.upstream.take_one().one("x-auth-issuer").as_deref(), Some(SECOND));
    }
}

/// Many headers, and one connection for many requests: nothing of one request is in another.
#[tokio::test]
async fn requests_of_one_connection_are_answered_each_for_itself() {
    let scene = Scene::start(Version::V1_40).await;
    let (alice, bob) = (scene.token(&[]), scene.token(&[("sub", json!("bob"))]));
    let head = |authorization: &str, last: &str| {
        format!("GET /optional HTTP/1.1\r\nhost: a\r\n{authorization}{last}\r\n")
    };
    let bytes = [
        head(&format!("authorization: Bearer {alice}\r\n"), ""),
        head("", ""),
        head(&format!("authorization: Bearer {bob}\r\n"), ""),
        head("", "connection: close\r\n"),
    ];
    assert_eq!(exchange(scene.envoy.door(CLOSED), bytes.concat().as_bytes()).await.len(), 4);
    let subjects: Vec<_> = scene.upstream.take().iter().map(|head| head.one("x-auth-subject")).collect();
    assert_eq!(subjects, [Some("alice".to_owned()), None, Some("bob".to_owned()), None]);
}
