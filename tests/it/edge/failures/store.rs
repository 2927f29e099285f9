//! The store that replicas share is away.

use super::{
    super::{client::LONG, replicas::shared, scene::start_service},
    scene::{Edge, Patience, Told},
    table::Row,
};
use crate::support::{redis::RedisServer, service::Said, wait::until};

async fn check(row: &str, on_stale: &str, told: Told) {
    let row = Row::of(row);
    let redis = RedisServer::start().await;
    let (yaml, ring) = shared(&redis, &format!("max_staleness: 2s, on_stale: {on_stale}"));
    let (service, signers) = start_service(&format!("{yaml}{}", told.yaml()), &[("ring.keys", &ring)]).await;
    let token = signers.token(&[]);
    let edge = Edge::before(service.socket(), told, Patience::Patient).await;
    edge.is_well(&token).await;
    redis.stop().await;
    until("what is known to be old", LONG, async || {
        let is_degraded =
            service.admin_get("/readyz").await.body.contains("degraded: revocations are not current");
        let cannot_tell = matches!(service.validate(&token).await, Said::CannotTell(_));
        (is_degraded && (on_stale == "serve" || cannot_tell)).then_some(())
    })
    .await;
    edge.shows(&row, &token).await;
    redis.go_on().await;
    edge.is_well(&token).await;
}

#[tokio::test]
pub(super) async fn e4_the_store_is_away_and_stale_knowledge_counts() {
    for told in Told::ALL {
        check("the store is away, `revocation.on_stale: serve`", "serve", told).await;
    }
}

#[tokio::test]
pub(super) async fn e4_the_store_is_away_and_stale_knowledge_does_not_count() {
    for told in Told::ALL {
        check("the store is away, `revocation.on_stale: refuse`", "refuse", told).await;
    }
}
