//! What stands in front of the provider fails in every way (F6): what the caller is told, and that the session lives on.

use std::time::Duration;

use countersign::proto::client::{Reason, Recovery};
use serde_json::{Value, json};

use super::set::{Came, Plan, Set};
use crate::support::wait::until;

/// A strict provider, one fault, and what comes of it: the first answer, and whether the same token gets tokens afterwards.
async fn check(set: &Set, fault: Value, first: &str, then: &str) {
    let login = set.provider.user_tokens("alice").await;
    set.provider.plan("/token", std::slice::from_ref(&fault)).await;
    let came = set.refresh(0, &login.refresh_token).await;
    assert_eq!(word(came), first, "{fault}");
    set.provider.plan("/token", &[]).await;
    let later =
        until("a last word", super::set::LONG, async || match set.refresh(0, &login.refresh_token).await {
            Came::Fault(_) => None,
            other @ (Came::Tokens(_) | Came::Refused(_)) => Some(other),
        })
        .await;
    assert_eq!(word(later), then, "{fault}, afterwards");
}

/// Without tokens.
fn word(came: Came) -> String {
    match came {
        Came::Tokens(_) => "tokens".to_owned(),
        refused @ Came::Refused(_) => format!("{:?}", refused.refused().0),
        fault @ Came::Fault(_) => fault.fault().0,
    }
}

fn answer(status: u16, error: &str) -> Value {
    json!({
        "status": status,
        "headers": { "content-type": "application/json" },
        "body": json!({ "error": error }).to_string(),
    })
}

#[tokio::test]
async fn f6_whatever_the_provider_did_not_process_leaves_the_session_as_it_was() {
    let plan = Plan { replicas: 1, refresh: "upstream_timeout: 1s", ..Plan::default() };
    let set = Set::start(plan).await;
    for (fault, first) in [
        (json!("reset"), "REFRESH_OUTCOME_UNKNOWN"),
        (json!("hang"), "REFRESH_OUTCOME_UNKNOWN"),
        (json!({ "status": 500, "body": "oops" }), "UPSTREAM_UNAVAILABLE"),
        (json!({ "status": 502, "body": "<html>" }), "UPSTREAM_UNAVAILABLE"),
        (json!({ "status": 503, "headers": { "retry-after": "1" } }), "UPSTREAM_UNAVAILABLE"),
        (json!({ "status": 429, "headers": { "retry-after": "1" } }), "UPSTREAM_UNAVAILABLE"),
        (answer(400, "temporarily_unavailable"), "UPSTREAM_UNAVAILABLE"),
        (answer(403, "access_denied"), "UPSTREAM_UNAVAILABLE"),
        (
            json!({ "status": 302, "headers": { "location": "https://elsewhere.example/" } }),
            "UPSTREAM_UNAVAILABLE",
        ),
        (json!({ "status": 200, "body": "{\"access_token\": \"a\"" }), "REFRESH_OUTCOME_UNKNOWN"),
        (json!({ "status": 200, "body": "x".repeat(1_000_000) }), "REFRESH_OUTCOME_UNKNOWN"),
    ] {
        check(&set, fault, first, "tokens").await;
    }
}

/// The provider has rotated, and nobody heard of it: with a strict one the token is spent, and to find that out ends what had
/// ended anyway. It is no theft.
#[tokio::test]
async fn f6_an_answer_that_is_lost_after_the_provider_gave_it_is_found_out_and_is_no_alarm() {
    let plan = Plan { replicas: 1, refresh: "upstream_timeout: 1s", ..Plan::default() };
    let set = Set::start(plan).await;
    for fault in [json!("reset_after"), json!("hang_after"), json!({ "truncate": 20 })] {
        check(&set, fault, "REFRESH_OUTCOME_UNKNOWN", "RefreshOutcomeLost").await;
    }
    assert_eq!(set.alarms(0).await, 0);
}

#[tokio::test]
async fn f6_only_invalid_grant_ends_a_session_and_for_good() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    let next = set.refresh(0, &login.refresh_token).await.tokens();
    set.provider.plan("/token", &[answer(400, "invalid_grant")]).await;
    let came = set.refresh(0, &next.refresh_token).await;
    assert_eq!(came.refused(), (Reason::RefreshInvalid, Recovery::Login));
    let before = set.provider.token_requests().await;
    let came = set.refresh(0, &next.refresh_token).await;
    assert_eq!(came.refused(), (Reason::RefreshInvalid, Recovery::Login));
    assert_eq!(set.provider.token_requests().await, before, "it is not asked again");
    assert_eq!(set.replicas[0].validate(&next.access_token).await.refused(), Reason::Revoked);
}

#[tokio::test]
async fn our_own_refused_client_is_told_apart_and_not_tried_at_once_again() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    set.provider.plan("/token", &[answer(401, "invalid_client")]).await;
    assert_eq!(set.refresh(0, &login.refresh_token).await.fault().0, "CLIENT_REJECTED");
    let before = set.provider.token_requests().await;
    assert_eq!(set.refresh(0, &login.refresh_token).await.fault().0, "CLIENT_REJECTED");
    assert_eq!(set.provider.token_requests().await, before);
}

#[tokio::test]
async fn without_a_new_refresh_token_the_old_one_goes_on() {
    let plan = Plan { replicas: 1, rotation: "rotation: none", ..Plan::default() };
    let set = Set::start(plan).await;
    let login = set.provider.user_tokens("alice").await;
    set.provider.plan("/token", &[json!({ "without": "refresh_token" })]).await;
    let tokens = set.refresh(0, &login.refresh_token).await.tokens();
    assert!(tokens.refresh_token == login.refresh_token);
    assert!(set.replicas[0].validate(&tokens.access_token).await.is_good());
}

/// RFC 6585 section 4, RFC 9110 section 10.2.3.
#[tokio::test]
async fn f10_retry_after_is_honoured() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    set.provider.plan("/token", &[json!({ "status": 429, "headers": { "retry-after": "7" } })]).await;
    let (reason, retry) = set.refresh(0, &login.refresh_token).await.fault();
    assert_eq!((reason.as_str(), retry), ("UPSTREAM_UNAVAILABLE", Some(Duration::from_secs(7))));
    let before = set.provider.token_requests().await;
    let (reason, retry) = set.refresh(0, &login.refresh_token).await.fault();
    assert_eq!(reason, "UPSTREAM_UNAVAILABLE");
    assert!(retry.unwrap() > Duration::from_secs(5));
    assert_eq!(set.provider.token_requests().await, before);
}
