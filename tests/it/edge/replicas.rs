//! Two replicas behind one Envoy.

use countersign::{
    proto::client::{RevokeRequest, revoke_request::Target},
    store::KeyRing,
};
use serde_json::json;

use super::{
    client::{LONG, get},
    envoy::{Door, Envoy, Version, bootstrap},
    rolling::Retries,
    scene::{ISSUER, Signers, bearer, start_replica, unready_replica},
    upstream::Upstream,
};
use crate::support::{ports, redis::RedisServer, wait::until};

/// The configuration of one of several, with the key ring that they share.
pub(super) fn shared(redis: &RedisServer, revocation: &str) -> (String, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let ring = directory.path().join("ring.keys");
    KeyRing::create(&ring).unwrap();
    let yaml = format!(
        "key_ring: {{ file: ./ring.keys }}\n\
         store: {{ kind: redis, url: 'redis://{}', durability: memory }}\n\
         revocation: {{ {revocation} }}\n",
        redis.address(),
    );
    (yaml, std::fs::read(ring).unwrap())
}

#[tokio::test]
async fn what_is_revoked_through_one_replica_is_refused_by_all() {
    let (redis, signers, upstream) = (RedisServer::start().await, Signers::new(), Upstream::start().await);
    let (yaml, ring) = shared(&redis, "");
    let files: [(&str, &[u8]); 1] = [("ring.keys", &ring)];
    let one = start_replica(&signers, &yaml, &files).await;
    let other = start_replica(&signers, &yaml, &files).await;
    let doors = [
        Door::to("one", one.socket()),
        Door::to("other", other.socket()),
        Door::to("both", one.socket()).and(other.socket()),
    ];
    let envoy = Envoy::start(Version::V1_40, &upstream, &doors).await;
    let (token, kept) =
        (signers.token(&[("sid", json!("stolen"))]), signers.token(&[("sid", json!("kept"))]));
    let ask = async |door: &str, token: &str| {
        let answer = get(envoy.door(door), "/plain", &[("authorization", &bearer(token))]).await;
        (answer.status, (answer.status != 200).then(|| answer.json()["reason"].clone()))
    };
    // It is remembered by both, and counts no more when it is revoked.
    for door in ["one", "other", "both", "both"] {
        assert_eq!(ask(door, &token).await, (200, None));
    }
    let revoke = RevokeRequest {
        target: Some(Target::SessionId("stolen".to_owned())),
        issuer: ISSUER.to_owned(),
        reason: "stolen".to_owned(),
        ..RevokeRequest::default()
    };
    one.client().await.revoke(revoke).await.unwrap();
    let refused = (401, Some(json!("REVOKED")));
    assert_eq!(ask("one", &token).await, refused, "at once, where it was revoked");
    until("the other replica to know of it", LONG, async || {
        (ask("other", &token).await == refused).then_some(())
    })
    .await;
    for _ in 0..4 {
        assert_eq!(ask("both", &token).await, refused);
        assert_eq!(ask("both", &kept).await, (200, None));
    }
}

/// Envoy may ask one that was started anew at its address before its health checks have told it not to, and takes an answer for
/// final that is not a failed call.
#[tokio::test]
async fn e4_a_replica_that_has_not_read_what_is_revoked_leaves_it_to_another_one() {
    let (redis, signers, upstream) = (RedisServer::start().await, Signers::new(), Upstream::start().await);
    let (yaml, ring) = shared(&redis, "");
    let files: [(&str, &[u8]); 1] = [("ring.keys", &ring)];
    let ready = start_replica(&signers, &yaml, &files).await;
    let nowhere = format!("127.0.0.1:{}", ports::reserve());
    let starting = unready_replica(&signers, &yaml.replace(&redis.address(), &nowhere), &files);
    let doors =
        [Door::to("starting", starting.socket()), Door::to("both", ready.socket()).and(starting.socket())];
    let mut bootstrap = bootstrap(upstream.port(), &doors);
    Retries::Elsewhere.of_checks(&mut bootstrap["static_resources"]["listeners"][1]);
    let envoy = Envoy::with(Version::V1_40, &bootstrap).await;
    let token = bearer(&signers.token(&[]));
    let ask = async |door: &str| get(envoy.door(door), "/plain", &[("authorization", &token)]).await.status;
    // It listens by then.
    until("its admin port", LONG, async || starting.try_admin_get("/readyz").await).await;
    assert_eq!(ask("starting").await, 503);
    for _ in 0..10 {
        assert_eq!(ask("both").await, 200);
    }
}
