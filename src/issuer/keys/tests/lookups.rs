//! What a lookup does when a key is missing, and what it never does.

use super::*;

#[tokio::test(start_paused = true)]
async fn k3_a_flood_of_unknown_kids_and_bad_signatures_starts_one_fetch_per_min_refetch() {
    let a = ec_jwk("a");
    let mut room = Room::with(&[&a]).await;
    let generation = room.generation();
    for round in 0..3 {
        let first = room.start_lookup("first");
        room.call().await.fail();
        assert!(is_unavailable(&end(first).await));
        for nth in 0..200 {
            assert!(is_unavailable(&room.lookup_now(&format!("{round}-{nth}")).await));
            let bad = timeout(Duration::ZERO, room.issuer.after_bad_signature(generation));
            assert!(bad.await.unwrap().is_none());
            room.no_call_yet();
        }
        // Only the repeats of the failed fetch, which are scheduled, come before the budget is there again.
        let end = Instant::now() + MIN_REFETCH;
        while let Ok(call) = tokio::time::timeout_at(end, room.call()).await {
            call.keys(&[&a]);
        }
    }
    assert!(room.counted("countersign_key_fetches_suppressed_total{issuer=\"idp\"} 1200"));
    assert!(
        room.counted("countersign_key_fetches_total{issuer=\"idp\",trigger=\"demand\",outcome=\"failed\"} 3")
    );
}

#[tokio::test(start_paused = true)]
async fn k4_a_known_kid_never_waits_for_the_network() {
    let mut room = Room::with(&[&ec_jwk("a")]).await;
    let waiting = room.start_lookup("b");
    let _hanging = room.call().await;
    assert!(is_found(&room.lookup_now("a").await));
    let rs256 = room.issuer.lookup(Some("a"), Algorithm::RS256);
    assert!(matches!(timeout(Duration::ZERO, rs256).await.unwrap(), Lookup::WrongAlgorithm));
    assert!(!waiting.is_finished());
}

#[tokio::test(start_paused = true)]
async fn k8_one_lookup_one_fetch_then_a_conclusion() {
    let (a, b) = (ec_jwk("a"), ec_jwk("b"));
    let mut room = Room::with(&[&a]).await;
    let lookups: Vec<_> = (0..20).map(|_| room.start_lookup("b")).collect();
    room.call().await.keys(&[&a]);
    for lookup in lookups {
        assert!(is_unknown(&end(lookup).await));
    }
    room.no_call_yet();
    // UNKNOWN_KEY is not cached: once the key is published, it is found.
    advance(MIN_REFETCH).await;
    let lookup = room.start_lookup("b");
    room.call().await.keys(&[&a, &b]);
    assert!(is_found(&end(lookup).await));
    assert!(room.counted("countersign_unknown_key_ids_total{issuer=\"idp\"} 20"));
}

#[tokio::test(start_paused = true)]
async fn k10_a_caller_that_gives_up_cancels_nothing_for_the_others() {
    let (a, b) = (ec_jwk("a"), ec_jwk("b"));
    let mut room = Room::with(&[&a]).await;
    let starter = room.start_lookup("b");
    let call = room.call().await;
    let other = room.start_lookup("b");
    settle().await;
    starter.abort();
    assert!(starter.await.unwrap_err().is_cancelled());
    call.keys(&[&a, &b]);
    assert!(is_found(&end(other).await));
    room.no_call_yet();
}

#[tokio::test(start_paused = true)]
async fn k12_unknown_after_a_good_attempt_unavailable_after_a_bad_one() {
    let a = ec_jwk("a");
    let mut room = Room::with(&[&a]).await;
    let lookup = room.start_lookup("b");
    room.call().await.fail();
    assert!(is_unavailable(&end(lookup).await));
    assert!(is_unavailable(&room.lookup_now("b").await));
    assert!(room.issuer.retry_after() <= MIN_REFETCH);
    room.call().await.keys(&[&a]);
    settle().await;
    assert!(is_unknown(&room.lookup_now("b").await));
}

#[tokio::test(start_paused = true)]
async fn before_the_first_keys_lookups_wait_for_the_first_fetch_and_leave_the_budget_alone() {
    let a = ec_jwk("a");
    let mut room = Room::open();
    let (early, other) = (room.start_lookup("a"), room.start_lookup("b"));
    settle().await;
    room.call().await.keys(&[&a]);
    assert!(is_found(&end(early).await));
    assert!(is_unknown(&end(other).await));
    let lookup = room.start_lookup("b");
    room.call().await.keys(&[&a]);
    assert!(is_unknown(&end(lookup).await));
}

#[tokio::test(start_paused = true)]
async fn without_any_keys_nobody_can_tell() {
    let mut room = Room::open();
    room.call().await.fail();
    room.first_attempt().await;
    assert!(room.issuer.current().is_none());
    assert_eq!(room.issuer.key_set_age(), None);
    let lookup = room.start_lookup("a");
    room.call().await.fail();
    assert!(is_unavailable(&end(lookup).await));
    assert!(is_unavailable(&room.lookup_now("a").await));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_kid_is_looked_up_by_algorithm() {
    let mut room = Room::with(&[&ec_jwk("a")]).await;
    let by_algorithm = timeout(SECOND, room.issuer.lookup(None, Algorithm::ES256));
    assert!(is_found(&by_algorithm.await.expect("the lookup waits")));
    let issuer = Arc::clone(&room.issuer);
    let lookup = room.tasks.spawn(async move { issuer.lookup(None, Algorithm::RS256).await });
    room.call().await.keys(&[&ec_jwk("a")]);
    assert!(is_unknown(&end(lookup).await));
}

#[tokio::test(start_paused = true)]
async fn k12_without_a_seat_nobody_can_tell_while_a_fetch_is_under_way() {
    let a = ec_jwk("a");
    let mut room = Room::with(&[&a]).await;
    let lookups: Vec<_> = (0..256).map(|_| room.start_lookup("b")).collect();
    let call = room.call().await;
    settle().await;
    assert!(is_unavailable(&room.lookup_now("b").await));
    assert_eq!(room.issuer.retry_after(), SECOND);
    assert!(lookups.iter().all(|lookup| !lookup.is_finished()));
    call.keys(&[&a]);
    for lookup in lookups {
        assert!(is_unknown(&end(lookup).await));
    }
}

#[tokio::test(start_paused = true)]
async fn k12_nobody_waits_for_the_repeat_of_a_failed_attempt() {
    let (a, b) = (ec_jwk("a"), ec_jwk("b"));
    let mut room = Room::with(&[&a]).await;
    room.call().await.fail();
    let repeat = room.call().await;
    for _ in 0..300 {
        assert!(is_unavailable(&room.lookup_now("b").await));
    }
    assert_eq!(room.issuer.retry_after(), SECOND);
    repeat.keys(&[&a, &b]);
    settle().await;
    assert!(is_found(&room.lookup_now("b").await));
    // None of them used up the budget.
    let lookup = room.start_lookup("c");
    room.call().await.keys(&[&a, &b]);
    assert!(is_unknown(&end(lookup).await));
}
