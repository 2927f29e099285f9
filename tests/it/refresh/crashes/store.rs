//! Redis ends and comes back with what it had, or is emptied.

use super::scene::{LATER, SOON, Scene, with_both};

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Redis is gone when the request to this path goes on.
async fn dies_while_held(scene: &mut Scene, path: &str, how: &str) {
    let call = scene.call_held(path, how).await;
    scene.set.redis().kill9().await;
    scene.set.provider.release().await;
    scene.told(&call.came().await);
    comes_back(scene).await;
}

/// Meanwhile others ask.
async fn comes_back(scene: &mut Scene) {
    scene.ask_again().await;
    scene.set.redis().restart().await;
}

#[tokio::test]
pub(super) async fn f4_redis_dies_before_the_token_is_sent() {
    with_both("Redis dies before the token is sent", SOON, async |scene| {
        dies_while_held(scene, DISCOVERY, "held").await;
    })
    .await;
}

#[tokio::test]
pub(super) async fn f4_redis_dies_before_the_provider_answers() {
    with_both("Redis dies while the provider works on it", LATER, async |scene| {
        dies_while_held(scene, "/token", "held").await;
    })
    .await;
}

#[tokio::test]
pub(super) async fn f4_redis_dies_before_the_answer_is_stored() {
    with_both("Redis dies between the answer and its storing", LATER, async |scene| {
        dies_while_held(scene, "/token", "held_after").await;
    })
    .await;
}

#[tokio::test]
pub(super) async fn f2_redis_dies_after_the_answer_is_stored() {
    with_both("Redis dies after it stored the answer", LATER, async |scene| {
        let call = scene.call().await;
        scene.told(&call.came().await);
        scene.set.redis().kill9().await;
        comes_back(scene).await;
    })
    .await;
}

#[tokio::test]
pub(super) async fn f4_redis_is_emptied_meanwhile() {
    with_both("Redis is emptied while the provider works on it", LATER, async |scene| {
        let call = scene.call_held("/token", "held").await;
        scene.set.redis().run::<()>("FLUSHALL").await;
        scene.set.provider.release().await;
        scene.told(&call.came().await);
    })
    .await;
}

/// Nobody knows any more that the token is spent.
#[tokio::test]
pub(super) async fn f1_redis_is_emptied_afterwards() {
    with_both("Redis is emptied, and a token is presented again", LATER, async |scene| {
        let call = scene.call().await;
        scene.told(&call.came().await);
        scene.set.redis().run::<()>("FLUSHALL").await;
    })
    .await;
}
