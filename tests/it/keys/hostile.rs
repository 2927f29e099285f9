//! A key server that is slow, huge, wrong, broken or flooded (K3, K5, K6).

use std::{sync::Arc, time::Duration};

use countersign::{
    domain::{algorithm::Algorithm, key::Candidates},
    issuer::{KeyFreshness, Lookup},
};
use serde_json::json;
use tokio::time::Instant;

use super::client::{Client, impatient, key, key_set};
use crate::support::idp::{Idp, Reply};

/// The first attempt fails, and so no key is trusted; the server was asked exactly once.
async fn check_refused(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Idp, Client) {
    let idp = Idp::start(move |_| reply()).await;
    let client = idp.issuer(|settings| settings.keys.timeout = Duration::from_secs(10)).await;
    assert_eq!((client.fetches("scheduled", "failed"), client.fetches("scheduled", "ok")), (1, 0));
    assert!(client.issuer.current().is_none() && !client.issuer.has_usable_keys());
    (idp, client)
}

#[tokio::test]
async fn k6_a_server_that_does_not_answer_in_time_is_given_up() {
    for beginning in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":["] {
        let idp = Idp::start(move |_| Reply::Stalled(beginning)).await;
        let client = idp.issuer(|settings| settings.keys.timeout = Duration::from_millis(100)).await;
        assert_eq!(client.fetches("scheduled", "failed"), 1);
        assert!(client.issuer.current().is_none());
    }
}

#[tokio::test]
async fn k6_a_body_longer_than_max_bytes_is_refused_announced_or_not() {
    check_refused(|| Reply::Endless).await;
    let mut body = key_set(&[key("a")]);
    body.resize(64 * 1024 + 1, b' ');
    check_refused(move || Reply::ok(body.clone())).await;
}

#[tokio::test]
async fn k6_a_body_of_exactly_max_bytes_is_read() {
    let mut body = key_set(&[key("a")]);
    body.resize(64 * 1024, b' ');
    let idp = Idp::start(move |_| Reply::ok(body.clone())).await;
    assert!(idp.issuer(|_| {}).await.finds("a").await);
}

#[tokio::test]
async fn k6_redirects_are_not_followed() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (idp, _client) =
            check_refused(move || Reply::status(status).with("location", "/elsewhere")).await;
        assert_eq!(idp.paths(), ["/keys"], "{status}");
    }
}

#[tokio::test]
async fn k6_more_keys_than_max_keys_are_refused() {
    let keys = vec![key("a"); 10_000];
    let body = key_set(&keys);
    let idp = Idp::start(move |_| Reply::ok(body.clone())).await;
    let client = idp.issuer(|settings| settings.keys.max_bytes = 16 * 1024 * 1024).await;
    assert_eq!(client.fetches("scheduled", "failed"), 1);
    assert!(client.issuer.current().is_none());
}

#[tokio::test]
async fn only_a_whole_key_set_with_status_200_counts() {
    check_refused(|| Reply::ok(b"<!doctype html><title>Sign in</title>".to_vec())).await;
    check_refused(|| Reply::ok(b"{\"keys\":\"x\"}".to_vec())).await;
    check_refused(|| Reply::ok(vec![])).await;
    check_refused(|| Reply::CutShort(b"{\"keys\":[]}".to_vec())).await;
    for status in ["500 Oops", "503 Later", "404 Not Found", "206 Partial Content", "304 Not Modified"] {
        check_refused(move || Reply::status(status)).await;
    }
}

#[tokio::test]
async fn k1_what_fails_after_a_good_fetch_costs_no_keys() {
    let good = key_set(&[key("a")]);
    let idp = Idp::start(move |_| Reply::ok(good.clone())).await;
    let client = idp.issuer(impatient).await;
    idp.change(|_| Reply::status("500 Oops"));
    assert!(matches!(client.lookup("b").await, Lookup::Unavailable));
    idp.wait_for_hits(|hits| hits.len() >= 5).await;
    assert!(client.finds("a").await);
}

#[tokio::test]
async fn k5_a_broken_key_does_not_affect_the_good_one_beside_it() {
    let body =
        key_set(&[json!({"kty": "EC", "crv": "P-256", "kid": "bad", "x": "?"}), key("good"), json!(7)]);
    let idp = Idp::start(move |_| Reply::ok(body.clone())).await;
    let client = idp.issuer(|_| {}).await;
    assert!(client.finds("good").await);
    assert_eq!(client.issuer.current().unwrap().keys.len(), 1);
}

#[tokio::test]
async fn two_keys_with_one_kid_are_both_candidates() {
    let body = key_set(&[key("a"), key("a")]);
    let idp = Idp::start(move |_| Reply::ok(body.clone())).await;
    let client = idp.issuer(|_| {}).await;
    let Lookup::Found(snapshot) = client.lookup("a").await else { panic!("not found") };
    let Candidates::Keys(keys) = snapshot.keys.candidates(Some("a"), Algorithm::ES256) else {
        panic!("no candidates")
    };
    assert_eq!(keys.len(), 2);
}

#[tokio::test]
async fn a_304_renews_the_age_and_is_asked_for_with_the_etag() {
    let body = key_set(&[key("a")]);
    let idp = Idp::start(move |hit| {
        if hit.head.contains("if-none-match: \"v1\"") {
            Reply::status("304 Not Modified")
        } else {
            Reply::ok(body.clone()).with("etag", "\"v1\"")
        }
    })
    .await;
    let client = idp.issuer(|_| {}).await;
    let before = client.issuer.current().unwrap();
    assert!(matches!(client.lookup("b").await, Lookup::Unknown));
    let after = client.issuer.current().unwrap();
    assert_eq!((client.fetches("demand", "not_modified"), after.generation), (1, before.generation));
    assert!(!Arc::ptr_eq(&before, &after));
    assert!(client.finds("a").await);
    let heads: Vec<_> = idp.hits().into_iter().map(|hit| hit.head).collect();
    assert!(!heads[0].contains("if-none-match") && heads[1].contains("if-none-match"));
}

#[tokio::test]
async fn the_request_says_who_asks_and_takes_nothing_compressed() {
    let idp = Idp::start(|_| Reply::status("500 Oops")).await;
    let _client = idp.issuer(|_| {}).await;
    let head = &idp.hits()[0].head;
    assert!(head.contains(concat!("user-agent: countersign/", env!("CARGO_PKG_VERSION"))), "{head}");
    assert!(!head.contains("accept-encoding") && !head.contains("cookie"), "{head}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k3_a_flood_of_ten_thousand_kids_reaches_the_server_once() {
    let body = key_set(&[key("a")]);
    let idp = Idp::start(move |_| Reply::ok(body.clone())).await;
    let client = Arc::new(idp.issuer(|_| {}).await);
    flood(&client, 100, 100).await;
    assert_eq!(idp.hits().len(), 2, "the first fetch, and one for ten thousand kids");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k3_a_lasting_flood_reaches_the_server_once_per_min_refetch() {
    const MIN_REFETCH: Duration = Duration::from_millis(200);
    let body = key_set(&[key("a")]);
    let idp = Idp::start(move |_| Reply::ok(body.clone())).await;
    let change = |settings: &mut countersign::issuer::IssuerSettings| {
        let seconds = Duration::from_secs;
        settings.keys.freshness = KeyFreshness::new(MIN_REFETCH, seconds(300), seconds(3600)).unwrap();
    };
    let client = Arc::new(idp.issuer(change).await);
    let began = Instant::now();
    while idp.hits().len() < 5 {
        assert!(began.elapsed() < Duration::from_secs(20), "the budget does not come back");
        flood(&client, 10, 100).await;
        let periods = began.elapsed().as_millis() / MIN_REFETCH.as_millis();
        // The first fetch, the one that starts the count, and one for each period since.
        assert!(idp.hits().len() <= 2 + usize::try_from(periods).unwrap());
    }
}

async fn flood(client: &Arc<Client>, tasks: usize, lookups: usize) {
    let flood: Vec<_> = (0..tasks)
        .map(|task| {
            let flooded = Arc::clone(client);
            client.tasks.spawn(async move {
                for nth in 0..lookups {
                    let lookup = flooded.lookup(&format!("{task}-{nth}")).await;
                    assert!(matches!(lookup, Lookup::Unknown), "{lookup:?}");
                }
            })
        })
        .collect();
    for task in flood {
        task.await.unwrap();
    }
}
