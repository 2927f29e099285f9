//! Discovery documents that are not what they should be.

use std::time::Duration;

use serde_json::json;

use super::kit::{CLIENT, Lie, Report, WELL_KNOWN, check, date, html, json_reply, metadata, metadata_but};
use crate::support::idp::{Idp, Reply};

/// Without a document nobody knows where the keys are; exactly one thing was asked for.
async fn no_document(lie: Lie, lines: &str, code: &str, exit: i32) -> Report {
    let (report, idp) = check(WELL_KNOWN, lie, lines, &[code, "keys_not_tried"], exit).await;
    assert_eq!(idp.paths(), [WELL_KNOWN]);
    report
}

#[tokio::test]
async fn what_is_no_discovery_document_is_told() {
    no_document(|_| html("200 OK"), "", "discovery_malformed", 1).await;
    let twice: Lie = |_| Reply::ok(br#"{"issuer":"a","issuer":"b"}"#.to_vec()).with("date", date(0));
    no_document(twice, "", "discovery_malformed", 1).await;
    no_document(|_| html("404 Not Found"), "", "discovery_refused", 1).await;
    let elsewhere: Lie = |_| Reply::status("302 Found").with("location", "/elsewhere");
    no_document(elsewhere, "", "discovery_redirected", 1).await;
    no_document(|_| Reply::Endless, "", "discovery_too_long", 1).await;
}

#[tokio::test]
async fn what_may_be_over_soon_is_cannot_tell() {
    no_document(|_| html("503 Service Unavailable"), "", "discovery_unreachable", 3).await;
    no_document(|_| html("429 Too Many Requests"), "", "discovery_unreachable", 3).await;
    let stalled: Lie = |_| Reply::Stalled("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{");
    let report = no_document(stalled, "keys: {timeout: 300ms}", "discovery_unreachable", 3).await;
    assert!(report.stdout.contains("no complete answer within `timeout`"), "{report:?}");
    no_document(|_| Reply::CutShort(b"{}".to_vec()), "", "discovery_unreachable", 3).await;
}

/// And no credentials are sent to whoever speaks for another issuer.
#[tokio::test]
async fn another_issuer_is_told_with_the_difference_and_gets_no_credentials() {
    let slash: Lie = |base| metadata_but(base, &json!({"issuer": format!("{base}/")}));
    let scheme: Lie = |base| metadata_but(base, &json!({"issuer": base.replace("http:", "https:")}));
    let host: Lie = |base| metadata_but(base, &json!({"issuer": base.replace("127.0.0.1", "localhost")}));
    let path: Lie = |base| metadata_but(base, &json!({"issuer": format!("{base}/v2")}));
    let none: Lie = |base| metadata_but(base, &json!({"issuer": null}));
    for (lie, said) in [
        (slash, "the provider's ends with a slash, the configured one does not"),
        (scheme, "the scheme is \"https\" there and \"http\" here"),
        (host, "the host is \"localhost\" there and \"127.0.0.1\" here"),
        (path, "the path is \"/v2\" there and \"/\" here"),
        (none, "does not say whose it is"),
    ] {
        let (report, idp) = check(WELL_KNOWN, lie, CLIENT, &["issuer_differs", "clients_not_tried"], 1).await;
        let message = report.json()["issuers"][0]["findings"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{message}");
        assert_eq!(idp.paths(), [WELL_KNOWN, "/keys"]);
    }
}

#[tokio::test]
async fn keys_over_plain_http_or_nowhere_are_not_asked_for() {
    let plain: Lie = |base| metadata_but(base, &json!({"jwks_uri": "http://idp.example/keys"}));
    let file: Lie = |base| metadata_but(base, &json!({"jwks_uri": "file:///etc/passwd"}));
    let none: Lie = |base| metadata_but(base, &json!({"jwks_uri": null}));
    for (lie, code) in
        [(plain, "jwks_uri_plain_http"), (file, "jwks_uri_plain_http"), (none, "jwks_uri_missing")]
    {
        no_document(lie, "", code, 1).await;
    }
}

#[tokio::test]
async fn keys_on_another_host_are_a_warning() {
    let elsewhere: Lie = |base| {
        metadata_but(base, &json!({"jwks_uri": format!("{}/keys", base.replace("127.0.0.1", "localhost"))}))
    };
    check(WELL_KNOWN, elsewhere, "", &["jwks_uri_elsewhere"], 0).await;
}

#[tokio::test]
async fn a_provider_that_nobody_reaches_is_cannot_tell() {
    let idp = Idp::start(|_| Reply::status("500 Oops")).await;
    let address = idp.url("");
    drop(idp);
    let directory = tempfile::tempdir().unwrap();
    let config = format!("issuers:\n{}", super::kit::entry(&address, "keys: {timeout: 5s}"));
    let report = super::kit::run(directory.path(), &config, &["--json"]).await;
    assert_eq!(
        (report.bad(0), report.exit),
        (vec!["discovery_unreachable".into(), "keys_not_tried".into()], 3)
    );
}

/// `serve` gives both together `keys.timeout`.
#[tokio::test]
async fn k6_document_and_keys_that_are_slow_together_are_told() {
    let idp = Idp::start(|hit| {
        let host = hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let base = format!("http://{host}");
        let reply = match hit.path.as_str() {
            WELL_KNOWN => json_reply(&metadata(&base)),
            _ => json_reply(&super::kit::key_set(&[super::kit::key("a")])),
        };
        Reply::Late(Duration::from_millis(1600), Box::new(reply))
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let config = format!("issuers:\n{}", super::kit::entry(&idp.url(""), "keys: {timeout: 3s}"));
    let report = super::kit::run(directory.path(), &config, &["--json"]).await;
    assert_eq!((report.bad(0), report.exit), (vec!["keys_slow".into()], 1), "{report:?}");
}
