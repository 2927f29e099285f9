//! What `/check` answers.

use super::kit::{AUDIENCE, ISSUER, Setup, raw, send};

#[tokio::test]
async fn a_good_token_passes_and_its_identity_is_told() {
    let setup = Setup::with("", "").await;
    let token = setup.token(|claims| {
        claims["sub"] = "auth0|zoé\r\nx".into();
        claims["roles"] = serde_json::json!(["a b", "c,d"]);
    });
    let bearer = format!("bearer  {token}");
    let answer = setup.check("?", &[("Authorization", &bearer), ("X-Auth-Session", "made-up")]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let identity = answer.identity();
    let expires = answer.header("x-auth-expires").unwrap();
    assert!(expires.parse::<u64>().is_ok());
    assert_eq!(
        identity,
        [
            ("x-auth-expires", expires),
            ("x-auth-issuer", ISSUER),
            ("x-auth-roles", "a%20b,c%2Cd"),
            ("x-auth-scopes", "read,write"),
            ("x-auth-subject", "auth0|zo%C3%A9%0D%0Ax"),
        ]
    );
    assert_eq!(answer.header("authorization"), None, "the token ends here");
}

#[tokio::test]
async fn the_method_and_the_body_of_a_check_mean_nothing() {
    let setup = Setup::with("", "").await;
    let good = setup.good();
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let answer = send(setup.port, method, "/check?", &[("Authorization", &good)]).await;
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
        let answer = send(setup.port, method, "/check?", &[]).await;
        assert_eq!(answer.status, 401, "{method}: {answer:?}");
    }
    // Ten megabytes are promised, and none sent.
    let promise = [("Authorization", good.as_str()), ("Content-Length", "10000000")];
    assert_eq!(send(setup.port, "POST", "/check?", &promise).await.status, 200);
    // nginx speaks so by default.
    let old = format!("GET /check? HTTP/1.0\r\nAuthorization: {good}\r\n\r\n");
    assert_eq!(raw(setup.port, old.as_bytes()).await.status, 200);
    for path in ["/", "/check/", "/Check", "/metrics", "//check", "/check%20"] {
        assert_eq!(send(setup.port, "GET", path, &[("Authorization", &good)]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_told_as_rfc_6750_has_it() {
    let more = "ext_authz: { realm: notes, resource_metadata: https://api.example.test/.well-known/oauth-protected-resource }\n";
    let setup = Setup::with("", more).await;
    let metadata = r#", resource_metadata="https://api.example.test/.well-known/oauth-protected-resource""#;
    let expired = format!("Bearer {}", setup.token(|claims| claims["exp"] = 1_000_000_000.into()));
    let (good, other) = (setup.good(), setup.good());
    let joined = format!("{good}, {other}");
    for (query, authorization, status, reason, challenge) in [
        ("?", None, 401, "MISSING", String::new()),
        ("?", Some("Basic dXNlcjpwYXNz"), 401, "MISSING", String::new()),
        ("?", Some("Bearer"), 401, "MALFORMED", r#"error="invalid_token""#.to_owned()),
        ("?optional=true", Some("Bearer x"), 401, "MALFORMED", r#"error="invalid_token""#.to_owned()),
        ("?", Some(expired.as_str()), 401, "EXPIRED", r#"error="invalid_token""#.to_owned()),
        ("?", Some(joined.as_str()), 401, "CREDENTIAL_CONFLICT", r#"error="invalid_request""#.to_owned()),
        (
            "?required_scopes=read%2Cpay+more",
            Some(good.as_str()),
            403,
            "INSUFFICIENT_SCOPE",
            r#"error="insufficient_scope""#.to_owned(),
        ),
        (
            "?audiences=https://other.example.test",
            Some(good.as_str()),
            403,
            "AUDIENCE_MISMATCH",
            r#"error="invalid_token""#.to_owned(),
        ),
    ] {
        let headers: Vec<_> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
        let answer = setup.check(query, &headers).await;
        assert_eq!((answer.status, answer.reason().as_str()), (status, reason), "{query} {answer:?}");
        let told = answer.header("www-authenticate").unwrap();
        assert!(told.starts_with(r#"Bearer realm="notes""#) && told.ends_with(metadata), "{told}");
        assert!(told.contains(&challenge) && told.contains("error=") != challenge.is_empty(), "{told}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.identity().is_empty());
    }
    let answer = setup.check("?required_scopes=read%2Cpay+more", &[("Authorization", &good)]).await;
    assert!(answer.header("www-authenticate").unwrap().contains(r#"scope="read pay more""#), "{answer:?}");
}

#[tokio::test]
async fn a_policy_that_means_nothing_lets_nobody_pass() {
    let setup = Setup::with("", "").await;
    let good = setup.good();
    for query in [
        "?optoinal=true",
        "?optional=yes",
        "?required_scopes=",
        "?required_scopes=read&required_scopes=pay",
        "?required_scopes=read&required%5Fscopes=pay",
        "?sources=query:t",
        "?kind=refresh",
        "?preflight=true",
        "?x",
    ] {
        for headers in [vec![], vec![("Authorization", good.as_str())]] {
            let answer = setup.check(query, &headers).await;
            assert_eq!((answer.status, answer.reason().as_str()), (500, "POLICY_INVALID"), "{query}");
        }
    }
    let good = [("Authorization", good.as_str())];
    let query = format!(
        "?audiences={AUDIENCE}&required_scopes=write+read&kind=access&issuer={ISSUER}&sources=authorization"
    );
    assert_eq!(setup.check(&query, &good).await.status, 200);
    assert_eq!(setup.check("?", &good).await.status, 200);
}

/// Caddy's `uri /check` leaves the client's query there, so that a configuration that says nothing must not do.
#[tokio::test]
async fn a_check_without_any_query_lets_nobody_pass() {
    let setup = Setup::with("", "").await;
    let good = setup.good();
    for headers in [vec![], vec![("Authorization", good.as_str())]] {
        let answer = setup.check("", &headers).await;
        assert_eq!((answer.status, answer.reason().as_str()), (500, "POLICY_INVALID"), "{answer:?}");
    }
    let absolute = send(setup.port, "GET", "http://shop.example/check", &[("Authorization", &good)]).await;
    assert_eq!(absolute.status, 500);
    let told = setup.service.output();
    assert_eq!(told.matches("a route's policy cannot be read").count(), 1, "{told}");
    assert!(told.contains("/check?kind=access"), "{told}");
    for query in ["?", "?kind=access"] {
        assert_eq!(setup.check(query, &[("Authorization", &good)]).await.status, 200, "{query}");
        assert_eq!(setup.check(query, &[]).await.status, 401, "{query}");
    }
}

#[tokio::test]
async fn who_has_no_credential_passes_where_none_is_needed_and_is_nobody() {
    let setup = Setup::with("", "").await;
    let made_up = [("X-Auth-Subject", "root"), ("X_Auth_Subject", "root")];
    let answer = setup.check("?optional=true", &made_up).await;
    assert_eq!(answer.status, 200);
    assert!(answer.identity().is_empty(), "{answer:?}");
    assert_eq!(setup.count("countersign_checks_total{outcome=\"allowed\",why=\"anonymous\"}").await, "1");
}

#[tokio::test]
async fn nobody_can_tell_is_neither_yes_nor_no() {
    let setup = Setup::with("", "ext_authz: { cannot_tell: rpc_error }\n").await;
    let answer = setup.check("?optional=true", &[("Authorization", &setup.undecidable())]).await;
    assert_eq!((answer.status, answer.reason().as_str()), (503, "KEYS_UNAVAILABLE"), "{answer:?}");
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.header("www-authenticate"), None);
    assert!(answer.identity().is_empty());
}

#[tokio::test]
async fn the_verified_token_goes_on_where_that_is_wanted() {
    let more =
        "ext_authz: { upstream_authorization: access_token, sources: [authorization, 'header:x-token'] }\n";
    let setup = Setup::with("", more).await;
    let token = setup.token(|_| {});
    let bearer = format!("Bearer {token}");
    for headers in [
        vec![("Authorization", bearer.as_str())],
        vec![("X-Token", token.as_str())],
        vec![("X-Token", token.as_str()), ("Authorization", bearer.as_str())],
        vec![("X-Token", token.as_str()), ("Authorization", "Basic dXNlcjpwYXNz")],
    ] {
        let answer = setup.check("?", &headers).await;
        assert_eq!(
            (answer.status, answer.header("authorization")),
            (200, Some(bearer.as_str())),
            "{headers:?}"
        );
    }
    let conflict = setup.check("?", &[("X-Token", &setup.token(|_| {})), ("Authorization", &bearer)]).await;
    assert_eq!((conflict.status, conflict.reason().as_str()), (401, "CREDENTIAL_CONFLICT"));
    let anonymous = setup.check("?optional=true", &[("Authorization", "Basic dXNlcjpwYXNz")]).await;
    assert_eq!((anonymous.status, anonymous.header("authorization")), (200, None));
}

#[tokio::test]
async fn how_requests_are_answered_changes_with_a_reload() {
    let setup = Setup::with("", "").await;
    let good = setup.good();
    setup.reconfigure("ext_authz: { headers: { subject: x-user, issuer: off } }\n");
    setup.service.sighup().await;
    crate::support::wait::until("the other names", super::kit::TO_ANSWER, async || {
        let answer = setup.check("?", &[("Authorization", &good)]).await;
        assert_eq!(answer.status, 200);
        (answer.header("x-user") == Some("alice")).then(|| assert_eq!(answer.header("x-auth-issuer"), None))
    })
    .await;
}
