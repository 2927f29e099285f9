//! A revocation counts everywhere (R2), and whoever revoked never sees the old answer anywhere (R8).

use countersign::proto::client::{Reason, revoke_request::Target, validate_response::Outcome};

use super::set::{Replicas, Settings, knowing};
use crate::support::redis::RedisServer;

#[tokio::test]
async fn r2_what_is_revoked_on_one_replica_is_refused_on_all() {
    let redis = RedisServer::start().await;
    let settings = Settings::memory(format!("redis://{}", redis.address()));
    let replicas = Replicas::start(&[settings.clone(), settings.clone(), settings]).await;
    let token = replicas.token_with_id("one");
    for replica in &replicas.all {
        assert!(replica.validate(&token).await.is_good());
    }
    let revoked = replicas.revoke(0, Target::TokenId("one".to_owned())).await.unwrap();
    for replica in &replicas.all {
        let request = knowing(&token, &revoked.revision);
        let answer = replica.client().await.validate(request).await.unwrap().into_inner();
        let Some(Outcome::Rejection(rejection)) = answer.outcome else { panic!("it passes") };
        assert_eq!(rejection.reason(), Reason::Revoked);
    }
}
