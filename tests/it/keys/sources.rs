//! Where keys come from: discovery and files, and what both refuse.

use std::{path::PathBuf, time::Duration};

use countersign::issuer::{KeyFreshness, KeySource};
use serde_json::json;

use super::client::{Client, impatient, key, key_set};
use crate::support::idp::{Hit, Idp, Reply};

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

fn metadata(issuer: &str, jwks_uri: &str) -> Reply {
    Reply::ok(json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string().into_bytes())
}

/// The base address of the server that was asked.
fn base(hit: &Hit) -> String {
    let host = hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    format!("http://{host}")
}

#[tokio::test]
async fn keys_are_found_through_discovery_which_is_remembered() {
    let keys = key_set(&[key("a")]);
    let idp = Idp::start(move |hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(&base(hit), &format!("{}/keys", base(hit))),
        _ => Reply::ok(keys.clone()),
    })
    .await;
    let client = idp.discovering(|_| {}).await;
    assert!(client.finds("a").await && !client.finds("b").await);
    assert_eq!(idp.paths(), [WELL_KNOWN, "/keys", "/keys"]);
}

/// The discovery document leads nowhere, and no key server is asked.
async fn check_refused(document: impl Fn(&Hit) -> Reply + Send + Sync + 'static) {
    let idp = Idp::start(document).await;
    let client = idp.discovering(|_| {}).await;
    assert_eq!(client.fetches("scheduled", "failed"), 1);
    assert!(client.issuer.current().is_none());
    assert_eq!(idp.paths(), [WELL_KNOWN]);
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    check_refused(|hit| metadata("https://other.example", &format!("{}/keys", base(hit)))).await;
    check_refused(|hit| metadata(&format!("{}/", base(hit)), &format!("{}/keys", base(hit)))).await;
}

#[tokio::test]
async fn k6_a_discovered_address_beyond_https_and_loopback_is_refused() {
    check_refused(|hit| metadata(&base(hit), "http://192.0.2.1/keys")).await;
    check_refused(|hit| metadata(&base(hit), "http://localhost.example/keys")).await;
    check_refused(|hit| metadata(&base(hit), "file:///etc/passwd")).await;
    check_refused(|hit| metadata(&base(hit), "/keys")).await;
}

#[tokio::test]
async fn a_discovery_document_must_be_one_json_object_with_status_200() {
    check_refused(|_| Reply::ok(b"<html>".to_vec())).await;
    check_refused(|_| Reply::status("302 Found").with("location", "/keys")).await;
    check_refused(|hit| Reply::ok(json!({"issuer": base(hit)}).to_string().into_bytes())).await;
    check_refused(|_| Reply::Endless).await;
}

#[tokio::test]
async fn keys_that_moved_are_discovered_again_after_a_failed_fetch() {
    let keys = key_set(&[key("a")]);
    let idp = Idp::start(|hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(&base(hit), &format!("{}/old", base(hit))),
        _ => Reply::status("404 Not Found"),
    })
    .await;
    let client = idp.discovering(impatient).await;
    idp.change(move |hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(&base(hit), &format!("{}/new", base(hit))),
        "/new" => Reply::ok(keys.clone()),
        _ => Reply::status("404 Not Found"),
    });
    idp.wait_for_hits(|hits| hits.iter().any(|hit| hit.path == "/new")).await;
    client.finds_soon("a").await;
}

#[tokio::test]
async fn a_known_address_is_used_while_discovery_cannot_be_reached() {
    let keys = key_set(&[key("a")]);
    let idp = Idp::start(|hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(&base(hit), &format!("{}/keys", base(hit))),
        _ => Reply::status("500 Oops"),
    })
    .await;
    let client = idp.discovering(impatient).await;
    idp.change(move |hit| match hit.path.as_str() {
        WELL_KNOWN => Reply::status("500 Oops"),
        _ => Reply::ok(keys.clone()),
    });
    let before = idp.hits().len();
    idp.wait_for_hits(|hits| hits.iter().skip(before).any(|hit| hit.path == "/keys")).await;
    client.finds_soon("a").await;
}

#[tokio::test]
async fn k2_keys_that_moved_are_followed_within_refresh_after_although_the_old_address_answers() {
    let (old, new) = (key_set(&[key("old")]), key_set(&[key("new")]));
    let at = |path: &'static str| {
        let (old, new) = (old.clone(), new.clone());
        move |hit: &Hit| match hit.path.as_str() {
            WELL_KNOWN => {
                let jwks_uri = format!("{}{path}", base(hit));
                if hit.head.contains(&format!("if-none-match: \"{path}\"")) {
                    return Reply::status("304 Not Modified");
                }
                metadata(&base(hit), &jwks_uri).with("etag", format!("\"{path}\""))
            }
            "/old" => Reply::ok(old.clone()),
            _ => Reply::ok(new.clone()),
        }
    };
    let idp = Idp::start(at("/old")).await;
    let ms = Duration::from_millis;
    let client = idp
        .discovering(|settings| {
            settings.keys.freshness = KeyFreshness::new(ms(10), ms(500), Duration::from_hours(1)).unwrap();
        })
        .await;
    assert!(client.finds("old").await);
    let asked = |hits: &[Hit]| hits.iter().filter(|hit| hit.path == WELL_KNOWN).count() > 1;
    idp.wait_for_hits(asked).await;
    assert!(client.finds("old").await, "not modified: the address stays");
    idp.change(at("/new"));
    // Demand fetches go to the old address, which answers; they must not put the discovery off.
    client.finds_soon("new").await;
    assert!(!client.finds("old").await);
}

#[tokio::test]
async fn k6_one_timeout_bounds_discovery_and_key_set_together() {
    let ms = Duration::from_millis;
    let idp = Idp::start(move |hit| match hit.path.as_str() {
        WELL_KNOWN => Reply::Late(ms(1500), Box::new(metadata(&base(hit), &format!("{}/keys", base(hit))))),
        _ => Reply::Stalled(""),
    })
    .await;
    let begun = tokio::time::Instant::now();
    let client = idp.discovering(|settings| settings.keys.timeout = ms(2000)).await;
    assert_eq!(client.fetches("scheduled", "failed"), 1);
    assert_eq!(idp.paths(), [WELL_KNOWN, "/keys"]);
    assert!(begun.elapsed() < ms(3000), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn k1_discovery_that_hangs_leaves_time_for_the_known_address() {
    let (first, second) = (key_set(&[key("first")]), key_set(&[key("second")]));
    let keys_at = |keys: Vec<u8>, discovery: bool| {
        move |hit: &Hit| match hit.path.as_str() {
            WELL_KNOWN if discovery => metadata(&base(hit), &format!("{}/keys", base(hit))),
            WELL_KNOWN => Reply::Stalled(""),
            _ => Reply::ok(keys.clone()),
        }
    };
    let idp = Idp::start(keys_at(first, true)).await;
    let ms = Duration::from_millis;
    let client = idp
        .discovering(|settings| {
            settings.keys.timeout = ms(1000);
            settings.keys.freshness = KeyFreshness::new(ms(10), ms(500), Duration::from_hours(1)).unwrap();
        })
        .await;
    assert!(client.finds("first").await);
    idp.change(keys_at(second, false));
    client.finds_soon("second").await;
    assert_eq!(client.fetches("scheduled", "failed"), 0);
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.json", std::process::id()))
}

#[tokio::test]
async fn a_file_is_read_again_for_an_unknown_kid() {
    let path = file("keys");
    let (a, b) = (key("a"), key("b"));
    std::fs::write(&path, key_set(std::slice::from_ref(&a))).unwrap();
    let source = KeySource::JwksFile(path.clone());
    let client = Client::start(source, "https://idp.example", impatient).await;
    assert!(client.finds("a").await);
    std::fs::write(&path, key_set(&[a, b])).unwrap();
    assert!(client.finds("b").await);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn k6_a_file_that_is_missing_too_long_or_no_file_is_refused() {
    let long = file("long");
    let mut document = key_set(&[key("a")]);
    document.resize(64 * 1024 + 1, b' ');
    std::fs::write(&long, document).unwrap();
    for path in [file("missing"), long.clone(), std::env::temp_dir()] {
        let change = |settings: &mut countersign::issuer::IssuerSettings| {
            settings.keys.timeout = Duration::from_secs(10);
        };
        let client = Client::start(KeySource::JwksFile(path), "https://idp.example", change).await;
        assert_eq!(client.fetches("scheduled", "failed"), 1);
        assert!(client.issuer.current().is_none());
    }
    std::fs::remove_file(&long).unwrap();
}
