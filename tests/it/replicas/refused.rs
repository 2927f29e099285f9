//! A Redis that a store cannot rest on: `serve` ends, and says what to do about it without saying the password.

use countersign::store::KeyRing;

use super::set::{Replicas, Settings};
use crate::support::{
    redis::{Authority, Fsync, Options, RedisCluster, RedisServer},
    service::Service,
};

const SECRET: &str = "a-password-that-nobody-may-see";

/// How `serve` ended and what it wrote, which names all of these.
async fn refused(settings: &Settings, files: &[(&str, &[u8])], says: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let ring = directory.path().join("ring.keys");
    KeyRing::create(&ring).unwrap();
    let ring = std::fs::read(ring).unwrap();
    let mut all: Vec<(&str, &[u8])> = vec![("keys.json", b"{\"keys\":[]}"), ("ring.keys", &ring)];
    all.extend(files);
    ends(Service::start_unready_with_files(&settings.yaml(), &all), says).await;
}

async fn ends(mut service: Service, says: &[&str]) {
    let status = service.wait_exit().await;
    let output = service.output();
    assert!(!status.success(), "{output}");
    assert!(!output.contains(SECRET), "the password is in what it wrote");
    for words in says {
        assert!(output.contains(words), "no {words:?} in\n{output}");
    }
}

/// With user and password, from a file.
fn as_user(user: &str, redis: &RedisServer) -> (Settings, String) {
    (Settings::memory("{ file: ./redis.url }"), format!("redis://{user}:{SECRET}@{}", redis.address()))
}

#[tokio::test]
async fn a_wrong_password_and_a_user_who_may_not_do_all_that_is_needed() {
    let all_but = |command: &str| format!(">{SECRET} ~* &* +@all -{command}");
    let redis = RedisServer::with(
        &Options::default()
            .password("another")
            .user("limited", &all_but("xadd"))
            .user("mute", &all_but("evalsha")),
    )
    .await;
    for (user, says) in [
        ("", ["password", "`store.url`"]),
        ("limited", ["may not use `xadd`", "ACL"]),
        ("mute", ["may not use `evalsha`", "ACL"]),
    ] {
        let (settings, url) = as_user(user, &redis);
        refused(&settings, &[("redis.url", url.as_bytes())], &says).await;
    }
}

#[tokio::test]
async fn a_server_of_another_authority() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    let redis = RedisServer::with(&Options::default().tls(&theirs)).await;
    let directory = tempfile::tempdir().unwrap();
    ours.write(&directory.path().join("ca.crt"));
    let ca = std::fs::read(directory.path().join("ca.crt")).unwrap();
    let settings = Settings {
        store: "durability: memory, tls: { ca: ./ca.crt }".to_owned(),
        ..Settings::memory(format!("rediss://{}", redis.address()))
    };
    refused(&settings, &[("ca.crt", &ca)], &["TLS", "`store.tls"]).await;
}

#[tokio::test]
async fn a_node_of_a_cluster_that_is_not_said_to_be_one_and_the_reverse() {
    let cluster = RedisCluster::start(&Options::default()).await;
    let node = Settings::memory(format!("redis://{}", cluster.nodes[0].address()));
    refused(&node, &[], &["it is a node of a cluster", "`store.cluster: true`"]).await;
    let alone = RedisServer::start().await;
    let settings = Settings {
        store: "durability: memory, cluster: true".to_owned(),
        ..Settings::memory(format!("redis://{}", alone.address()))
    };
    refused(&settings, &[], &["it is no node of a cluster", "leave out `store.cluster`"]).await;
}

#[tokio::test]
async fn a_prefix_that_another_deployment_has() {
    let redis = RedisServer::start().await;
    let settings = Settings::memory(format!("redis://{}", redis.address()));
    let one = Replicas::start(std::slice::from_ref(&settings)).await;
    refused(&settings, &[], &["with another key ring", "`store.prefix` of its own"]).await;
    // Whoever has the ring comes in.
    one.another(&settings, &[]).ready().await;
}

#[tokio::test]
async fn a_server_that_evicts_or_keeps_too_little() {
    let evicts = RedisServer::with(&Options::default().memory(50_000_000, "allkeys-lru")).await;
    let settings = |redis: &RedisServer, durability: &str| Settings {
        store: format!("durability: {durability}"),
        ..Settings::memory(format!("redis://{}", redis.address()))
    };
    refused(&settings(&evicts, "memory"), &[], &["allkeys-lru", "set it to noeviction"]).await;
    let late = RedisServer::with(&Options::default().append_only(Fsync::No)).await;
    refused(&settings(&late, "fsync"), &[], &["`appendfsync` is no", "`appendfsync always`"]).await;
    let forgets = RedisServer::start().await;
    refused(&settings(&forgets, "fsync"), &[], &["no append-only file", "`appendonly yes`"]).await;
    refused(&settings(&forgets, "{ replicas: 1 }"), &[], &["it has 0 replicas", "add replicas"]).await;
}
