//! Waiting for a condition: the only place in the tests that lets time pass.

use std::{future::Future, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer, and returns it. Fails the test, naming `what`, once `within` has passed.
pub(crate) async fn until<T>(what: &str, within: Duration, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = interval(BETWEEN_ATTEMPTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let answered = async {
        loop {
            ticks.tick().await;
            if let Some(answer) = attempt().await {
                return answer;
            }
        }
    };
    timeout(within, answered).await.unwrap_or_else(|_late| panic!("not within {within:?}: {what}"))
}

/// The future's output. Fails the test, naming `what`, once `within` has passed.
pub(crate) async fn within<F: Future>(what: &str, within: Duration, future: F) -> F::Output {
    timeout(within, future).await.unwrap_or_else(|_late| panic!("not within {within:?}: {what}"))
}
