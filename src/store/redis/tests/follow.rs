//! The feed.

use std::{collections::BTreeSet, time::Duration};

use super::{
    super::{
        super::feed::{Feed as _, Hour, Place as At, Position},
        keys::Home,
    },
    *,
};

/// Longer than anything takes that ends at all.
const LONG: Duration = Duration::from_secs(20);

fn targets(revocations: &[Revocation]) -> BTreeSet<Target> {
    revocations.iter().map(|one| one.target).collect()
}

#[tokio::test]
async fn r12_what_is_recorded_behind_a_position_comes_in_order_without_a_hole() {
    let store = Place::new().await.store().await;
    store.record(order([0])).await.unwrap();
    let mut position = store.end().await.unwrap().position;
    let begin = position.revision;
    for numbers in [vec![1, 2], vec![3], vec![]] {
        store.record(order(numbers)).await.unwrap();
    }
    let entries = store.follow(&position, LONG).await.unwrap();
    let sequences: Vec<_> =
        entries.iter().map(|entry| entry.position.revision.sequence - begin.sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
    assert!(entries.iter().all(|entry| entry.position.revision.epoch == begin.epoch));
    let found: Vec<_> = entries.iter().map(|entry| targets(&entry.revocations)).collect();
    assert_eq!(
        found,
        [targets(&order([1, 2]).revocations), targets(&order([3]).revocations), BTreeSet::new()]
    );
    position = entries.last().unwrap().position.clone();
    assert_eq!(position, store.end().await.unwrap().position);
    assert_eq!(store.follow(&position, Duration::from_millis(20)).await.unwrap(), []);
    assert_eq!(store.follow(&position, Duration::ZERO).await.unwrap(), [], "and no time is not for ever");
}

#[tokio::test]
async fn whoever_waits_is_told_at_once_and_one_who_gave_up_is_in_nobodys_way() {
    let place = Place::new().await;
    let (store, other) = (place.store().await, place.store().await);
    let position = store.end().await.unwrap().position;
    let gave_up = tokio::time::timeout(Duration::from_millis(20), store.follow(&position, LONG * 100)).await;
    assert!(gave_up.is_err());
    let (entries, recorded) = tokio::join!(store.follow(&position, LONG), other.record(order([1])));
    let entries = entries.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].position.revision, recorded.unwrap().revision);
}

/// What changed, as it is now; what came a second time changed nothing, and is an order all the same.
#[tokio::test]
async fn an_entry_holds_what_changed_merged_with_what_was_there() {
    let store = Place::new().await.store().await;
    let (known, later) = (revocation(1), UnixTime::from_secs(50));
    store.record(order([1])).await.unwrap();
    let position = store.end().await.unwrap().position;
    let longer = Revocation { kept_until: later, made_at: UnixTime::from_secs(0), ..known };
    store.record(Order { revocations: vec![longer, revocation(2)], ..Order::default() }).await.unwrap();
    store.record(order([1, 2])).await.unwrap();
    let entries = store.follow(&position, LONG).await.unwrap();
    assert_eq!(entries[0].revocations, [Revocation { kept_until: later, ..known }, revocation(2)]);
    assert_eq!(entries[1].revocations, []);
    assert_eq!(entries.len(), 2);
}

#[tokio::test]
async fn r12_a_trimmed_feed_shows_in_the_sequence() {
    let store = Place::new().await.store().await;
    let position = store.end().await.unwrap().position;
    for number in 0..5 {
        store.record(order([number])).await.unwrap();
    }
    past(&store, "XTRIM", &[&home(&store, Home::Feed), b"MAXLEN", b"2"]).await;
    let entries = store.follow(&position, LONG).await.unwrap();
    let sequences: Vec<_> = entries.iter().map(|entry| entry.position.revision.sequence).collect();
    assert_eq!(sequences, [4, 5]);
    assert_eq!(position.revision.sequence, 0);
}

#[tokio::test]
async fn a_feed_that_was_deleted_is_followed_from_its_new_beginning() {
    let store = Place::new().await.store().await;
    store.record(order([1])).await.unwrap();
    past(&store, "DEL", &[&home(&store, Home::Feed)]).await;
    let position = store.end().await.unwrap().position;
    assert_eq!((position.id.as_str(), position.revision.sequence), ("0-0", 1));
    store.record(order([2])).await.unwrap();
    assert_eq!(store.follow(&position, LONG).await.unwrap()[0].position.revision.sequence, 2);
}

#[tokio::test]
async fn the_copy_is_read_in_parts_that_together_are_all_of_it() {
    const MANY: u64 = 3500;
    let store = Place::new().await.store().await;
    store.record(order(0..MANY)).await.unwrap();
    let (mut place, mut parts, mut found) = (None, 0, BTreeSet::new());
    loop {
        let page = store.page(place).await.unwrap();
        found.extend(targets(&page.revocations));
        parts += 1;
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    assert!(parts > 2, "{parts}");
    assert_eq!(found, targets(&order(0..MANY).revocations));
}

/// Its cursor says nothing to another process: what is read there would not be all of it.
#[tokio::test]
async fn reading_goes_on_in_the_same_process_only() {
    let mut place = Place::new().await;
    let store = place.store().await;
    store.record(order(0..3500)).await.unwrap();
    let next = store.page(None).await.unwrap().next;
    assert!(next.is_some());
    drop(store);
    place.restart().await;
    let store = place.store().await;
    let error = store.page(next).await.unwrap_err();
    assert!(matches!(error, StoreError::Redis { code: None, .. }), "{error:?}");
    let odd = store.page(Some(At("odd".to_owned()))).await.unwrap_err();
    assert!(matches!(odd, StoreError::Redis { .. }), "{odd:?}");
}

#[tokio::test]
async fn hours_before_the_one_that_is_asked_for_are_left_out() {
    let store = Place::new().await.store().await;
    let at = |hour: i64| Revocation { until: Hour(hour).begin(), ..revocation(hour.unsigned_abs()) };
    store.record(Order { revocations: [1, 2, 3].map(at).to_vec(), ..Order::default() }).await.unwrap();
    let hours: Vec<_> = store.tallies(Hour(2)).await.unwrap().iter().map(|tally| tally.hour).collect();
    assert_eq!(hours, [Hour(2), Hour(3)]);
    assert_eq!(store.of_hour(Hour(2)).await.unwrap(), [at(2)]);
    assert_eq!(store.of_hour(Hour(4)).await.unwrap(), []);
}

#[tokio::test]
async fn a_position_that_redis_does_not_know_is_an_error() {
    let store = Place::new().await.store().await;
    let position = Position { id: "odd".to_owned(), ..store.end().await.unwrap().position };
    let error = store.follow(&position, Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, StoreError::Redis { .. }), "{error:?}");
}
