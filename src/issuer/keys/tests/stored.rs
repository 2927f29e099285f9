//! K13: a restart while the provider is down.

use super::*;
use crate::store::{KeyRing, KeySetOrigin, StoreFile, StoredKeySet};

/// A store in a directory of its own, which goes when the first of the two is dropped.
pub(super) fn store() -> (tempfile::TempDir, Arc<KeySetStore>) {
    let directory = tempfile::tempdir().unwrap();
    let embedded = StoreFile::open(&directory.path().join("countersign.redb")).unwrap();
    let store = KeySetStore::in_file(Arc::new(embedded), Arc::new(KeyRing::generate().unwrap()));
    (directory, Arc::new(store))
}

#[tokio::test(start_paused = true)]
async fn k13_a_stored_set_serves_until_the_first_good_fetch() {
    let (old, new) = (ec_jwk("old"), ec_jwk("new"));
    let (_directory, store) = store();
    let mut before = Room::with_store(Some(Arc::clone(&store)), 1000);
    before.call().await.keys(&[&old]);
    before.first_attempt().await;
    before.tasks.stop().await;

    let mut room = Room::with_store(Some(store), 1000 + 600);
    let call = room.call().await;
    assert!(is_found(&room.lookup_now("old").await));
    assert_eq!(room.issuer.key_set_age(), Some(600 * SECOND));
    // It is no attempt: a missing key is not yet known to be missing.
    let lookup = room.start_lookup("new");
    settle().await;
    call.fail();
    assert!(is_unavailable(&end(lookup).await));
    assert!(is_found(&room.lookup_now("old").await));
    room.call().await.keys(&[&new]);
    settle().await;
    assert!(is_found(&room.lookup_now("new").await));
    let lookup = room.start_lookup("old");
    room.call().await.keys(&[&new]);
    assert!(is_unknown(&end(lookup).await));
}

#[tokio::test(start_paused = true)]
async fn k4_a_lookup_that_comes_before_the_stored_set_does_not_wait_for_the_first_fetch() {
    let known = ec_jwk("known");
    let (_directory, store) = store();
    let mut before = Room::with_store(Some(Arc::clone(&store)), 1000);
    before.call().await.keys(&[&known]);
    before.first_attempt().await;
    before.tasks.stop().await;

    let mut room = Room::with_store(Some(store), 1001);
    let (early, unknown) = (room.start_lookup("known"), room.start_lookup("unknown"));
    let call = room.call().await;
    assert!(is_found(&end(early).await), "the provider has not answered");
    settle().await;
    assert!(!unknown.is_finished(), "only the provider can tell");
    call.keys(&[&known]);
    assert!(is_unknown(&end(unknown).await));
}

/// What a set stored at `fetched_at` is worth at second 10,000.
async fn restored(fetched_at: i64, bytes: &[u8]) -> bool {
    let (_directory, store) = store();
    let origin = KeySetOrigin { issuer: crate::issuer::testing::ISSUER, uri: URI };
    let set = StoredKeySet { fetched_at: UnixTime::from_secs(fetched_at), document: bytes.to_vec() };
    store.save(origin, &set).await.unwrap();
    let mut room = Room::with_store(Some(store), 10_000);
    let _call = room.call().await;
    room.issuer.has_usable_keys()
}

#[tokio::test(start_paused = true)]
async fn k13_a_stored_set_that_is_too_old_from_the_future_or_unreadable_is_not_used() {
    let good = document(&[&ec_jwk("a")]);
    assert!(restored(10_000, &good).await);
    assert!(restored(6_401, &good).await);
    assert!(!restored(6_400, &good).await);
    assert!(!restored(10_001, &good).await);
    assert!(!restored(10_000, b"{}").await);
}

#[tokio::test(start_paused = true)]
async fn k13_withdrawn_keys_do_not_come_back_with_a_restart() {
    let (_directory, store) = store();
    let mut before = Room::with_store(Some(Arc::clone(&store)), 1000);
    before.call().await.keys(&[&ec_jwk("a")]);
    before.call().await.keys(&[]);
    settle().await;
    before.tasks.stop().await;
    let mut room = Room::with_store(Some(store), 1001);
    let _call = room.call().await;
    assert!(!room.issuer.has_usable_keys());
}

#[tokio::test(start_paused = true)]
async fn k13_a_forged_key_set_in_the_store_is_ignored_and_alarmed() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = Arc::new(StoreFile::open(&directory.path().join("countersign.redb")).unwrap());
    let with_a_ring = || KeySetStore::in_file(Arc::clone(&embedded), Arc::new(KeyRing::generate().unwrap()));
    let origin = KeySetOrigin { issuer: crate::issuer::testing::ISSUER, uri: URI };
    let document = document(&[&ec_jwk("forged")]);
    let set = StoredKeySet { fetched_at: UnixTime::from_secs(10_000), document };
    with_a_ring().save(origin, &set).await.unwrap();

    let mut room = Room::with_store(Some(Arc::new(with_a_ring())), 10_000);
    let call = room.call().await;
    assert!(room.issuer.current().is_none() && !room.issuer.has_usable_keys());
    assert!(room.counted("countersign_key_store_errors_total{issuer=\"idp\",kind=\"forged\"} 1"));
    call.fail();
    room.issuer.wait_first_attempt().await;
    let lookup = room.start_lookup("forged");
    room.call().await.fail();
    assert!(is_unavailable(&end(lookup).await));
}
