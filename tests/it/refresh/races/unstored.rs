//! F4: the provider answered, and the store does not take it.

use std::time::Duration;

use tokio::time::Instant;

use super::super::set::{Calling, Came, LONG, Plan, Set};
use crate::{replicas::faults::proxy::Proxy, support::wait::until};

const UNSTORED: &str = "countersign_unstored_refreshes";

/// Two replicas whose Redis stopped after the provider had answered the first one's exchange, and what the caller there got.
async fn unstored(session_claims: &'static [&'static str]) -> (Set, String, String) {
    let refresh = "upstream_timeout: 20s, lease: 22s";
    let set = Set::start(Plan { replicas: 2, refresh, session_claims, ..Plan::default() }).await;
    let token = set.provider.user_tokens("alice").await.refresh_token;
    set.provider.plan("/token", &["held_after".into()]).await;
    let call = Calling::start(&set.replicas[0], &token).await;
    set.provider.wait_held(1).await;
    set.redis.as_ref().unwrap().stop().await;
    set.provider.release().await;
    let tokens = call.came().await.tokens();
    assert_eq!(set.count(0, UNSTORED).await, 1);
    assert!(set.replicas[0].output().contains("refreshed tokens cannot be stored"));
    assert!(set.replicas[0].validate(&tokens.access_token).await.is_good());
    (set, token, tokens.refresh_token)
}

/// The other replica has the same answer, and the provider was asked once.
async fn is_stored(set: &Set, token: &str, successor: &str, before: u64) {
    let tokens = until("the other replica to know", LONG, async || match set.refresh(1, token).await {
        Came::Fault(_) => None,
        other @ (Came::Tokens(_) | Came::Refused(_)) => Some(other.tokens()),
    })
    .await;
    assert!(tokens.replayed);
    assert!(tokens.refresh_token == successor, "two successors");
    assert_eq!(set.provider.token_requests().await, before);
    set.refresh(1, successor).await.tokens();
}

#[tokio::test]
async fn f4_what_the_store_does_not_take_is_answered_from_memory_and_stored_later() {
    let (set, token, successor) = unstored(&["sid", "auth_time"]).await;
    let before = set.provider.token_requests().await;
    let again = set.refresh(0, &token).await.tokens();
    assert!(again.replayed && again.refresh_token == successor);
    assert_eq!(set.refresh(1, &token).await.word(), "STORE_UNAVAILABLE");
    set.redis.as_ref().unwrap().go_on().await;
    until("the answer to be stored", LONG, async || (set.count(0, UNSTORED).await == 0).then_some(())).await;
    until("the log to say so", LONG, async || {
        set.replicas[0].output().contains("refreshed tokens are stored again").then_some(())
    })
    .await;
    is_stored(&set, &token, &successor, before).await;
    assert!(!set.replicas[0].output().contains(&successor), "the log holds a token");
}

#[tokio::test]
async fn f4_a_process_that_is_told_to_end_stores_what_it_has_first() {
    let (mut set, token, successor) = unstored(&["auth_time"]).await;
    let before = set.provider.token_requests().await;
    set.replicas[0].sigterm().await;
    until("the drain to begin", LONG, async || {
        set.replicas[0].output().contains("shutting down").then_some(())
    })
    .await;
    set.redis().go_on().await;
    assert!(set.replicas[0].wait_exit().await.success());
    is_stored(&set, &token, &successor, before).await;
}

#[tokio::test]
async fn f4_what_could_never_be_stored_is_told_at_the_end() {
    let (mut set, ..) = unstored(&["sid", "auth_time"]).await;
    set.redis().kill9().await;
    set.replicas[0].sigterm().await;
    assert!(set.replicas[0].wait_exit().await.success());
    let output = set.replicas[0].output();
    assert!(output.contains("refreshed tokens that were never stored end with this process"), "{output}");
}

/// Its Redis is there for others: they take the new refresh token before anybody could tell them where it comes from.
#[tokio::test]
async fn f1_a_token_that_was_handed_out_from_memory_is_sent_once_whoever_hears_of_it_when() {
    let mut set = Set::start(Plan { replicas: 2, ..Plan::default() }).await;
    let way = Proxy::to(set.redis().port()).await;
    set.replicas.push(set.another_by(way.port()).await);
    let token = set.provider.user_tokens("alice").await.refresh_token;
    set.provider.plan("/token", &["held_after".into()]).await;
    let call = Calling::start(&set.replicas[2], &token).await;
    set.provider.wait_held(1).await;
    way.cut().await;
    set.provider.release().await;
    let first = call.came().await.tokens();
    let before = set.provider.token_requests().await;
    let second = set.refresh(1, &first.refresh_token).await.tokens();
    way.mend();
    until("the answer to be stored", LONG, async || (set.count(2, UNSTORED).await == 0).then_some(())).await;
    for replica in [0, 1, 2] {
        let again = set.refresh(replica, &first.refresh_token).await.tokens();
        assert!(again.replayed && again.refresh_token == second.refresh_token, "replica {replica}");
        let earlier = set.refresh(replica, &token).await.tokens();
        assert!(earlier.replayed && earlier.refresh_token == first.refresh_token, "replica {replica}");
    }
    assert_eq!(set.provider.token_requests().await - before, 1);
    let third = set.refresh(0, &second.refresh_token).await.tokens();
    assert!(set.replicas[2].validate(&third.access_token).await.is_good());
}

/// Of the next test's `refresh`.
const LEASE: Duration = Duration::from_secs(5);

/// Who could not write is not dead.
#[tokio::test]
async fn f4_a_lease_that_ended_while_the_store_was_away_is_not_over_before_its_owner_is_heard() {
    let mut set = Set::start(Plan {
        replicas: 2,
        rotation: "rotation: graceful, grace: 1m",
        refresh: "upstream_timeout: 3s, lease: 5s",
        grace: Duration::from_mins(1),
        ..Plan::default()
    })
    .await;
    let way = Proxy::to(set.redis().port()).await;
    set.replicas.push(set.another_by(way.port()).await);
    let token = set.provider.user_tokens("alice").await.refresh_token;
    let before = set.provider.token_requests().await;
    set.provider.plan("/token", &["held_after".into()]).await;
    let call = Calling::start(&set.replicas[2], &token).await;
    set.provider.wait_held(1).await;
    way.cut().await;
    set.provider.release().await;
    let first = call.came().await.tokens();
    set.redis().stop().await;
    let stopped_at = Instant::now();
    until("the lease to end", LONG, async || {
        assert_eq!(set.refresh(1, &token).await.word(), "STORE_UNAVAILABLE");
        (stopped_at.elapsed() > LEASE).then_some(())
    })
    .await;
    way.mend();
    set.redis().go_on().await;
    let second = until("the store to be back", LONG, async || match set.refresh(1, &token).await {
        Came::Fault(_) => None,
        other @ (Came::Tokens(_) | Came::Refused(_)) => Some(other.tokens()),
    })
    .await;
    assert!(second.refresh_token == first.refresh_token, "two successors");
    assert_eq!(set.provider.token_requests().await - before, 1);
}

/// F3: nobody waits for it any more, and the process does.
#[tokio::test]
async fn f3_a_process_that_is_told_to_end_waits_for_an_answer_that_no_caller_waits_for() {
    let refresh = "upstream_timeout: 20s, lease: 22s";
    let mut set = Set::start(Plan { replicas: 2, refresh, ..Plan::default() }).await;
    let token = set.provider.user_tokens("alice").await.refresh_token;
    let before = set.provider.token_requests().await;
    // Longer than the end leaves to whatever works for calls.
    set.provider.plan("/token", &[serde_json::json!({ "late": 4000 })]).await;
    let call = Calling::start(&set.replicas[0], &token).await;
    until("the provider to be asked", LONG, async || {
        (set.provider.token_requests().await > before).then_some(())
    })
    .await;
    drop(call);
    set.replicas[0].sigterm().await;
    assert!(set.replicas[0].wait_exit().await.success());
    let tokens = set.refresh(1, &token).await.tokens();
    assert!(tokens.replayed);
    assert_eq!(set.provider.token_requests().await - before, 1);
}
