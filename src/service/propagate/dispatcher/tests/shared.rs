//! Replicas that share a store: each delivers its own, and what nobody does.

use super::{double::Memory, *};

const MINUTE: Duration = Duration::from_mins(1);

/// Kept by somebody who is gone, and due so long before the test.
fn orphan(id: u8, ago: Duration) -> Delivery {
    let ago = i64::try_from(ago.as_millis()).unwrap();
    let due_at = UnixTime::from_millis(wall(Duration::ZERO).as_millis() - ago);
    Delivery { due_at, ..delivery(id, ACME) }
}

#[tokio::test(start_paused = true)]
async fn only_what_has_been_due_for_a_minute_is_taken_over_at_the_start() {
    let store = Arc::new(Memory::default());
    store.keep(orphan(1, 2 * MINUTE));
    store.keep(orphan(2, MINUTE / 2));
    store.keep(orphan(3, Duration::ZERO));
    let bench = Bench::replica(&store, 1, |_, _| Ok(())).await;
    bench.settled(1).await;
    let taken = bench.elapsed();
    assert!(taken < 5 * SECOND, "{taken:?}");
    assert!(store.has(2) && store.has(3), "somebody may be about to tell these");
    bench.settled(2).await;
    assert!((30 * SECOND..=65 * SECOND).contains(&bench.elapsed()), "{:?}", bench.elapsed());
    bench.settled(3).await;
    assert!((60 * SECOND..=95 * SECOND).contains(&bench.elapsed()), "{:?}", bench.elapsed());
    assert_eq!(bench.tellings().len(), 3, "each once");
}

#[tokio::test(start_paused = true)]
async fn what_is_ones_own_is_told_at_once_and_by_nobody_else() {
    let store = Arc::new(Memory::default());
    let one = Bench::replica(&store, 1, |_, _| Ok(())).await;
    let other = Bench::replica(&store, 2, |_, _| Ok(())).await;
    store.keep(delivery(1, ACME));
    assert_eq!(one.deliver_now(delivery(1, ACME)).await, Upstream::Done);
    assert_eq!(one.elapsed(), Duration::ZERO);
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!((one.tellings().len(), other.tellings().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn of_two_that_find_the_same_one_tells_it() {
    let store = Arc::new(Memory::default());
    for id in 1..=50 {
        store.keep(orphan(id, 2 * MINUTE));
    }
    // Both have read before either writes.
    store.be_slow();
    let one = Bench::replica(&store, 1, |_, _| Ok(())).await;
    let other = Bench::replica(&store, 2, |_, _| Ok(())).await;
    for id in 1..=50 {
        one.settled(id).await;
    }
    assert_eq!(one.tellings().len() + other.tellings().len(), 50, "each once");
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_left_behind_is_told_by_another_one() {
    let store = Arc::new(Memory::default());
    let one = Bench::replica(&store, 1, |_, _| Err(unavailable())).await;
    let other = Bench::replica(&store, 2, |_, _| Ok(())).await;
    store.keep(delivery(1, ACME));
    assert_eq!(one.deliver_now(delivery(1, ACME)).await, Upstream::Queued);
    one.stop().await;
    other.settled(1).await;
    assert!(other.elapsed() < 2 * MINUTE, "{:?}", other.elapsed());
    assert_eq!(other.tellings().len(), 1);
}

/// Most of them wait for a provider that is asked with one thing at a time.
#[tokio::test(start_paused = true)]
async fn what_waits_long_for_its_provider_stays_with_whoever_has_it() {
    let store = Arc::new(Memory::default());
    let one = Bench::replica(&store, 1, |_, _| Err(unavailable())).await;
    let other = Bench::replica(&store, 2, |_, _| Ok(())).await;
    for id in 1..=50 {
        store.keep(delivery(id, ACME));
        one.deliver_later(delivery(id, ACME));
    }
    tokio::time::sleep(20 * MINUTE).await;
    assert!(one.tellings().len() > 5);
    assert_eq!(other.tellings(), []);
    one.stop().await;
    for id in 1..=50 {
        other.settled(id).await;
    }
    assert_eq!(other.tellings().len(), 50, "each once");
}

/// Meanwhile nobody can say in the store that it is still there.
#[tokio::test(start_paused = true)]
async fn after_the_store_was_away_those_who_live_keep_what_is_theirs() {
    for outage in [MINUTE, 2 * MINUTE, 7 * MINUTE, 40 * MINUTE] {
        let store = Arc::new(Memory::default());
        let one = Bench::replica(&store, 1, |_, _| Err(unavailable())).await;
        let other = Bench::replica(&store, 2, |_, _| Ok(())).await;
        for id in 1..=20 {
            store.keep(delivery(id, ACME));
            one.deliver_later(delivery(id, ACME));
        }
        tokio::time::sleep(3 * MINUTE).await;
        store.fail(true);
        tokio::time::sleep(outage).await;
        store.fail(false);
        tokio::time::sleep(20 * MINUTE).await;
        assert_eq!(other.tellings(), [], "{outage:?}");
        one.stop().await;
        for id in 1..=20 {
            other.settled(id).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_process_does_not_wait_for_a_search() {
    let store = Arc::new(Memory::default());
    let bench = Bench::replica(&store, 1, |_, _| Ok(())).await;
    tokio::time::sleep(MINUTE).await;
    bench.stop().await;
    assert_eq!(bench.elapsed(), MINUTE);
}
