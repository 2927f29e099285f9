//! R12: one life of one Redis process is an epoch.

use super::{
    super::{
        super::feed::{Feed as _, Hour},
        keys::Home,
    },
    *,
};

#[tokio::test]
async fn r12_an_emptied_store_begins_another_history_that_goes_on_from_none() {
    let place = Place::new().await;
    let store = place.store().await;
    let before = store.record(order([1])).await.unwrap().revision;
    past(&store, "FLUSHALL", &[]).await;
    let contact = store.beat().await.unwrap();
    assert_ne!(contact.revision.epoch, before.epoch);
    assert_eq!((contact.revision.sequence, contact.predecessors.len()), (0, 0));
    let after = store.record(order([2])).await.unwrap().revision;
    assert_eq!((after.epoch, after.sequence), (contact.revision.epoch, 1));
    // The check of the key ring is there again: another deployment is kept out.
    let stranger = place.of_a_stranger();
    let error = RedisStore::open(&stranger.settings, stranger.ring).await.unwrap_err();
    assert!(matches!(error, StoreError::OtherKeyRing { .. }), "{error}");
}

#[tokio::test]
async fn r12_a_store_that_lost_its_counters_begins_another_history_that_goes_on_from_none() {
    for lost in ["epoch", "seq"] {
        let store = Place::new().await.store().await;
        let before = store.record(order([1, 2])).await.unwrap().revision;
        past(&store, "HSET", &[&home(&store, Home::Was), b"00000000000000ff", b"7"]).await;
        past(&store, "HDEL", &[&home(&store, Home::Meta), lost.as_bytes()]).await;
        let contact = store.beat().await.unwrap();
        assert_ne!(contact.revision.epoch, before.epoch, "{lost}");
        assert_eq!(contact.predecessors, [], "{lost}");
        assert_eq!(store.snapshot().await.unwrap().revocations.len(), 2, "{lost}: what is kept is kept");
    }
}

/// It may have come up without the last that the process before it acknowledged.
#[tokio::test]
async fn r12_another_process_is_another_epoch_that_goes_on_from_where_the_one_before_was() {
    let mut place = Place::new().await;
    let mut lives = vec![place.store().await.record(order([0])).await.unwrap().revision];
    for life in 1..4 {
        place.restart().await;
        let store = place.store().await;
        let contact = store.beat().await.unwrap();
        let last = lives.last().unwrap();
        assert_ne!(contact.revision.epoch, last.epoch);
        assert_eq!(contact.revision.sequence, last.sequence);
        let predecessors: Vec<_> = lives.iter().rev().copied().collect();
        assert_eq!(contact.predecessors, predecessors);
        let recorded = store.record(order([life])).await.unwrap().revision;
        assert_eq!((recorded.epoch, recorded.sequence), (contact.revision.epoch, last.sequence + 1));
        assert_eq!(store.snapshot().await.unwrap().revocations.len(), usize::try_from(life).unwrap() + 1);
        lives.push(recorded);
    }
}

/// The script that records finds it out, too, whoever comes first.
#[tokio::test]
async fn r12_the_first_order_in_another_process_begins_its_epoch() {
    let store = Place::new().await.store().await;
    let before = store.record(order([1])).await.unwrap().revision;
    past(&store, "HSET", &[&home(&store, Home::Meta), b"run", b"another"]).await;
    let after = store.record(order([2])).await.unwrap().revision;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.sequence, before.sequence + 1);
    assert_eq!(store.beat().await.unwrap().predecessors, [before]);
}

#[tokio::test]
async fn the_latest_sixteen_lives_are_remembered() {
    let store = Place::new().await.store().await;
    let mut lives = Vec::new();
    for number in 0..20 {
        lives.push(store.record(order([number])).await.unwrap().revision);
        past(&store, "HSET", &[&home(&store, Home::Meta), b"run", b"another"]).await;
    }
    let predecessors: Vec<_> = lives.into_iter().rev().take(16).collect();
    assert_eq!(store.beat().await.unwrap().predecessors, predecessors);
}

#[tokio::test]
async fn r12_two_stores_have_different_epochs() {
    let [one, other] = [Place::new().await, Place::new().await];
    let one = one.store().await.beat().await.unwrap();
    assert_ne!(one.revision.epoch, other.store().await.beat().await.unwrap().revision.epoch);
}

/// The copy is the biggest of its keys, and the first that an evicting policy or a careless hand takes.
#[tokio::test]
async fn r12_a_store_that_has_lost_a_part_of_itself_is_an_emptied_one() {
    for part in [Home::Copy, Home::Until, Home::Kept] {
        let place = Place::new().await;
        let store = place.store().await;
        store.record(order([1, 2])).await.unwrap();
        let before = store.beat().await.unwrap();
        past(&store, "DEL", &[&home(&store, part)]).await;
        let after = store.beat().await.unwrap();
        assert_ne!(after.revision.epoch, before.revision.epoch, "{part:?}");
        assert_eq!(after.predecessors, [], "{part:?}: nobody knows what it had");
        let kept = store.snapshot().await.unwrap().revocations.len();
        assert_eq!(kept, if matches!(part, Home::Copy) { 0 } else { 2 }, "{part:?}: what is left is kept");
        store.record(order([1, 2])).await.unwrap();
        let tallies = store.tallies(Hour(i64::MIN / 3_600_000)).await.unwrap();
        assert_eq!(tallies.iter().map(|tally| tally.count).sum::<u64>(), 2, "{part:?}: and counted anew");
        assert_eq!(store.beat().await.unwrap().revision.epoch, after.revision.epoch, "{part:?}: once");
    }
}
