//! What clients and backends see of a check, through nginx.

use super::{
    kit::{Setup, TO_ANSWER, send},
    proxy::Nginx,
};
use crate::support::wait::until;

const X_ORIGINAL: &str = ", forwarded: x_original";

#[tokio::test]
async fn a_good_token_gets_through_and_the_backend_learns_who_it_is() {
    let setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/", "required_scopes=read")]).await;
    let good = setup.good();
    let answer = send(nginx.port, "POST", "/notes?a=b", &[("Authorization", &good)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "from the backend"), "{answer:?}");
    let head = nginx.last();
    assert!(head.starts_with("post /notes?a=b http/1."), "{head}");
    for line in
        ["x-auth-subject: alice", "x-auth-scopes: read,write", "x-auth-issuer: https://idp.example.test"]
    {
        assert!(head.lines().any(|known| known == line), "{line} in {head}");
    }
    assert!(!head.contains("authorization") && !head.contains("x-original"), "{head}");
}

#[tokio::test]
async fn what_is_refused_does_not_reach_the_backend_and_is_told_why() {
    let setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/", "required_scopes=pay")]).await;
    let none = send(nginx.port, "GET", "/", &[]).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some(r#"Bearer realm="countersign""#)));

    let bad = send(nginx.port, "GET", "/", &[("Authorization", "Bearer x")]).await;
    assert_eq!(bad.status, 401);
    assert!(bad.header("www-authenticate").unwrap().contains(r#"error="invalid_token""#), "{bad:?}");

    let weak = send(nginx.port, "GET", "/", &[("Authorization", &setup.good())]).await;
    assert_eq!(weak.status, 403);
    let challenge = weak.header("www-authenticate").unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.ends_with(r#", scope="pay""#), "{challenge}");
    assert!(nginx.reached().is_empty());
}

#[tokio::test]
async fn a_made_up_identity_does_not_get_through_in_any_spelling() {
    let setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/public", "optional=true"), ("/", "")]).await;
    let made_up: Vec<(String, &str)> =
        ["Subject", "Issuer", "Session", "Scopes", "Roles", "Organization", "Omitted"]
            .iter()
            .flat_map(|name| {
                ["X-Auth-", "x_auth_", "X-AUTH_", "X_Auth-", "x-auth-"].map(|start| format!("{start}{name}"))
            })
            .map(|name| (name, "made-up"))
            .collect();
    let mut headers: Vec<(&str, &str)> =
        made_up.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(send(nginx.port, "GET", "/public", &headers).await.status, 200);
    let head = nginx.last();
    assert!(!head.contains("made-up") && !head.contains("x-auth") && !head.contains("x_auth"), "{head}");

    let good = setup.good();
    headers.push(("Authorization", &good));
    assert_eq!(send(nginx.port, "GET", "/", &headers).await.status, 200);
    let head = nginx.last();
    assert!(!head.contains("made-up") && !head.contains("x_auth"), "{head}");
    assert!(head.contains("\r\nx-auth-subject: alice\r\n"), "{head}");
}

#[tokio::test]
async fn an_optional_route_needs_no_token_and_takes_no_bad_one() {
    let setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/", "optional=true")]).await;
    assert_eq!(send(nginx.port, "GET", "/", &[]).await.status, 200);
    assert!(!nginx.last().contains("x-auth"));
    assert_eq!(send(nginx.port, "GET", "/", &[("Authorization", "Bearer x")]).await.status, 401);
    assert_eq!(nginx.reached().len(), 1);
    assert_eq!(send(nginx.port, "GET", "/", &[("Authorization", &setup.good())]).await.status, 200);
    assert!(nginx.last().contains("\r\nx-auth-subject: alice\r\n"));
}

#[tokio::test]
async fn whoever_cannot_be_asked_about_gets_503_also_when_nobody_answers() {
    let mut setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/misspelt", "optoinal=true"), ("/", "optional=true")]).await;
    let undecidable = setup.undecidable();
    let answer = send(nginx.port, "GET", "/", &[("Authorization", &undecidable)]).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.header("content-type"), Some("application/json"));

    assert_eq!(send(nginx.port, "GET", "/misspelt", &[]).await.status, 503);
    let logged = async || setup.service.output().contains("a route's policy cannot be read").then_some(());
    until("the log to say so", TO_ANSWER, logged).await;

    setup.service.kill9().await;
    let good = setup.good();
    let answer = send(nginx.port, "GET", "/", &[("Authorization", &good)]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, None), "{answer:?}");
    assert!(nginx.reached().is_empty());

    setup.service.restart().await;
    until("nginx to ask again", TO_ANSWER, async || {
        let answer = send(nginx.port, "GET", "/", &[("Authorization", &good)]).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_words_about_the_original_request_are_those_of_nginx() {
    let setup = Setup::with(X_ORIGINAL, "ext_authz: { sources: [authorization, 'query:t'] }\n").await;
    let nginx = Nginx::start(setup.port, &[("/cors", "preflight=true"), ("/", "")]).await;
    let preflight = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "PUT")];
    assert_eq!(send(nginx.port, "OPTIONS", "/cors", &preflight).await.status, 200);
    let lie = [preflight.as_slice(), &[("X-Original-Method", "OPTIONS")]].concat();
    assert_eq!(send(nginx.port, "GET", "/cors", &lie).await.status, 401);
    assert_eq!(nginx.reached().len(), 1);

    let token = setup.token(|_| {});
    let lie = format!("/?t={token}");
    assert_eq!(send(nginx.port, "GET", "/", &[("X-Original-URI", &lie)]).await.status, 401);
    assert_eq!(send(nginx.port, "GET", &lie, &[]).await.status, 200);
}

#[tokio::test]
async fn the_check_itself_is_out_of_reach_of_clients() {
    let setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/", "")]).await;
    assert_eq!(
        send(nginx.port, "GET", "/_countersign", &[("Authorization", &setup.good())]).await.status,
        404
    );
}

#[tokio::test]
async fn the_verified_token_goes_on_where_that_is_wanted() {
    let setup = Setup::with(X_ORIGINAL, "ext_authz: { upstream_authorization: access_token }\n").await;
    let nginx = Nginx::start(setup.port, &[("/", "optional=true")]).await;
    let good = setup.good();
    assert_eq!(send(nginx.port, "GET", "/", &[("Authorization", &good)]).await.status, 200);
    let sent = format!("\r\nauthorization: {}\r\n", good.to_lowercase());
    assert!(nginx.last().contains(&sent), "{}", nginx.last());
    assert_eq!(send(nginx.port, "GET", "/", &[("Authorization", "Basic dTpw")]).await.status, 200);
    assert!(!nginx.last().contains("authorization"), "{}", nginx.last());
}
