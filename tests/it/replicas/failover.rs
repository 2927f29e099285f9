//! Three replicas on sentinels, and on a cluster: a revocation counts on all, before and after another primary takes over.

use countersign::proto::client::revoke_request::Target;

use super::set::{LONG, Replicas, Settings};
use crate::support::{
    redis::{MASTER, Options, RedisCluster, RedisSentinels, RedisServer},
    wait::until,
};

fn url(ports: &[u16]) -> String {
    let hosts: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("redis://{}", hosts.join(","))
}

async fn start(settings: &Settings) -> Replicas {
    Replicas::start(&[settings.clone(), settings.clone(), settings.clone()]).await
}

/// Revokes on one as soon as that works; it counts on all.
async fn counts_on_all(replicas: &Replicas, by: usize, id: &str) {
    until("a revocation that is stored", LONG, async || {
        replicas.revoke(by, Target::TokenId(id.to_owned())).await.ok()
    })
    .await;
    let token = replicas.token_with_id(id);
    for replica in 0..replicas.all.len() {
        replicas.refused(replica, &token).await;
    }
}

/// Waits until a new primary has as many.
async fn holds(redis: &RedisServer, many: usize) {
    let command = redis::cmd("HLEN").arg("{countersign}:copy").to_owned();
    until("the revocations to be there", LONG, async || {
        let is_primary = redis.info("role").await.as_deref() == Some("master");
        let held: Option<usize> = redis.try_ask(&command).await.ok();
        (is_primary && held.is_some_and(|held| held >= many)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn r2_on_sentinels_a_revocation_counts_on_all_before_and_after_a_failover() {
    let mut watched = RedisSentinels::start(1, &Options::default(), "").await;
    let settings = Settings {
        url: url(&watched.ports()),
        store: format!("durability: memory, sentinel: {{ master: {MASTER} }}"),
        revocation: String::new(),
    };
    let replicas = start(&settings).await;
    counts_on_all(&replicas, 0, "before").await;
    watched.servers[0].kill9().await;
    counts_on_all(&replicas, 1, "after").await;
    replicas.refused(2, &replicas.token_with_id("before")).await;
    holds(&watched.servers[1], 2).await;
}

#[tokio::test]
async fn r2_on_a_cluster_a_revocation_counts_on_all_before_and_after_a_failover() {
    let mut cluster = RedisCluster::start(&Options::default()).await;
    let settings = Settings {
        url: url(&cluster.ports()[..3]),
        store: "durability: { replicas: 1 }, cluster: true".to_owned(),
        revocation: String::new(),
    };
    let replicas = start(&settings).await;
    counts_on_all(&replicas, 0, "before").await;
    let home = cluster.owner(0, "{countersign}:meta").await.unwrap();
    cluster.nodes[home].kill9().await;
    // Nothing was answered with OK that its replica does not have.
    holds(&cluster.nodes[home + 3], 1).await;
    // That one has none to confirm anything, so that an OK waits for the other one's return.
    cluster.nodes[home].restart().await;
    counts_on_all(&replicas, 1, "after").await;
    holds(&cluster.nodes[home + 3], 2).await;
}
