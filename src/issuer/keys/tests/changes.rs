//! What becomes of the held keys.

use super::*;

#[tokio::test(start_paused = true)]
async fn k1_failing_fetches_leave_the_keys_until_exactly_max_age() {
    let end = Instant::now() + MAX_AGE;
    let mut room = Room::with(&[&ec_jwk("a")]).await;
    while Instant::now() + MIN_REFETCH < end {
        room.call().await.fail();
        settle().await;
        assert!(is_found(&room.lookup_now("a").await));
    }
    advance(end.duration_since(Instant::now()).saturating_sub(Duration::from_millis(2))).await;
    assert!(room.issuer.has_usable_keys());
    advance(Duration::from_millis(2)).await;
    assert!(room.issuer.current().is_none() && !room.issuer.has_usable_keys());
    assert_eq!(room.issuer.key_set_age(), Some(MAX_AGE));
}

#[tokio::test(start_paused = true)]
async fn k2_a_withdrawn_key_is_gone_within_refresh_after_although_nobody_asks() {
    let (kept, withdrawn) = (ec_jwk("kept"), ec_jwk("withdrawn"));
    let opened = Instant::now();
    let mut room = Room::with(&[&kept, &withdrawn]).await;
    room.call().await.keys(&[&kept]);
    settle().await;
    assert!(opened.elapsed() <= REFRESH_AFTER, "{:?}", opened.elapsed());
    assert!(opened.elapsed() >= REFRESH_AFTER.mul_f64(0.9), "{:?}", opened.elapsed());
    assert_eq!(room.issuer.current().unwrap().keys.len(), 1);
    assert_eq!(room.generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn withdrawing_every_key_takes_effect() {
    let mut room = Room::with(&[&ec_jwk("a")]).await;
    room.call().await.keys(&[]);
    settle().await;
    assert!(room.issuer.current().is_some_and(|snapshot| snapshot.keys.is_empty()));
    assert!(!room.issuer.has_usable_keys());
    let lookup = room.start_lookup("a");
    room.call().await.keys(&[]);
    assert!(is_unknown(&end(lookup).await));
}

#[tokio::test(start_paused = true)]
async fn a_key_replaced_under_its_kid_is_found_by_the_first_bad_signature() {
    let (old, new) = (ec_jwk("a"), ec_jwk("a"));
    let mut room = Room::with(&[&old]).await;
    let (issuer, seen) = (Arc::clone(&room.issuer), room.generation());
    let first = room.tasks.spawn(async move { issuer.after_bad_signature(seen).await });
    let call = room.call().await;
    let second = timeout(Duration::ZERO, room.issuer.after_bad_signature(seen)).await;
    assert!(second.unwrap().is_none(), "only the caller that started the fetch waits");
    call.keys(&[&new]);
    assert_eq!(first.await.unwrap().unwrap().generation, seen + 1);
    let late = timeout(Duration::ZERO, room.issuer.after_bad_signature(seen)).await;
    assert_eq!(late.unwrap().unwrap().generation, seen + 1);
    let same = timeout(Duration::ZERO, room.issuer.after_bad_signature(seen + 1)).await;
    assert!(same.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn equal_content_renews_the_age_and_keeps_generation_and_keys() {
    let (a, b) = (ec_jwk("a"), ec_jwk("b"));
    let mut room = Room::with(&[&a, &b]).await;
    let before = room.issuer.current().unwrap();
    let same_keys =
        |now: &KeySnapshot| before.keys.iter().all(|old| now.keys.iter().any(|new| Arc::ptr_eq(old, new)));
    room.call().await.keys(&[&b, &a, &a]);
    settle().await;
    let after = room.issuer.current().unwrap();
    assert_eq!((after.generation, after.keys.len()), (before.generation, 2));
    assert!(same_keys(&after));
    assert!(room.issuer.key_set_age().unwrap() < SECOND);
    room.call().await.not_modified();
    settle().await;
    assert_eq!(room.generation(), before.generation);
    assert!(room.issuer.key_set_age().unwrap() < SECOND);
    room.call().await.keys(&[&ec_jwk("c"), &b, &a]);
    settle().await;
    let more = room.issuer.current().unwrap();
    assert!(more.generation > before.generation && same_keys(&more));
}

#[tokio::test(start_paused = true)]
async fn not_modified_means_nothing_without_a_document_before() {
    let mut room = Room::open();
    room.call().await.not_modified();
    room.first_attempt().await;
    assert!(room.issuer.current().is_none());
}

#[tokio::test(start_paused = true)]
async fn k7_a_document_that_is_no_key_set_changes_nothing() {
    let mut room = Room::with(&[&ec_jwk("a")]).await;
    let before = room.issuer.current().unwrap();
    let html = Answer::Document { bytes: b"<html>".to_vec(), validators: None, lifetime: None };
    room.call().await.answer(Ok(html));
    settle().await;
    assert!(Arc::ptr_eq(&before, &room.issuer.current().unwrap()));
    assert!(
        room.counted(
            "countersign_key_fetches_total{issuer=\"idp\",trigger=\"scheduled\",outcome=\"failed\"} 1"
        )
    );
}
