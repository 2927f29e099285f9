//! The revocation endpoint of a provider that misbehaves.

use std::sync::atomic::{AtomicU32, Ordering};

use countersign::issuer::{Revoker, TokenType};
use serde_json::json;

use super::kit::{SECRET, TOKEN, WELL_KNOWN, json_reply, metadata, revoke, revoker};
use crate::support::idp::{Hit, Idp, Reply};

const ONE_CLIENT: &str = "clients: [{ id: app, auth: client_secret_post, secret: { env: CLIENT_SECRET } }]";

/// A provider whose revocation endpoint answers so.
async fn answering(behaviour: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> (Idp, Revoker) {
    let idp = Idp::start(move |hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(hit, Some("/revoke")),
        "/revoke" => behaviour(hit),
        _ => Reply::status("404 Not Found"),
    })
    .await;
    let revoker = revoker(&idp.url(""), SECRET, &[ONE_CLIENT]);
    (idp, revoker)
}

async fn check(behaviour: impl Fn(&Hit) -> Reply + Send + Sync + 'static, expected: &str) {
    let (idp, revoker) = answering(behaviour).await;
    assert_eq!(revoke(&revoker, TOKEN, TokenType::Access, Some("app")).await, expected);
    let paths = idp.paths();
    assert!(paths.iter().all(|path| [WELL_KNOWN, "/revoke"].contains(&path.as_str())), "{paths:?}");
}

#[tokio::test]
async fn each_misbehaviour_of_a_provider_means_what_it_should_for_the_next_attempt() {
    let error =
        |status, word: &str| json_reply(status, &json!({ "error": word, "error_description": TOKEN }));
    check(|_| Reply::ok(vec![]), "done").await;
    check(|_| Reply::Endless, "done").await;
    check(|_| Reply::CutShort(vec![]), "done").await;
    check(|_| Reply::Stalled("HTTP/1.1 200 OK\r\n\r\n"), "done").await;
    check(|_| Reply::Stalled(""), "unavailable: timeout -").await;
    check(|_| Reply::Stalled("HTTP/1.1 200"), "unavailable: timeout -").await;
    check(|_| Reply::status("500 Internal Server Error"), "unavailable: unavailable -").await;
    let busy = |_: &Hit| Reply::status("503 Service Unavailable").with("retry-after", "17");
    check(busy, "unavailable: unavailable 17").await;
    let limited = |_: &Hit| Reply::status("429 Too Many Requests").with("retry-after", "5");
    check(limited, "unavailable: unavailable 5").await;
    check(|_| Reply::status("302 Found").with("location", "/elsewhere"), "misconfigured: redirect").await;
    check(|_| Reply::status("307 Temporary Redirect").with("location", "/keys"), "misconfigured: redirect")
        .await;
    check(move |_| error("401 Unauthorized", "invalid_client"), "misconfigured: client_refused").await;
    check(move |_| error("400 Bad Request", "invalid_client"), "misconfigured: client_refused").await;
    check(move |_| error("400 Bad Request", "unsupported_token_type"), "unsupported: unsupported_token_type")
        .await;
    check(move |_| error("400 Bad Request", "invalid_request"), "refused: refused").await;
    check(|_| Reply::status("403 Forbidden"), "refused: refused").await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_unavailable_whether_or_not_its_endpoint_is_known() {
    let (idp, revoker) = answering(|_| Reply::ok(vec![])).await;
    assert_eq!(revoke(&revoker, TOKEN, TokenType::Access, None).await, "done");
    idp.change(|_| Reply::CutShort(vec![b'{']));
    // The endpoint is remembered.
    assert_eq!(revoke(&revoker, TOKEN, TokenType::Access, None).await, "done");
    let hits = idp.paths().len();
    let nowhere = super::kit::revoker(&idp.url(""), SECRET, &[ONE_CLIENT]);
    assert_eq!(revoke(&nowhere, TOKEN, TokenType::Access, None).await, "unavailable: transport -");
    assert_eq!(idp.paths().len(), hits + 1, "without its metadata nobody knows where to send it");
}

#[tokio::test]
async fn what_an_issuers_metadata_say_decides_whether_and_where_anything_is_sent() {
    let check = async |behaviour: fn(&Hit) -> Reply, more: &'static [&str], expected: &str| {
        let idp = Idp::start(
            move |hit| {
                if hit.path == WELL_KNOWN { behaviour(hit) } else { Reply::ok(b"{}".to_vec()) }
            },
        )
        .await;
        let lines = [&[ONE_CLIENT], more].concat();
        let revoker = revoker(&idp.url(""), SECRET, &lines);
        let said = revoke(&revoker, TOKEN, TokenType::Access, None).await;
        assert_eq!(said, expected);
        assert_eq!(idp.paths(), [WELL_KNOWN], "the token was sent somewhere: {expected}");
    };
    check(|hit| metadata(hit, None), &[], "unsupported: no_endpoint").await;
    let other = |_: &Hit| {
        json_reply(
            "200 OK",
            &json!({ "issuer": "https://other.example", "revocation_endpoint": "https://a/" }),
        )
    };
    check(other, &[], "misconfigured: discovery_other_issuer").await;
    let plain = |hit: &Hit| {
        let issuer = format!("http://{}", super::kit::host(hit));
        json_reply("200 OK", &json!({ "issuer": issuer, "revocation_endpoint": "http://192.0.2.1/revoke" }))
    };
    check(plain, &[], "misconfigured: plain_http").await;
    check(|_| Reply::ok(b"<html>".to_vec()), &[], "misconfigured: discovery_not_json").await;
    check(|_| Reply::status("404 Not Found"), &[], "unavailable: status -").await;
    let elsewhere = &["jwks_uri: http://127.0.0.1:1/keys"];
    check(|_| Reply::status("404 Not Found"), elsewhere, "unsupported: no_metadata").await;
}

#[tokio::test]
async fn the_token_is_sent_once_by_the_client_that_it_is_of() {
    let idp = Idp::start(|hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(hit, Some("/revoke")),
        _ => Reply::ok(vec![]),
    })
    .await;
    let clients = "clients: [{ id: one, auth: none }, { id: two, secret: { env: CLIENT_SECRET } }]";
    let revoker = revoker(&idp.url(""), SECRET, &[clients]);
    let sent = async |token_type, client_id| {
        let said = revoke(&revoker, "a.b&c=d", token_type, client_id).await;
        (said, idp.hits().pop().unwrap())
    };

    let (said, hit) = sent(TokenType::Access, Some("one")).await;
    assert_eq!((said.as_str(), hit.path.as_str()), ("done", "/revoke"));
    assert_eq!(hit.body, "token=a.b%26c%3Dd&token_type_hint=access_token&client_id=one");
    assert!(hit.head.starts_with("post ") && !hit.head.contains("authorization"), "{}", hit.head);

    let (said, hit) = sent(TokenType::Refresh, Some("two")).await;
    assert_eq!(said, "done");
    assert_eq!(hit.body, "token=a.b%26c%3Dd&token_type_hint=refresh_token");
    assert!(hit.head.contains("authorization: basic "), "{}", hit.head);

    let asked = idp.paths().len();
    for other in [None, Some("three")] {
        assert_eq!(sent(TokenType::Access, other).await.0, "unsupported: no_client");
    }
    assert_eq!(idp.paths().len(), asked, "nobody knows as whom");
}

#[tokio::test]
async fn an_endpoint_that_fails_and_recovers_is_told_the_second_time() {
    let times = AtomicU32::new(0);
    let (idp, revoker) = answering(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::status("500 Internal Server Error"),
        _ => Reply::ok(vec![]),
    })
    .await;
    assert_eq!(revoke(&revoker, TOKEN, TokenType::Access, None).await, "unavailable: unavailable -");
    assert_eq!(revoke(&revoker, TOKEN, TokenType::Access, None).await, "done");
    assert_eq!(idp.paths(), [WELL_KNOWN, "/revoke", "/revoke"], "its metadata are read once");
}
