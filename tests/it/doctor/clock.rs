//! Clocks that differ, and answers that do not tell.

use super::kit::{Lie, WELL_KNOWN, check, date, json_reply, metadata};
use crate::support::idp::Reply;

fn dated(base: &str, date: &str) -> Reply {
    Reply::ok(metadata(base).to_string().into_bytes()).with("date", date)
}

#[tokio::test]
async fn a_clock_that_is_hours_off_is_told_with_its_direction() {
    let ahead: Lie = |base| dated(base, &date(2 * 3600 + 30));
    let (report, _idp) = check(WELL_KNOWN, ahead, "", &["clock_differs"], 1).await;
    assert!(
        report.stdout.contains("the provider's clock is ahead of this machine's by at least 2h"),
        "{report:?}"
    );
    let behind: Lie = |base| dated(base, &date(-2 * 3600 - 30));
    let (report, _idp) = check(WELL_KNOWN, behind, "", &["clock_differs"], 1).await;
    assert!(
        report.stdout.contains("the provider's clock is behind this machine's by at least 2h"),
        "{report:?}"
    );
}

#[tokio::test]
async fn leeway_decides_how_much_is_too_much() {
    let ahead: Lie = |base| dated(base, &date(200));
    check(WELL_KNOWN, ahead, "leeway: 500s", &[], 0).await;
    check(WELL_KNOWN, ahead, "leeway: 300s", &["clock_drifts"], 0).await;
    check(WELL_KNOWN, ahead, "leeway: 100s", &["clock_differs"], 1).await;
}

#[tokio::test]
async fn a_cached_answer_is_not_taken_for_a_slow_clock() {
    let cached: Lie = |base| dated(base, &date(-7200)).with("age", "7200");
    check(WELL_KNOWN, cached, "", &[], 0).await;
}

#[tokio::test]
async fn a_date_that_is_missing_or_garbage_is_a_warning() {
    let missing: Lie = |base| Reply::ok(metadata(base).to_string().into_bytes());
    check(WELL_KNOWN, missing, "", &["clock_unknown"], 0).await;
    check(WELL_KNOWN, |base| dated(base, "today at noon"), "", &["clock_unknown"], 0).await;
    check(WELL_KNOWN, |base| json_reply(&metadata(base)).with("age", "-1"), "", &["clock_unknown"], 0).await;
}
