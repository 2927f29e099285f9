//! Waiting for a condition.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

/// Long, because a loaded machine is no failure.
pub(super) const LONG: Duration = Duration::from_mins(1);

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// Asks again and again until it is so. Fails the test, naming `what`, after a minute.
pub(crate) async fn until(what: &str, mut attempt: impl AsyncFnMut() -> bool) {
    let mut ticks = interval(BETWEEN_ATTEMPTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let holds = async {
        loop {
            ticks.tick().await;
            if attempt().await {
                return;
            }
        }
    };
    timeout(LONG, holds).await.unwrap_or_else(|_late| panic!("not within {LONG:?}: {what}"));
}
