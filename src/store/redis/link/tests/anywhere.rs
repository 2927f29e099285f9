//! What is written at any slot of a cluster is as durable as configured.

use super::*;
use crate::store::testing::redis::{Options, RedisCluster, until};

/// Whose primary has one replica each.
async fn in_cluster(cluster: &RedisCluster) -> Link {
    let settings = RedisSettings {
        topology: Topology::Cluster,
        durability: Durability::Replicas(1),
        ..settings(&cluster.ports())
    };
    open(&settings).await
}

/// A key of each primary.
async fn keys(cluster: &RedisCluster) -> Vec<String> {
    let mut keys = vec![None; 3];
    for number in 0.. {
        let key = format!("cs:family:{{{number}}}");
        let owner = cluster.owner(0, &key).await.unwrap();
        keys[owner].get_or_insert(key);
        if keys.iter().all(Option::is_some) {
            break;
        }
    }
    keys.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_write_at_any_slot_is_confirmed_by_the_replicas_of_its_own_primary() {
    let cluster = RedisCluster::start(&Options::default()).await;
    let link = in_cluster(&cluster).await;
    let keys = keys(&cluster).await;
    let write =
        async |key: &str| link.at_durably(key.as_bytes(), &commands(&[&format!("SET {key} 1")])).await;
    for key in &keys {
        assert_eq!(write(key).await.unwrap(), [Value::Okay], "{key}");
    }
    for (stopped, key) in keys.iter().enumerate() {
        cluster.nodes[stopped + 3].stop().await;
        let error = write(key).await.unwrap_err();
        assert!(matches!(trouble(&error), RedisTrouble::NotDurable { .. }), "{key}: {error:?}");
        let another = &keys[(stopped + 1) % 3];
        assert_eq!(write(another).await.unwrap(), [Value::Okay], "the others' are as before");
        cluster.nodes[stopped + 3].go_on().await;
        until("it to be confirmed again", async || write(key).await.is_ok()).await;
    }
}

#[tokio::test]
async fn a_write_goes_where_its_slot_has_moved() {
    let cluster = RedisCluster::start(&Options::default()).await;
    let link = in_cluster(&cluster).await;
    let keys = keys(&cluster).await;
    let write = async |value: &str| {
        let set = commands(&[&format!("SET {} {value}", keys[1])]);
        link.at_durably(keys[1].as_bytes(), &set).await
    };
    write("before").await.unwrap();
    cluster.nodes[4].run::<()>("CLUSTER FAILOVER").await;
    until("the replica to be the primary", async || {
        cluster.nodes[4].info("role").await.as_deref() == Some("master")
    })
    .await;
    until("it to be written there", async || write("after").await.is_ok()).await;
    assert_eq!(cluster.nodes[4].run::<String>(&format!("GET {}", keys[1])).await, "after");
}
