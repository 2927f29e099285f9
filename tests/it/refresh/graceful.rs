//! An answer that was lost, by how the provider rotates: where a second use costs nothing the token is sent again at once, and
//! once; where it can cost the session, not before there is nothing to lose.

use std::time::Duration;

use serde_json::{Value, json};

use super::set::{LONG, Plan, Set};
use crate::support::wait::until;

async fn start(rotation: &'static str, grace: Duration) -> Set {
    let refresh = "upstream_timeout: 2s, lease: 4s, limit: { burst: 100, per: 1s }";
    Set::start(Plan { replicas: 2, rotation, refresh, grace, ..Plan::default() }).await
}

async fn graceful() -> Set {
    start("rotation: graceful, grace: 1m", Duration::from_mins(1)).await
}

/// A session that was refreshed once, so that the end of its access token is known: its tokens.
async fn refreshed(set: &Set) -> (String, String) {
    let login = set.provider.user_tokens("alice").await;
    let tokens = set.refresh(0, &login.refresh_token).await.tokens();
    (tokens.refresh_token, tokens.access_token)
}

/// What nobody hears of, though the provider has answered.
fn lost_answers() -> [Value; 4] {
    [json!("reset_after"), json!("hang_after"), json!({ "truncate": 20 }), json!({ "truncate": 300 })]
}

#[tokio::test]
async fn f6_a_graceful_provider_is_sent_the_token_again_at_once_and_gives_tokens() {
    let set = graceful().await;
    for fault in lost_answers() {
        let (token, _) = refreshed(&set).await;
        let before = set.provider.token_requests().await;
        set.provider.plan("/token", std::slice::from_ref(&fault)).await;
        let tokens = set.refresh(0, &token).await.tokens();
        assert!(!tokens.replayed, "{fault}");
        assert_eq!(set.provider.token_requests().await - before, 2, "{fault}");
        assert!(set.refresh(1, &token).await.tokens().refresh_token == tokens.refresh_token, "{fault}");
        let next = set.refresh(1, &tokens.refresh_token).await.tokens();
        assert!(set.replicas[0].validate(&next.access_token).await.is_good(), "{fault}");
    }
    assert_eq!(set.alarms(0).await + set.alarms(1).await, 0);
}

#[tokio::test]
async fn f6_two_lost_answers_in_a_row_are_told_and_the_session_lives_on() {
    let set = graceful().await;
    let (token, access) = refreshed(&set).await;
    let before = set.provider.token_requests().await;
    set.provider.plan("/token", &[json!("reset_after"), json!("reset_after")]).await;
    let (reason, retry) = set.refresh(0, &token).await.fault();
    assert_eq!(reason, "REFRESH_OUTCOME_UNKNOWN");
    assert!(retry.unwrap() <= Duration::from_secs(2), "{retry:?}");
    assert_eq!(set.provider.token_requests().await - before, 2, "once more, and not again and again");
    assert!(set.replicas[0].validate(&access).await.is_good());
    let tokens = until("tokens", LONG, async || {
        let came = set.refresh(1, &token).await;
        (came.word() == "tokens").then(|| came.tokens())
    })
    .await;
    set.refresh(0, &tokens.refresh_token).await.tokens();
}

#[tokio::test]
async fn f6_a_strict_provider_is_not_sent_the_token_again_while_the_old_access_token_is_good() {
    let set = start("rotation: strict", Duration::ZERO).await;
    let (token, access) = refreshed(&set).await;
    let before = set.provider.token_requests().await;
    set.provider.plan("/token", &[json!("reset_after")]).await;
    for replica in [0, 1, 0] {
        let (reason, retry) = set.refresh(replica, &token).await.fault();
        assert_eq!(reason, "REFRESH_OUTCOME_UNKNOWN");
        assert!(retry.unwrap() > Duration::from_mins(5), "{retry:?}");
    }
    assert_eq!(set.provider.token_requests().await - before, 1);
    for replica in &set.replicas {
        assert!(replica.validate(&access).await.is_good());
    }
}

#[tokio::test]
async fn f6_without_rotation_there_is_nothing_to_lose() {
    let set = start("rotation: none", Duration::from_mins(1)).await;
    let (token, _) = refreshed(&set).await;
    let before = set.provider.token_requests().await;
    set.provider.plan("/token", &[json!("reset_after")]).await;
    set.refresh(0, &token).await.tokens();
    assert_eq!(set.provider.token_requests().await - before, 2);
}
