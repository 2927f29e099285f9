//! Starting while Redis is not there (R6).

use countersign::proto::client::revoke_request::Target;

use super::set::{LONG, Replicas, Settings};
use crate::support::{
    redis::{Fsync, Options, RedisServer},
    wait::until,
};

#[tokio::test]
async fn r6_who_starts_without_redis_is_ready_once_it_is_there_and_knows_what_it_holds() {
    let mut redis = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
    let settings = Settings::memory(format!("redis://{}", redis.address()));
    let replicas = Replicas::start(std::slice::from_ref(&settings)).await;
    let (revoked, good) = (replicas.token_with_id("revoked"), replicas.token_with_id("good"));
    replicas.revoke(0, Target::TokenId("revoked".to_owned())).await.unwrap();
    redis.kill9().await;

    let mut late = replicas.another(&settings, &[]);
    let answer = until("its admin port", LONG, async || late.try_admin_get("/readyz").await).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.body.contains("revocations"), "{}", answer.body);
    // It does not guess meanwhile.
    for token in [&revoked, &good] {
        late.validate(token).await.cannot_tell();
    }
    redis.restart().await;
    late.ready().await;
    assert!(!late.validate(&revoked).await.is_good());
    late.validate(&good).await.good();
}

#[tokio::test]
async fn r6_who_starts_before_a_redis_that_evicts_is_not_ready_before_that_is_mended() {
    let mut redis = RedisServer::with(&Options::default().memory(50_000_000, "allkeys-lru")).await;
    let settings = Settings::memory(format!("redis://{}", redis.address()));
    redis.run::<()>("CONFIG SET maxmemory-policy noeviction").await;
    let replicas = Replicas::start(std::slice::from_ref(&settings)).await;
    redis.kill9().await;
    let mut late = replicas.another(&settings, &[]);
    until("its admin port", LONG, async || late.try_admin_get("/readyz").await).await;
    redis.restart().await;
    until("what is wrong to be seen", LONG, async || {
        let metrics = late.try_admin_get("/metrics").await?;
        metrics.body.contains("countersign_store_unfit{reason=\"eviction\"} 1").then_some(())
    })
    .await;
    assert_eq!(late.try_admin_get("/readyz").await.unwrap().status, 503);
    redis.run::<()>("CONFIG SET maxmemory-policy noeviction").await;
    late.ready().await;
}
