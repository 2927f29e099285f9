//! A provider that is down costs itself, and nobody else.

use super::{double::OTHER, *};

#[tokio::test(start_paused = true)]
async fn one_dead_provider_is_asked_rarely_and_holds_up_no_other() {
    let dead: Vec<_> = (1..=100).map(|id| delivery(id, ACME)).collect();
    let down = |delivery: &Delivery, _| if delivery.issuer == ACME { Err(unavailable()) } else { Ok(()) };
    let bench = Bench::start(dead, down).await;
    tokio::time::sleep(600 * SECOND).await;
    let asked = bench.tellings().len();
    assert!(asked < 30, "{asked} requests in ten minutes");

    let began = Instant::now();
    assert_eq!(bench.deliver_now(delivery(101, OTHER)).await, Upstream::Done);
    assert_eq!(bench.deliver_now(delivery(102, ACME)).await, Upstream::Queued);
    assert_eq!(began.elapsed(), Duration::ZERO, "it is known to be down");
    assert!(bench.exposition().contains("upstream_revocations_pending 101\n"));
    assert!(bench.exposition().contains("upstream_revocations_oldest_seconds 600.0\n"));
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_takes_four_places_and_leaves_the_others() {
    let stuck: Vec<_> = (1..=50).map(|id| delivery(id, ACME)).collect();
    let bench = Bench::start_hanging(stuck, ACME).await;
    bench.told(4).await;
    assert_eq!(bench.deliver_now(delivery(51, OTHER)).await, Upstream::Done);
    assert_eq!(bench.tellings().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn when_it_is_back_everything_is_delivered() {
    let all: Vec<_> = (1..=100).map(|id| delivery(id, ACME)).collect();
    let back = Instant::now() + 600 * SECOND;
    let until = move |_: &Delivery, _| if Instant::now() < back { Err(unavailable()) } else { Ok(()) };
    let bench = Bench::start(all, until).await;
    for id in 1..=100 {
        bench.settled(id).await;
    }
    assert!(bench.elapsed() < 1200 * SECOND, "{:?}", bench.elapsed());
    assert_eq!(bench.metrics.done.get(), 100);
}
