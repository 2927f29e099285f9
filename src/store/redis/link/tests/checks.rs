//! What refuses a start, and what does not.

use std::time::Duration;

use super::*;
use crate::store::{
    redis::trouble::UnfitKind,
    testing::redis::{Fsync, MASTER, Options, RedisCluster, RedisSentinels, until},
};

fn options() -> Options {
    Options::default()
}

/// The kind of trouble, and that the message names what to do.
async fn check(settings: &RedisSettings, kind: UnfitKind, says: &[&str]) {
    let unfit = refused(settings).await;
    assert_eq!(unfit.kind, kind, "{unfit}");
    let message = unfit.to_string();
    for word in says {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_error_and_is_used_once_it_is() {
    let mut server = RedisServer::start().await;
    server.kill9().await;
    let link = open(&settings(&[server.port()])).await;
    let error = link.home(&commands(&["PING"])).await.unwrap_err();
    assert!(matches!(trouble(&error), RedisTrouble::Unreachable { .. }), "{error:?}");
    assert_eq!(link.found().node, "");
    server.restart().await;
    until("it to be used", async || get(&link, "{cs}:a").await.is_some()).await;
    assert!(!link.found().run_id.is_empty());
}

#[tokio::test]
async fn r6_an_unfit_server_that_was_not_there_at_the_start_is_not_used_before_it_is_mended() {
    let mut server = RedisServer::with(&options().memory(50_000_000, "allkeys-lru")).await;
    server.kill9().await;
    let link = open(&settings(&[server.port()])).await;
    server.restart().await;
    until("it to be looked at", async || !link.found().unfit.is_empty()).await;
    let write = commands(&["SET {cs}:a 1"]);
    let all = async || {
        let news = link.blocking(&redis::cmd("PING"), Duration::ZERO).await;
        [link.home(&write).await.err(), link.home_durably(&write).await.err(), news.err()]
    };
    until("all to hear why it is not used", async || {
        all()
            .await
            .iter()
            .all(|it| matches!(it, Some(StoreError::Unfit(unfit)) if unfit.kind == UnfitKind::Eviction))
    })
    .await;
    assert_eq!(server.run::<Option<String>>("GET {cs}:a").await, None);
    server.run::<()>("CONFIG SET maxmemory-policy noeviction").await;
    until("it to be used", async || all().await.iter().all(Option::is_none)).await;
    // What happens to one that was fit is only said.
    server.run::<()>("CONFIG SET maxmemory-policy allkeys-lru").await;
    server.run::<i64>("CLIENT KILL TYPE normal SKIPME yes").await;
    until("it to be unfit, and used", async || {
        !link.found().unfit.is_empty() && all().await.iter().all(Option::is_none)
    })
    .await;
}

#[tokio::test]
async fn a_primary_that_is_not_there_beside_its_read_replica_is_no_error() {
    let mut primary = RedisServer::start().await;
    let replica = RedisServer::with(&options().replica_of(&primary)).await;
    primary.replicas(1).await;
    primary.kill9().await;
    let link = open(&settings(&[replica.port(), primary.port()])).await;
    let error = link.home(&commands(&["PING"])).await.unwrap_err();
    assert!(matches!(trouble(&error), RedisTrouble::Unreachable { .. }), "{error:?}");
    open(&settings(&[primary.port(), replica.port()])).await;
    primary.restart().await;
    until("it to be used", async || get(&link, "{cs}:a").await.is_some()).await;
}

#[tokio::test]
async fn a_wrong_or_missing_password_refuses_the_start() {
    let server = RedisServer::with(&options().password("right")).await;
    let base = settings(&[server.port()]);
    check(&base, UnfitKind::Login, &["password", "`store.url`"]).await;
    let wrong = RedisSettings { password: Some(secret("wrong")), ..base.clone() };
    check(&wrong, UnfitKind::Login, &["ACL"]).await;
    open(&RedisSettings { password: Some(secret("right")), ..base }).await;
}

#[tokio::test]
async fn a_user_who_may_not_do_what_is_needed_refuses_the_start_and_the_command_is_named() {
    let keys = "~{cs}:* ~cs:*";
    let server = RedisServer::with(
        &options()
            .user("good", &format!(">pw {keys} +@all -@dangerous +info"))
            .user("no-eval", &format!(">pw {keys} +@all -eval"))
            .user("no-xadd", &format!(">pw {keys} +@all -xadd"))
            .user("other-keys", ">pw ~{cs}:* +@all")
            .user("no-info", &format!(">pw {keys} +@all -info")),
    )
    .await;
    let user = |name: &str| RedisSettings {
        username: Some(name.to_owned()),
        password: Some(secret("pw")),
        ..settings(&[server.port()])
    };
    check(&user("no-eval"), UnfitKind::Permission, &["`eval`"]).await;
    check(&user("no-xadd"), UnfitKind::Permission, &["`xadd` on `{cs}:meta`"]).await;
    check(&user("other-keys"), UnfitKind::Permission, &["cs:key-sets", "cs:session:"]).await;
    check(&user("no-info"), UnfitKind::Permission, &["`info`"]).await;
    // Without CONFIG, INFO says what it can.
    let link = open(&user("good")).await;
    assert_eq!(link.found().unread, Vec::<&str>::new());
    let fsync = RedisSettings { durability: Durability::Fsync, ..user("good") };
    check(&fsync, UnfitKind::Durability, &["append-only"]).await;
}

#[tokio::test]
async fn what_a_server_does_not_say_is_no_reason_to_refuse_it() {
    let acl = ">pw ~{cs}:* ~cs:* +@all -config";
    let server = RedisServer::with(&options().append_only(Fsync::Always).user("quiet", acl)).await;
    let settings = RedisSettings {
        username: Some("quiet".to_owned()),
        password: Some(secret("pw")),
        durability: Durability::Fsync,
        ..settings(&[server.port()])
    };
    let found = open(&settings).await.found();
    assert_eq!(found.unread, ["appendfsync", "no-appendfsync-on-rewrite"]);
    assert!(found.unfit.is_empty());
}

#[tokio::test]
async fn a_server_that_evicts_refuses_the_start() {
    let server = RedisServer::with(&options().memory(50_000_000, "allkeys-lru")).await;
    check(&settings(&[server.port()]), UnfitKind::Eviction, &["allkeys-lru", "noeviction"]).await;
}

#[tokio::test]
async fn persistence_below_the_level_refuses_the_start() {
    let fsync =
        |server: &RedisServer| RedisSettings { durability: Durability::Fsync, ..settings(&[server.port()]) };
    let every_second = RedisServer::with(&options().append_only(Fsync::EverySecond)).await;
    check(&fsync(&every_second), UnfitKind::Durability, &["`appendfsync` is everysec", "appendfsync always"])
        .await;
    let none = RedisServer::start().await;
    check(&fsync(&none), UnfitKind::Durability, &["append-only", "appendonly yes"]).await;
    let always = options().append_only(Fsync::Always);
    let pauses = RedisServer::with(&always.clone().line("no-appendfsync-on-rewrite yes")).await;
    check(&fsync(&pauses), UnfitKind::Durability, &["`no-appendfsync-on-rewrite` is yes"]).await;
    open(&fsync(&RedisServer::with(&always).await)).await;
}

#[tokio::test]
async fn fewer_replicas_than_needed_refuse_the_start() {
    let primary = RedisServer::start().await;
    let _replica = RedisServer::with(&options().replica_of(&primary)).await;
    primary.replicas(1).await;
    let replicas =
        |many| RedisSettings { durability: Durability::Replicas(many), ..settings(&[primary.port()]) };
    check(&replicas(2), UnfitKind::Durability, &["it has 1 replicas", "needs 2"]).await;
    open(&replicas(1)).await;
}

#[tokio::test]
async fn a_read_replica_refuses_the_start_unless_the_primary_is_named_too() {
    let primary = RedisServer::start().await;
    let replica = RedisServer::with(&options().replica_of(&primary)).await;
    primary.replicas(1).await;
    check(&settings(&[replica.port()]), UnfitKind::Replica, &["read replica", "name the primary"]).await;
    let link = open(&settings(&[replica.port(), primary.port()])).await;
    assert_eq!(link.found().node, primary.address());
}

#[tokio::test]
async fn a_database_that_is_not_there_refuses_the_start() {
    let server = RedisServer::with(&options().line("databases 2")).await;
    let number = |database| RedisSettings { database, ..settings(&[server.port()]) };
    check(&number(7), UnfitKind::Database, &["no database 7"]).await;
    let link = open(&number(1)).await;
    link.home(&commands(&["SET {cs}:a 1"])).await.unwrap();
    assert!(server.run::<String>("INFO keyspace").await.contains("db1:keys=1"));
}

#[tokio::test]
async fn a_topology_that_is_another_refuses_the_start() {
    let cluster = RedisCluster::start(&options()).await;
    check(&settings(&cluster.ports()), UnfitKind::Topology, &["`store.cluster: true`"]).await;
    let alone = RedisServer::start().await;
    let in_cluster = |ports: &[u16]| RedisSettings { topology: Topology::Cluster, ..settings(ports) };
    check(&in_cluster(&[alone.port()]), UnfitKind::Topology, &["no node of a cluster"]).await;
    open(&in_cluster(&cluster.ports())).await;

    let sentinels = RedisSentinels::start(1, &options(), "requirepass sesame").await;
    let watched = |ports: &[u16], master: &str, password: Option<&str>| RedisSettings {
        topology: Topology::Sentinel {
            master: master.to_owned(),
            username: None,
            password: password.map(secret),
        },
        ..settings(ports)
    };
    let ports = sentinels.ports();
    check(
        &watched(&ports, "another", Some("sesame")),
        UnfitKind::Topology,
        &["`another`", "sentinel.master"],
    )
    .await;
    check(&watched(&ports, MASTER, Some("wrong")), UnfitKind::Login, &["`store.sentinel`"]).await;
    check(&watched(&[alone.port()], MASTER, None), UnfitKind::Topology, &["no sentinel"]).await;
    check(
        &RedisSettings { password: Some(secret("sesame")), ..settings(&ports) },
        UnfitKind::Topology,
        &["it is a sentinel"],
    )
    .await;
    open(&watched(&ports, MASTER, Some("sesame"))).await;
}
