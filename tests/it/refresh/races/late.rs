//! F5: an owner that was paused beyond its lease, while another one went on in its place.

use std::time::Duration;

use super::super::set::{Calling, Plan, Set};

/// Longer than a lease, and than the provider's grace is needed for.
const GRACE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn f5_a_late_owner_answers_with_what_another_one_stored() {
    let set = Set::start(Plan {
        replicas: 2,
        rotation: "rotation: graceful, grace: 1m",
        refresh: "upstream_timeout: 6s, lease: 8s",
        grace: GRACE,
        ..Plan::default()
    })
    .await;
    let token = set.provider.user_tokens("alice").await.refresh_token;
    let before = set.provider.token_requests().await;
    set.provider.plan("/token", &["held_after".into()]).await;
    let late = Calling::start(&set.replicas[0], &token).await;
    set.provider.wait_held(1).await;
    set.replicas[0].stop().await;
    set.provider.release().await;
    let tokens = set.refresh(1, &token).await.tokens();
    assert!(!tokens.replayed);
    set.replicas[0].go_on().await;
    let of_late = late.came().await.tokens();
    assert!(of_late.refresh_token == tokens.refresh_token, "two successors");
    assert_eq!(set.provider.token_requests().await - before, 2);
    assert_eq!(set.alarms(0).await + set.alarms(1).await, 0);
    set.refresh(0, &tokens.refresh_token).await.tokens();
}
