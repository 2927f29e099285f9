//! The edges: drain, drop, gauges, and issuers without a keeper.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_held_outlives_the_drain_and_without_a_keeper_nobody_can_tell() {
    let mut room = Room::with(&[&ec_jwk("a")]).await;
    let waiting = room.start_lookup("b");
    let _hanging = room.call().await;
    room.tasks.stop().await;
    assert!(is_unavailable(&end(waiting).await));
    assert!(is_found(&room.lookup_now("a").await));
    assert!(is_unavailable(&room.lookup_now("c").await));
}

#[tokio::test(start_paused = true)]
async fn k2_a_panic_is_a_failed_attempt_and_the_keeper_goes_on() {
    let mut room = Room::open();
    drop(room.call().await);
    room.issuer.wait_first_attempt().await;
    assert!(
        room.counted(
            "countersign_key_fetches_total{issuer=\"idp\",trigger=\"scheduled\",outcome=\"failed\"} 1"
        )
    );
    assert!(!room.issuer.has_usable_keys());
    let (kept, withdrawn) = (ec_jwk("kept"), ec_jwk("withdrawn"));
    room.call().await.keys(&[&kept, &withdrawn]);
    settle().await;
    let waiting = room.start_lookup("other");
    drop(room.call().await);
    assert!(is_unavailable(&end(waiting).await));
    assert!(is_found(&room.lookup_now("withdrawn").await));
    room.call().await.keys(&[&kept]);
    settle().await;
    assert!(is_unknown(&room.lookup_now("withdrawn").await));
}

#[tokio::test(start_paused = true)]
async fn dropping_an_issuer_stops_its_keeper() {
    let Room { issuer, mut calls, tasks, .. } = Room::open();
    let _call = calls.recv().await;
    drop(issuer);
    assert!(calls.recv().await.is_none());
    tasks.stop().await;
}

#[tokio::test(start_paused = true)]
async fn gauges_follow_the_age() {
    let mut room = Room::open();
    room.issuer.update_metrics();
    assert!(room.counted("countersign_key_set_age_seconds{issuer=\"idp\"} NaN"));
    room.call().await.keys(&[&ec_jwk("a"), &serde_json::json!({"kty": "oct", "k": "AA"})]);
    settle().await;
    advance(7 * SECOND).await;
    room.issuer.update_metrics();
    assert!(room.counted("countersign_keys{issuer=\"idp\"} 1"));
    assert!(room.counted("countersign_unusable_keys{issuer=\"idp\"} 1"));
    let age = room.issuer.key_set_age().unwrap().as_secs_f64();
    assert!((7.0..7.1).contains(&age), "{age}");
}

#[tokio::test(start_paused = true)]
async fn a_shared_secret_needs_no_keeper_and_ignores_kids() {
    let mut registry = crate::ops::metrics::registry();
    let around = Surroundings {
        http: HttpClient::new().unwrap(),
        store: None,
        clock: Arc::new(TestClock(AtomicI64::new(0))),
        metrics: KeyMetrics::register(&mut registry),
        tasks: Tasks::default(),
    };
    let hs256 = || AllowedAlgorithms::new(vec![Algorithm::HS256]).unwrap();
    let start = |bytes| Issuer::start(settings(KeySource::Secret(Secret::new(bytes)), hs256()), &around);
    let issuer = start(vec![7; 32]).unwrap();
    assert!(is_found(&issuer.lookup(Some("whatever"), Algorithm::HS256).await));
    assert!(is_found(&issuer.lookup(None, Algorithm::HS256).await));
    assert!(matches!(issuer.lookup(None, Algorithm::HS512).await, Lookup::WrongAlgorithm));
    assert!(issuer.after_bad_signature(1).await.is_none());
    issuer.wait_first_attempt().await;
    advance(1000 * MAX_AGE).await;
    assert!(issuer.has_usable_keys() && issuer.current().is_some());
    assert!(start(vec![7; 31]).is_err());
}
