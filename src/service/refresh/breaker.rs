//! Leaving a provider alone that does not answer (F10).

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many failures in a row before it is left alone.
const FAILURES: u32 = 5;
/// For so long at first...
const FIRST: Duration = Duration::from_secs(1);
/// ...then twice as long each time, up to this...
const LAST: Duration = Duration::from_secs(30);
/// ...and no longer than this even if it asks for more.
pub(super) const ASKED: Duration = Duration::from_mins(5);

/// One provider's, or one client's.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Breaker {
    /// Whether to try; if not, when. After a pause one at a time tries: whoever asks meanwhile waits for as long again.
    pub(super) fn pass(&self) -> Result<(), Duration> {
        let mut state = self.state();
        let now = Instant::now();
        match state.closed_until {
            Some(until) if now < until => Err(until.duration_since(now)),
            Some(_over) if state.failures >= FAILURES => {
                state.closed_until = Some(now + FIRST);
                Ok(())
            }
            _open => Ok(()),
        }
    }

    /// It answered. Whether it was left alone before.
    pub(super) fn succeeded(&self) -> bool {
        std::mem::take(&mut *self.state()).failures >= FAILURES
    }

    /// It did not. `asked`: how long it wants to be left alone; `chance`, from 0 to 1, shortens what it did not ask for. Whether it is
    /// left alone from now on.
    pub(super) fn failed(&self, asked: Option<Duration>, chance: f64) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let own = state.failures.checked_sub(FAILURES).map(|more| {
            let pause = FIRST.saturating_mul(2_u32.saturating_pow(more)).min(LAST);
            pause.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
        });
        let pause = own.into_iter().chain(asked.map(|asked| asked.min(ASKED))).max();
        if let Some(pause) = pause {
            let until = Instant::now() + pause;
            state.closed_until = Some(state.closed_until.map_or(until, |before| before.max(until)));
        }
        state.failures == FAILURES
    }

    /// Nobody but an operator can change what is wrong: left alone for so long.
    pub(super) fn rejected(&self, pause: Duration) {
        self.state().closed_until = Some(Instant::now() + pause);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn f10_five_failures_in_a_row_close_it_longer_and_longer_and_one_success_opens_it() {
        let breaker = Breaker::default();
        for _failure in 0..4 {
            assert!(!breaker.failed(None, 0.0));
            assert_eq!(breaker.pass(), Ok(()));
        }
        assert!(breaker.failed(None, 0.0));
        assert_eq!(breaker.pass(), Err(FIRST));
        advance(FIRST).await;
        assert_eq!(breaker.pass(), Ok(()), "one tries");
        assert!(breaker.pass().is_err(), "the others wait for it");
        assert!(!breaker.failed(None, 0.0), "it is left alone already");
        assert_eq!(breaker.pass(), Err(2 * FIRST));
        for _failure in 0..10 {
            breaker.failed(None, 0.0);
        }
        assert_eq!(breaker.pass(), Err(LAST));
        assert!(breaker.succeeded());
        assert_eq!(breaker.pass(), Ok(()));
        assert!(!breaker.succeeded());
    }

    #[tokio::test(start_paused = true)]
    async fn f10_what_the_provider_asks_for_counts_at_once_and_within_bounds() {
        let breaker = Breaker::default();
        breaker.failed(Some(Duration::from_secs(7)), 1.0);
        assert_eq!(breaker.pass(), Err(Duration::from_secs(7)));
        breaker.failed(Some(Duration::from_hours(7)), 1.0);
        assert_eq!(breaker.pass(), Err(ASKED));
    }
}
