//! On virtual time, with a store in memory and providers that are functions.

mod double;
mod outages;
mod shared;
mod stored;

use std::time::Duration;

use tokio::time::Instant;

use self::double::{ACME, Bench, busy, delivery, misconfigured, refused, unavailable, unsupported, wall};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_is_told_is_settled_and_whoever_waits_learns_of_it() {
    let bench = Bench::start(vec![], |_, _| Ok(())).await;
    let upstream = bench.deliver_now(delivery(1, ACME)).await;
    assert_eq!(upstream, Upstream::Done);
    bench.settled(1).await;
    assert_eq!(bench.tellings(), [(1, Duration::ZERO)]);
    assert_eq!((bench.metrics.done.get(), bench.metrics.failed.get()), (1, 0));
    assert!(bench.exposition().contains("upstream_revocations_pending 0\n"));
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_refuses_or_cannot_be_told_is_settled_too() {
    for why in [refused, unsupported] {
        let bench = Bench::start(vec![], move |_, _| Err(why())).await;
        assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Unsupported);
        bench.settled(1).await;
        assert_eq!((bench.metrics.refused.get(), bench.tellings().len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_queued_postponed_in_the_store_and_told_again_until_it_is_done() {
    let bench = Bench::start(vec![], |_, times| if times < 3 { Err(unavailable()) } else { Ok(()) }).await;
    assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Queued);
    bench.settled(1).await;
    let at: Vec<_> = bench.tellings().into_iter().map(|(_, at)| at).collect();
    assert_eq!(at.len(), 3);
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    for (pause, full) in pauses.iter().zip([SECOND, 2 * SECOND]) {
        assert!((full / 2..=full).contains(pause), "{pauses:?}");
    }
    let postponed = bench.store.postponed();
    assert_eq!(postponed.iter().map(|it| it.attempts).collect::<Vec<_>>(), [1, 2]);
    assert!(postponed.iter().zip(&at[1..]).all(|(it, at)| it.due_at == wall(*at)), "{postponed:?}");
    assert_eq!((bench.metrics.done.get(), bench.metrics.failed.get()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_time_that_a_server_asks_for_is_left_to_it() {
    let bench =
        Bench::start(vec![], |_, times| if times < 2 { Err(busy(90 * SECOND)) } else { Ok(()) }).await;
    assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Queued);
    bench.settled(1).await;
    assert_eq!(bench.tellings()[1], (1, 90 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn what_is_configured_wrongly_is_tried_every_few_minutes() {
    let bench = Bench::start(vec![], |_, times| if times < 2 { Err(misconfigured()) } else { Ok(()) }).await;
    assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Queued);
    bench.settled(1).await;
    let pause = bench.tellings()[1].1;
    assert!((150 * SECOND..=300 * SECOND).contains(&pause), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_three_seconds_at_most_and_cancels_nothing_by_giving_up() {
    let bench = Bench::start_slow(10 * SECOND).await;
    let began = Instant::now();
    assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Queued);
    assert_eq!(began.elapsed(), 3 * SECOND);
    let call = bench.propagated(delivery(2, ACME), SECOND);
    assert_eq!(call.await, Upstream::Queued, "or as long as it has time");
    assert_eq!(began.elapsed(), 4 * SECOND);
    drop(timeout(SECOND, bench.deliver_now(delivery(3, ACME))).await);
    for id in 1..=3 {
        bench.settled(id).await;
    }
    assert_eq!(bench.tellings().len(), 3, "each once");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt_and_ends_nothing() {
    let bench = Bench::start(vec![], |_, times| if times < 2 { panic!("a bug") } else { Ok(()) }).await;
    assert_eq!(bench.deliver_now(delivery(1, ACME)).await, Upstream::Queued);
    bench.settled(1).await;
}
