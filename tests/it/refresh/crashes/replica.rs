//! The replica that exchanges a token ends.

use super::scene::{LATER, SOON, VICTIM, with_both};

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// It has said that it is about to send it, and looks for where to.
#[tokio::test]
pub(super) async fn f5_death_before_the_token_is_sent() {
    with_both("a replica dies before it sends", SOON, async |scene| {
        let call = scene.call_held(DISCOVERY, "held").await;
        scene.set.replicas[VICTIM].kill9().await;
        scene.told(&call.came().await);
    })
    .await;
}

#[tokio::test]
pub(super) async fn f5_death_before_the_provider_answers() {
    with_both("a replica dies while the provider works on it", SOON, async |scene| {
        let call = scene.call_held("/token", "held").await;
        scene.set.replicas[VICTIM].kill9().await;
        scene.told(&call.came().await);
    })
    .await;
}

/// The only moment at which something is lost, and only where the provider is strict.
#[tokio::test]
pub(super) async fn f6_death_before_the_answer_is_stored() {
    with_both("a replica dies between the answer and its storing", SOON, async |scene| {
        let call = scene.call_held("/token", "held_after").await;
        scene.set.replicas[VICTIM].kill9().await;
        scene.told(&call.came().await);
        scene.set.provider.release().await;
    })
    .await;
}

#[tokio::test]
pub(super) async fn f2_death_after_the_answer_is_stored() {
    with_both("a replica dies after it stored the answer", LATER, async |scene| {
        let call = scene.call_held("/token", "held_after").await;
        scene.set.provider.release().await;
        scene.set.answers_are_stored(2).await;
        scene.set.replicas[VICTIM].kill9().await;
        // Whether the caller heard of it is a matter of moments.
        drop(call.came().await);
    })
    .await;
}

#[tokio::test]
pub(super) async fn f3_sigterm() {
    with_both("a replica is told to end (SIGTERM)", LATER, async |scene| {
        let call = scene.call_held("/token", "held").await;
        scene.set.replicas[VICTIM].sigterm().await;
        scene.set.provider.release().await;
        scene.told(&call.came().await);
        assert!(scene.set.replicas[VICTIM].wait_exit().await.success());
    })
    .await;
}
