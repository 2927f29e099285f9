//! Redis answers, and has lost what it was given: it is given that again, and never believed.

use super::{
    super::set::{LONG, Settings},
    proxy::Proxy,
    scene::{REFUSES, SERVES, Scene},
};
use crate::support::{
    redis::{RedisServer, until},
    wait,
};

#[tokio::test]
pub(super) async fn r12_a_flushed_redis() {
    let redis = RedisServer::start().await;
    let mut scene = Scene::of("flushed", &format!("redis://{}", redis.address())).await;
    redis.run::<()>("FLUSHALL").await;
    scene.during(&[SERVES, REFUSES]).await;
    // The one from before, and one on each meanwhile.
    until("it to be filled again", async || redis.run::<usize>("HLEN {countersign}:copy").await == 3).await;
    scene.after().await;
}

#[tokio::test]
pub(super) async fn r12_a_trimmed_feed() {
    let redis = RedisServer::start().await;
    let way = Proxy::to(redis.port()).await;
    let settings =
        [redis.port(), way.port()].map(|port| Settings::memory(format!("redis://127.0.0.1:{port}")));
    let mut scene = Scene::with("feed trimmed", &settings, &[]).await;
    way.cut().await;
    scene.revoke_well(SERVES, "one that the other misses").await;
    scene.revoke_well(SERVES, "another that the other misses").await;
    redis.run::<()>("XTRIM {countersign}:feed MAXLEN 0").await;
    way.mend();
    scene.during(&[SERVES, REFUSES]).await;
    // Whatever told it first: an order that does not follow, or that there is none.
    wait::until("all to be read again", LONG, async || {
        let reads = |reason| format!("countersign_feed_reads_total{{reason=\"{reason}\"}}");
        let service = &scene.replicas.all[REFUSES];
        let noticed = service.metric(&reads("gap")).await + service.metric(&reads("silent")).await;
        (noticed > 0.0).then_some(())
    })
    .await;
    scene.after().await;
}
