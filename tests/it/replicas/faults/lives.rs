//! The primary ends, and what takes its place knows less.

use super::scene::{REFUSES, SERVES, Scene};
use crate::support::{
    ports,
    redis::{Options, RedisServer, until},
};

#[tokio::test]
pub(super) async fn r12_a_redis_that_comes_back_empty() {
    let mut redis = RedisServer::start().await;
    let mut scene = Scene::of("restarted empty", &format!("redis://{}", redis.address())).await;
    redis.restart_empty().await;
    scene.during(&[SERVES, REFUSES]).await;
    scene.after().await;
}

#[tokio::test]
pub(super) async fn r12_a_failover_that_lost_writes() {
    let mut primary = RedisServer::start().await;
    let replica = RedisServer::with(&Options::default().replica_of(&primary)).await;
    primary.replicas(1).await;
    let url = format!("redis://{},{}", primary.address(), replica.address());
    let mut scene = Scene::of("failed over with lost writes", &url).await;
    until("the replica to have the first", async || {
        replica.run::<usize>("HLEN {countersign}:copy").await == 1
    })
    .await;
    // It hears nothing more, and keeps what it has.
    replica.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", ports::reserve())).await;
    scene.revoke_well(SERVES, "one that is lost").await;
    scene.revoke_well(REFUSES, "another that is lost").await;
    primary.kill9().await;
    assert!(scene.row.degrades());
    for one in [SERVES, REFUSES] {
        scene.is_ready(one, true).await;
    }
    assert_eq!(replica.run::<usize>("HLEN {countersign}:copy").await, 1, "the others are lost");
    replica.run::<()>("REPLICAOF NO ONE").await;
    for one in [SERVES, REFUSES] {
        scene.is_ready(one, false).await;
    }
    assert_eq!(scene.row.revoke_fails(), None);
    scene.revoke_well(SERVES, "after the failover").await;
    scene.after().await;
}
