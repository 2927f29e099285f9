//! Another primary is found by itself.

use std::time::Duration;

use super::*;
use crate::store::testing::redis::{MASTER, Options, RedisCluster, RedisSentinels, until};

fn watched_by(sentinels: &RedisSentinels) -> RedisSettings {
    RedisSettings {
        topology: Topology::Sentinel { master: MASTER.to_owned(), username: None, password: None },
        ..settings(&sentinels.ports())
    }
}

#[tokio::test]
async fn the_primary_that_the_sentinels_choose_is_used() {
    let mut watched = RedisSentinels::start(1, &Options::default(), "").await;
    let settings = RedisSettings { durability: Durability::Replicas(1), ..watched_by(&watched) };
    let link = open(&settings).await;
    assert_eq!(link.found().node, watched.servers[0].address());
    link.home_durably(&commands(&["SET {cs}:a 1"])).await.unwrap();
    watched.servers[0].kill9().await;
    until("the other one to be used", async || get(&link, "{cs}:a").await == Some(Some("1".to_owned())))
        .await;
    assert_eq!(link.found().node, watched.servers[1].address());
    // One that comes back as a replica counts again.
    watched.servers[0].restart().await;
    until("writes to be durable", async || link.home_durably(&commands(&["SET {cs}:a 2"])).await.is_ok())
        .await;
    assert_eq!(watched.servers[0].run::<String>("GET {cs}:a").await, "2");
}

/// Of a network in two parts, the smaller one may hold a sentinel, the primary and this process, while the other one has chosen
/// another primary.
#[tokio::test]
async fn r7_a_primary_that_too_few_sentinels_name_is_not_used() {
    let watched = RedisSentinels::start(0, &Options::default(), "").await;
    let link = open(&watched_by(&watched)).await;
    let write = commands(&["SET {cs}:a 1"]);
    for sentinel in [0, 1] {
        watched.stop_sentinel(sentinel).await;
    }
    until("every connection to be given up", async || {
        let news = link.blocking(&redis::cmd("PING"), Duration::ZERO).await;
        let refused = [link.home(&write).await.err(), link.home_durably(&write).await.err(), news.err()];
        refused.iter().flatten().filter(|it| matches!(trouble(it), RedisTrouble::NoMajority { .. })).count()
            == 3
    })
    .await;
    for sentinel in [0, 1] {
        watched.sentinel_goes_on(sentinel).await;
    }
    until("it to be used again", async || link.home_durably(&write).await.is_ok()).await;
}

#[tokio::test]
async fn r7_a_primary_that_most_sentinels_do_not_name_any_more_is_left_although_it_still_calls_itself_one() {
    let watched = RedisSentinels::start(0, &Options::default(), "").await;
    let another = RedisServer::start().await;
    let link = open(&watched_by(&watched)).await;
    for sentinel in [0, 1] {
        watched.sentinel_names(sentinel, &another).await;
    }
    let write = commands(&["SET {cs}:a 1"]);
    until("the other one to be used", async || {
        drop(link.home_durably(&write).await);
        another.run::<Option<String>>("GET {cs}:a").await.is_some() && link.found().node == another.address()
    })
    .await;
}

fn in_cluster(cluster: &RedisCluster) -> RedisSettings {
    RedisSettings { topology: Topology::Cluster, ..settings(&cluster.ports()[..3]) }
}

#[tokio::test]
async fn keys_go_to_the_primary_of_their_slot_and_all_are_found() {
    let cluster = RedisCluster::start(&Options::default()).await;
    let link = open(&in_cluster(&cluster)).await;
    let keys: Vec<String> = (0..30).map(|number| format!("cs:session:{{{number}}}")).collect();
    for key in &keys {
        let answers = link.at(key.as_bytes(), &commands(&[&format!("SET {key} 1")])).await.unwrap();
        assert_eq!(answers, [Value::Okay], "{key}");
    }
    link.home_durably(&commands(&["SET {cs}:meta 1"])).await.unwrap();
    assert_eq!(link.scan("cs:*").await.unwrap().len(), keys.len());
    let mut owners = Vec::new();
    for key in &keys {
        owners.push(cluster.owner(0, key).await.unwrap());
    }
    owners.sort_unstable();
    owners.dedup();
    assert_eq!(owners.len(), 3, "the keys are of all three");
}

#[tokio::test]
async fn a_cluster_that_lost_primaries_is_used_where_their_replicas_are() {
    let mut cluster = RedisCluster::start(&Options::default()).await;
    let link = open(&in_cluster(&cluster)).await;
    let home = cluster.owner(0, "{cs}:meta").await.unwrap();
    link.home(&commands(&["SET {cs}:meta 1"])).await.unwrap();
    cluster.nodes[home].kill9().await;
    until("the home slot elsewhere", async || get(&link, "{cs}:meta").await == Some(Some("1".to_owned())))
        .await;
    assert_eq!(link.found().node, cluster.nodes[home + 3].address());

    let mut elsewhere = None;
    for number in 0.. {
        let key = format!("cs:session:{{{number}}}");
        let owner = cluster.owner(home + 3, &key).await.unwrap();
        if owner < 3 {
            elsewhere = Some((key, owner));
            break;
        }
    }
    let (key, owner) = elsewhere.unwrap();
    let set = commands(&[&format!("SET {key} 1")]);
    assert_eq!(link.at(key.as_bytes(), &set).await.unwrap(), [Value::Okay]);
    // Its replica takes over because it is asked to: two of three primaries are no majority to vote with.
    cluster.nodes[owner + 3].run::<()>("CLUSTER FAILOVER TAKEOVER").await;
    until("the slot to be there", async || {
        let answers = link.at(key.as_bytes(), &set).await;
        answers.is_ok_and(|answers| answers == [Value::Okay])
            && cluster.nodes[owner + 3].info("role").await.as_deref() == Some("master")
    })
    .await;
}
