//! The kit's servers are what their options say.

use super::redis::{Authority, Fsync, Options, RedisCluster, RedisSentinels, RedisServer, until};

#[tokio::test]
async fn a_server_that_is_started_again_has_what_was_on_its_disk_or_nothing() {
    let mut server = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
    server.run::<()>("SET name value").await;
    server.kill9().await;
    server.restart().await;
    assert_eq!(server.run::<Option<String>>("GET name").await.as_deref(), Some("value"));
    server.restart_empty().await;
    assert_eq!(server.run::<Option<String>>("GET name").await, None);
}

#[tokio::test]
async fn a_stopped_replica_acknowledges_nothing_until_it_goes_on() {
    let primary = RedisServer::start().await;
    let replica = RedisServer::with(&Options::default().replica_of(&primary)).await;
    primary.replicas(1).await;
    replica.stop().await;
    primary.run::<()>("SET name value").await;
    assert_eq!(primary.run::<i64>("WAIT 1 50").await, 0);
    replica.go_on().await;
    until("the replica to have it", async || replica.run::<Option<String>>("GET name").await.is_some()).await;
}

/// Loading takes so long that it is noticed: the primary calls the replica online before.
#[tokio::test]
async fn a_replica_is_there_once_it_acknowledges() {
    let primary = RedisServer::start().await;
    for number in 0..20 {
        primary.run::<()>(&format!("SET name{number} value")).await;
    }
    let replica = RedisServer::with(&Options::default().line("key-load-delay 100000")).await;
    replica.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", primary.port())).await;
    primary.replicas(1).await;
    let mut write = redis::pipe();
    write.cmd("SET").arg("name").arg("value").ignore().cmd("WAIT").arg(1).arg(500);
    assert_eq!(primary.run_together::<(usize,)>(&write).await, (1,));
}

#[tokio::test]
async fn a_server_with_tls_says_nothing_without() {
    let server = RedisServer::with(&Options::default().tls(&Authority::new())).await;
    let plain = redis::Client::open(format!("redis://{}", server.address())).unwrap();
    assert!(plain.get_multiplexed_async_connection().await.is_err());
}

#[tokio::test]
async fn a_cluster_gives_the_slots_of_a_lost_primary_to_its_replica() {
    let mut cluster = RedisCluster::start(&Options::default()).await;
    let lost = cluster.owner(1, "name").await.unwrap();
    assert!(lost < 3);
    cluster.nodes[lost].kill9().await;
    let seen_by = (lost + 1) % 3;
    until("another owner", async || cluster.owner(seen_by, "name").await == Some(lost + 3)).await;
}

#[tokio::test]
async fn sentinels_name_another_primary_once_theirs_is_lost() {
    let mut sentinels = RedisSentinels::start(1, &Options::default(), "").await;
    assert_eq!(sentinels.primary().await, Some(0));
    sentinels.servers[0].kill9().await;
    until("another primary", async || sentinels.primary().await == Some(1)).await;
}
