//! What the store has, and what becomes of it when the process ends or the store fails.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_the_store_has_is_told_when_it_is_due() {
    let mut later = delivery(2, ACME);
    later.due_at = later.due_at.plus(60 * SECOND);
    let mut never = delivery(3, ACME);
    // A clock was wrong: no server may ask for more than an hour.
    never.due_at = never.due_at.plus(Duration::from_hours(24 * 365));
    let bench = Bench::start(vec![delivery(1, ACME), later, never], |_, _| Ok(())).await;
    for id in 1..=3 {
        bench.settled(id).await;
    }
    assert_eq!(bench.tellings(), [(1, Duration::ZERO), (2, 60 * SECOND), (3, Duration::from_hours(1))]);
}

#[tokio::test(start_paused = true)]
async fn what_is_told_in_vain_is_given_up_when_nobody_would_care_any_more() {
    let mut short = delivery(1, ACME);
    short.not_after = short.due_at.plus(10 * SECOND);
    let bench = Bench::start(vec![short], |_, _| Err(unavailable())).await;
    bench.settled(1).await;
    assert_eq!(bench.elapsed(), 10 * SECOND, "then, and no later");
    assert_eq!((bench.metrics.expired.get(), bench.metrics.done.get()), (1, 0));
    assert!(bench.tellings().iter().all(|(_, at)| *at < 10 * SECOND));
    assert!(bench.exposition().contains("upstream_revocations_pending 0\n"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_at_first_is_read_later_and_holds_up_nothing_new() {
    let bench = Bench::start_with_store(vec![delivery(1, ACME)], true, |_, _| Ok(())).await;
    assert_eq!(bench.deliver_now(delivery(2, ACME)).await, Upstream::Done);
    assert_eq!(bench.tellings(), [(2, Duration::ZERO)]);
    bench.store.fail(false);
    bench.settled(1).await;
    bench.settled(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_while_settling_is_asked_again_and_nothing_is_told_twice() {
    let bench = Bench::start(vec![], |_, _| Ok(())).await;
    bench.store.keep(delivery(1, ACME));
    bench.store.fail(true);
    assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Done, "nobody waits for the store");
    tokio::time::sleep(60 * SECOND).await;
    assert!(bench.store.has(1));
    bench.store.fail(false);
    bench.settled(1).await;
    assert_eq!(bench.tellings().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_over_and_in_the_store_is_told_once() {
    let second = |_: &Delivery, times| if times < 2 { Err(unavailable()) } else { Ok(()) };
    let bench = Bench::start_with_store(vec![delivery(1, ACME)], true, second).await;
    assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Queued);
    bench.store.fail(false);
    bench.settled(1).await;
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(bench.tellings().len(), 2, "an attempt that failed, and one that did not");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_delivered_when_the_process_drains_stays_in_the_store() {
    let bench = Bench::start_slow(SECOND / 2).await;
    for id in 1..=6 {
        bench.store.keep(delivery(id, ACME));
        bench.deliver_later(delivery(id, ACME));
    }
    bench.told(4).await;
    bench.stop().await;
    assert_eq!(bench.elapsed(), SECOND / 2, "attempts under way may end");
    assert_eq!((1..=6).filter(|id| bench.store.has(*id)).collect::<Vec<_>>(), [5, 6]);

    let bench = Bench::start_slow(Duration::from_hours(1)).await;
    bench.store.keep(delivery(1, ACME));
    bench.deliver_later(delivery(1, ACME));
    bench.told(1).await;
    bench.stop().await;
    assert_eq!(bench.elapsed(), SECOND, "but not for ever");
    assert!(bench.store.has(1));
}
