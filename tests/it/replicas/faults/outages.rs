//! Redis is there, and of no use: replicas go on with what they know, and give it what it missed.

use super::{
    super::set::Settings,
    proxy::Proxy,
    scene::{REFUSES, SERVES, Scene},
};
use crate::support::{
    ports,
    redis::{Options, RedisServer},
};

const BOTH: [usize; 2] = [SERVES, REFUSES];

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

#[tokio::test]
pub(super) async fn r7_a_stopped_redis() {
    let redis = RedisServer::start().await;
    let mut scene = Scene::of("stopped", &url(redis.port())).await;
    redis.stop().await;
    let mut waiting = scene.start_meanwhile().await.unwrap();
    scene.during(&BOTH).await;
    redis.go_on().await;
    waiting.ready().await;
    scene.after().await;
}

#[tokio::test]
pub(super) async fn r7_a_redis_that_one_replica_cannot_reach() {
    let redis = RedisServer::start().await;
    let way = Proxy::to(redis.port()).await;
    let settings = [redis.port(), way.port()].map(|port| Settings::memory(url(port)));
    let mut scene = Scene::with("unreachable from one replica", &settings, &[]).await;
    way.cut().await;
    scene.during(&[REFUSES]).await;
    way.mend();
    scene.after().await;
}

#[tokio::test]
pub(super) async fn r7_a_full_redis() {
    let redis = RedisServer::start().await;
    let mut scene = Scene::of("maxmemory reached", &url(redis.port())).await;
    redis.run::<()>("CONFIG SET maxmemory 1").await;
    scene.during(&BOTH).await;
    redis.run::<()>("CONFIG SET maxmemory 0").await;
    scene.after().await;
}

#[tokio::test]
pub(super) async fn r7_a_read_replica_in_the_primarys_place() {
    let redis = RedisServer::start().await;
    let mut scene = Scene::of("a read replica answering", &url(redis.port())).await;
    // Of nobody: it keeps what it has.
    redis.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", ports::reserve())).await;
    assert!(scene.start_meanwhile().await.is_none());
    scene.during(&BOTH).await;
    redis.run::<()>("REPLICAOF NO ONE").await;
    scene.after().await;
}

#[tokio::test]
pub(super) async fn r7_a_password_that_is_no_longer_right() {
    let redis = RedisServer::with(&Options::default().user("service", ">former ~* &* +@all")).await;
    let address = format!("redis://service:former@{}", redis.address());
    let settings = Settings::memory("{ file: ./redis.url }");
    let files = [("redis.url", address.as_bytes())];
    let mut scene = Scene::with("wrong password or ACL", &[settings.clone(), settings], &files).await;
    redis.run::<()>("ACL SETUSER service resetpass >latter").await;
    redis.run::<()>("CLIENT KILL USER service").await;
    assert!(scene.start_meanwhile().await.is_none());
    scene.during(&BOTH).await;
    for replica in &scene.replicas.all {
        assert!(!replica.output().contains("former"), "the log holds the password");
    }
    redis.run::<()>("ACL SETUSER service >former").await;
    scene.after().await;
}
