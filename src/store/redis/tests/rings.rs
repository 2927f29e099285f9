//! Whose data it is, and key sets, which the ring seals.

use super::{
    super::{super::feed::Feed as _, keys::Home},
    *,
};
use crate::store::{KeySetOrigin, KeySetStore, Shelf, StoredKeySet};

#[tokio::test]
async fn a_deployment_with_another_key_ring_is_refused_and_told_what_to_do() {
    let place = Place::new().await;
    let store = place.store().await;
    store.record(order([1])).await.unwrap();
    let stranger = Arc::new(KeyRing::generate().unwrap());
    let error = RedisStore::open(&place.settings, stranger).await.unwrap_err();
    assert!(matches!(error, StoreError::OtherKeyRing { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains(&place.settings.prefix) && said.contains("the same key ring"), "{said}");
    store.record(order([2])).await.unwrap();
}

/// Somebody emptied the store, and another deployment was there first.
#[tokio::test]
async fn a_store_that_became_another_deployments_is_written_to_no_more() {
    let place = Place::new().await;
    let store = place.store().await;
    past(&store, "DEL", &[&home(&store, Home::Meta)]).await;
    let other = place.of_a_stranger();
    let theirs = other.store().await;
    let before = past(&store, "HGETALL", &[&home(&store, Home::Meta)]).await;
    for error in [
        store.record(order([1])).await.map(drop).unwrap_err(),
        store.beat().await.map(drop).unwrap_err(),
        store.end().await.map(drop).unwrap_err(),
    ] {
        assert!(error.to_string().contains("another key ring"), "{error}");
    }
    assert_eq!(past(&store, "HGETALL", &[&home(&store, Home::Meta)]).await, before);
    assert_eq!(theirs.snapshot().await.unwrap().revocations, []);
}

#[tokio::test]
async fn k13_a_key_set_is_kept_sealed_and_the_latest_one_counts() {
    let place = Place::new().await;
    let origin = KeySetOrigin { issuer: "https://a.example", uri: "https://a.example/keys" };
    let other = KeySetOrigin { issuer: "https://a.example", uri: "https://a.example/others" };
    let set =
        |second| StoredKeySet { fetched_at: UnixTime::from_secs(second), document: b"the keys".to_vec() };
    let store = Arc::new(place.store().await.store);
    let shelf: Arc<dyn Shelf> = Arc::<RedisStore>::clone(&store);
    let key_sets = KeySetStore::new(shelf, Arc::clone(&place.ring));
    assert_eq!(key_sets.load(origin).await.unwrap(), None);
    for second in [1, 2] {
        key_sets.save(origin, &set(second)).await.unwrap();
    }
    assert_eq!(key_sets.load(origin).await.unwrap(), Some(set(2)));
    assert_eq!(key_sets.load(other).await.unwrap(), None);
    let name = store.core.keys.key_sets();
    let kept = reply::list(past(&store, "HVALS", &[&name]).await).unwrap();
    let kept: Vec<_> = kept.into_iter().map(|value| reply::bytes(value).unwrap()).collect();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].windows(8).any(|window| window == b"the keys"));
    past(&store, "HSET", &[&name, &keys::origin_field(other), &kept[0]]).await;
    let error = key_sets.load(other).await.unwrap_err();
    assert!(matches!(error, StoreError::DamagedEntry { what: "a key set", .. }), "moved: {error}");
}
