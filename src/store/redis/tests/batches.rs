//! Orders together, big ones, and a server that does not know the scripts.

use std::{collections::HashSet, time::Duration};

use futures_util::future::{join_all, select_all};

use super::{
    super::{super::feed::Feed as _, keys::Home, writer},
    *,
};
use crate::{domain::time::Clock as _, ops::clock::SystemClock, store::testing::redis::until};

/// How often the server was asked for something.
async fn calls(store: &RedisStore, command: &str) -> u64 {
    let info = reply::text(past(store, "INFO", &[b"commandstats"]).await).unwrap();
    let begin = format!("cmdstat_{command}:calls=");
    let line = info.lines().find_map(|line| line.strip_prefix(&begin));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn r1_all_that_wait_share_one_wait_for_durability() {
    const ORDERS: u64 = 300;
    let mut place = Place::new().await;
    // Each pipeline ends with a WAIT.
    place.settings.durability = Durability::Replicas(0);
    let store = place.store().await;
    store.record(order([0])).await.unwrap();
    let before = calls(&store, "wait").await;
    let answers = join_all((1..=ORDERS).map(|number| store.record(order([number])))).await;
    let sequences: HashSet<_> = answers.into_iter().map(|answer| answer.unwrap().revision.sequence).collect();
    assert_eq!(sequences.len(), usize::try_from(ORDERS).unwrap());
    let waits = calls(&store, "wait").await - before;
    assert!((1..ORDERS / 10).contains(&waits), "{waits}");
}

#[tokio::test]
async fn a_big_order_is_recorded_in_parts_and_has_the_revision_of_the_last() {
    let store = Place::new().await.store().await;
    let recorded = store.record(order(0..2300)).await.unwrap().revision;
    assert_eq!(recorded, store.beat().await.unwrap().revision);
    assert_eq!(recorded.sequence, 5);
    assert_eq!(store.snapshot().await.unwrap().revocations.len(), 2300);
}

#[tokio::test]
async fn a_server_that_does_not_know_the_scripts_learns_them() {
    let store = Place::new().await.store().await;
    for number in 0..3 {
        past(&store, "SCRIPT", &[b"FLUSH"]).await;
        let [one, other] = [10, 20].map(|tens| store.record(order([tens + number])));
        let (one, other) = tokio::join!(one, other);
        assert_ne!(one.unwrap().revision, other.unwrap().revision);
    }
    assert_eq!(store.snapshot().await.unwrap().revocations.len(), 6);
}

/// What cannot be done is no other's trouble, though all of it goes in one pipeline.
#[tokio::test]
async fn an_order_that_cannot_be_done_does_not_fail_the_others() {
    let store = Place::new().await.store().await;
    store.record(order([1])).await.unwrap();
    let key = entry_key(1);
    past(&store, "HSET", &[&home(&store, Home::Copy), &key, b"\x01 damaged"]).await;
    let orders = [order([3]), order([4, 1]), order([5])].map(|order| store.record(order));
    let [before, bad, after] = orders;
    let (before, bad, after) = tokio::join!(before, bad, after);
    assert!(matches!(bad, Err(StoreError::DamagedEntry { .. })), "{bad:?}");
    assert_eq!(after.unwrap().revision.sequence, before.unwrap().revision.sequence + 1);
    let half = store.sight(None, &[revocation(4).target]).await.unwrap();
    assert_eq!(half.revocations, [], "nothing of the order that failed");
}

pub(super) fn entry_key(number: u64) -> [u8; 17] {
    crate::store::entry::key(&revocation(number).target)
}

/// Its parts are orders of the feed, of which a replica may hear one before the next.
#[tokio::test]
async fn r11_a_big_order_begins_with_what_its_cut_offs_spare() {
    let store = Place::new().await.store().await;
    let position = store.end().await.unwrap().position;
    let spared = Revocation { target: Target::exception("i", "alice", "s"), ..revocation(0) };
    let mut order = order(0..600);
    order.revocations.push(spared);
    store.record(order).await.unwrap();
    let entries = store.follow(&position, Duration::ZERO).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[0].revocations.contains(&spared));
}

#[tokio::test]
async fn r9_more_orders_than_can_be_done_in_time_are_turned_away_at_once() {
    let server = Arc::new(RedisServer::start().await);
    let place = Place::at(reached_at(&[server.port()]), Arc::clone(&server));
    let store = place.store().await;
    store.record(order([0])).await.unwrap();
    server.stop().await;
    let many = 1..=u64::try_from(2 * writer::QUEUE).unwrap();
    let mut waiting: Vec<_> = many.map(|number| store.record(order([number]))).collect();
    let mut turned_away = 0;
    while turned_away < 100 {
        // A second is less than anybody waits for a server that does nothing.
        let first = tokio::time::timeout(Duration::from_secs(1), select_all(waiting)).await;
        let (answer, _, rest) = first.expect("at once");
        let StoreError::Redis { source, .. } = answer.unwrap_err() else { panic!("another error") };
        assert!(source.is::<writer::Full>(), "{source}");
        (turned_away, waiting) = (turned_away + 1, rest);
    }
    drop(waiting);
    server.go_on().await;
    until("orders to be taken again", async || store.record(order([0])).await.is_ok()).await;
}

#[tokio::test]
async fn r3_one_replicas_clock_that_is_far_ahead_ends_nothing_that_others_need() {
    let store = Place::new().await.store().await;
    let now = SystemClock.now();
    let hours_on = |hours| now.plus(Duration::from_hours(hours));
    let ends = |id, not_after| Delivery { id: [id; 16], not_after, ..bad::delivery() };
    let deliveries = vec![ends(1, now), ends(2, hours_on(1))];
    let kept = Revocation { kept_until: hours_on(1), ..revocation(1) };
    store.record(Order { revocations: vec![kept], deliveries, ..Order::default() }).await.unwrap();
    store.sweep(hours_on(24 * 365)).await.unwrap();
    let left: Vec<_> = store.deliveries().await.unwrap().iter().map(|it| it.id).collect();
    assert_eq!(left, [[2; 16]]);
    assert_eq!(store.snapshot().await.unwrap().revocations, [kept]);
}
