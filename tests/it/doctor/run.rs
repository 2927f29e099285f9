//! One run: which issuers, in which order, and how it ends.

use serde_json::json;
use tokio::{sync::watch, task::yield_now};

use super::kit::{WELL_KNOWN, entry, html, provider, run};
use crate::support::idp::{Idp, Reply};

fn two(first: &Idp, second: &Idp) -> String {
    let entries = [entry(&first.url(""), ""), entry(&second.url(""), "").replace("name: idp", "name: other")];
    format!("issuers:\n{}", entries.concat())
}

#[tokio::test]
async fn issuers_are_reported_in_the_order_of_the_configuration_and_one_may_be_chosen() {
    let directory = tempfile::tempdir().unwrap();
    let (good, bad) = (provider("-", |_| html("")).await, provider(WELL_KNOWN, |_| html("404 No")).await);
    let config = two(&bad, &good);
    let report = run(directory.path(), &config, &[]).await;
    assert_eq!(report.exit, 1, "{report:?}");
    let begins = [format!("idp ({})\n", bad.url("")), format!("\nother ({})\n", good.url(""))];
    let places: Vec<_> = begins.iter().map(|begin| report.stdout.find(begin.as_str()).unwrap()).collect();
    assert!(places.is_sorted() && places[0] == 0, "{}", report.stdout);
    let line = format!(
        "  problem      discovery_refused: {} answers with status 404 Not Found\n               Correct `issuer`; ",
        bad.url(WELL_KNOWN)
    );
    assert!(report.stdout.contains(&line), "{}", report.stdout);
    assert!(report.stdout.ends_with("\nsomething is wrong (problems: 1, cannot tell: 1, warnings: 0)\n"));

    let report = run(directory.path(), &config, &["--issuer", "other"]).await;
    assert!(report.exit == 0 && report.stdout.ends_with("\nhealthy\n"), "{report:?}");
    assert!(!report.stdout.contains("idp ("), "{report:?}");
    assert_eq!(bad.hits().len(), 1);

    let report = run(directory.path(), &config, &["--issuer", "third"]).await;
    assert_eq!((report.exit, report.stdout.as_str()), (2, ""));
    assert_eq!(report.stderr, "countersign: no issuer is called \"third\"; there are: idp, other\n");
}

/// Neither is answered before both were asked.
#[tokio::test]
async fn issuers_are_asked_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let (go, gate) = watch::channel(false);
    let held = |gate: watch::Receiver<bool>| move |_: &_| Reply::Held(gate.clone(), b"<html>".to_vec());
    let (first, second) = (Idp::start(held(gate.clone())).await, Idp::start(held(gate)).await);
    let config = two(&first, &second);
    let both = async {
        first.wait_for_hits(|hits| hits.len() == 1).await;
        second.wait_for_hits(|hits| hits.len() == 1).await;
        go.send_replace(true);
        yield_now().await;
    };
    let (report, ()) = tokio::join!(run(directory.path(), &config, &["--json"]), both);
    assert_eq!(report.json()["outcome"], json!("problem"), "{report:?}");
    assert_eq!(
        (report.bad(0)[0].as_str(), report.bad(1)[0].as_str()),
        ("discovery_malformed", "discovery_malformed")
    );
}

#[tokio::test]
async fn a_wrong_configuration_asks_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let idp = provider("-", |_| html("")).await;
    let config = format!("issuers:\n{}", entry(&idp.url(""), "leeway: soon"));
    let report = run(directory.path(), &config, &[]).await;
    assert_eq!((report.exit, report.stdout.as_str(), idp.hits().len()), (78, "", 0));
    assert!(report.stderr.starts_with("countersign.yaml:5: issuers[0].leeway: "), "{report:?}");
}
