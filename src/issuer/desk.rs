//! Where lookups and the keeper meet: lookups leave a wish and wait for an attempt to end, the keeper takes the wishes.
//!
//! A lookup waits on a count of finished attempts and owns nothing of the fetch, so giving up cancels nothing (K10).

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, watch},
    time::Instant,
};

use super::{
    freshness::{Conclusion, Demand, Fetching, Jitter, Next, Tick, Trigger},
    settings::KeyFreshness,
};
use crate::ops::trace::Cause;

/// How many lookups of one issuer wait for a fetch at once: few beside `limits.max_concurrent`, so that one issuer's slow
/// provider does not hold up the others.
const WAITING_LOOKUPS: usize = 256;

/// Shared by one issuer's lookups and its keeper.
#[derive(Debug)]
pub(super) struct Desk {
    epoch: Instant,
    /// Never held across an await; lookups take it only when a key is missing.
    state: Mutex<Fetching>,
    wake: Notify,
    /// The traced lookup that the next attempt is for, if any.
    cause: Mutex<Option<Cause>>,
    finished: watch::Receiver<u64>,
    seats: Semaphore,
}

/// The keeper's end: announces finished attempts. Once it is dropped nobody waits any more.
#[derive(Debug)]
pub(super) struct Announcer(watch::Sender<u64>);

/// Too many lookups wait: this one cannot learn what the running attempt brings.
#[derive(Debug)]
pub(super) struct NoSeat;

impl Desk {
    /// A desk that opens now.
    pub(super) fn open(rules: KeyFreshness) -> (Self, Announcer) {
        let (announcer, finished) = watch::channel(0);
        let desk = Self {
            epoch: Instant::now(),
            state: Mutex::new(Fetching::new(rules)),
            wake: Notify::new(),
            cause: Mutex::default(),
            finished,
            seats: Semaphore::new(WAITING_LOOKUPS),
        };
        (desk, Announcer(announcer))
    }

    /// The time now.
    pub(super) fn now(&self) -> Tick {
        Tick::START.plus(self.epoch.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, Fetching> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a demand fetch, and wakes the keeper if that starts one.
    pub(super) fn demand(&self) -> Demand {
        // Held until the cause is there, so that the keeper cannot begin without it.
        let mut state = self.state();
        let demand = state.demand(self.now());
        match demand {
            Demand::Start { .. } => {
                *self.cause() = Cause::current();
                self.wake.notify_one();
            }
            Demand::Join { .. } | Demand::Refused | Demand::Failing => {}
        }
        demand
    }

    fn cause(&self) -> MutexGuard<'_, Option<Cause>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the attempt is for that begins now, if that is traced.
    pub(super) fn take_cause(&self) -> Option<Cause> {
        self.cause().take()
    }

    /// Returns once more than `seen` attempts are finished, or once what is on the shelf is `enough`; at once, and with an
    /// error, where too many lookups wait already.
    pub(super) async fn wait_seated(
        &self,
        seen: u64,
        enough: impl Fn() -> bool + Send + Sync,
    ) -> Result<(), NoSeat> {
        let _seat = self.seats.try_acquire().map_err(|_taken| NoSeat)?;
        self.wait_or(seen, enough).await;
        Ok(())
    }

    /// Returns once more than `seen` attempts are finished or no further one ever will be.
    pub(super) async fn wait(&self, seen: u64) {
        self.wait_or(seen, || false).await;
    }

    /// The same, or once what is on the shelf is `enough`.
    pub(super) async fn wait_or(&self, seen: u64, enough: impl Fn() -> bool + Send + Sync) {
        let mut finished = self.finished.clone();
        if finished.wait_for(|finished| *finished > seen || enough()).await.is_err() {
            tracing::debug!("the key keeper has stopped, nothing to wait for");
        }
    }

    /// What a missing key means now. Where the keeper is gone nobody will look again, so nobody can tell.
    pub(super) fn conclude(&self) -> Conclusion {
        if self.finished.has_changed().is_err() {
            return Conclusion::Unavailable;
        }
        self.state().conclude(self.now())
    }

    /// See [`Fetching::retry_after`].
    pub(super) fn retry_after(&self) -> Duration {
        self.state().retry_after(self.now())
    }

    /// The keeper's next fetch; returns when it is to begin.
    pub(super) async fn next_fetch(&self) -> Trigger {
        loop {
            let now = self.now();
            // Bound first: a guard in the match would be held across the wait.
            let next = self.state().begin(now);
            match next {
                Next::Fetch(trigger) => return trigger,
                Next::Wait { until } => {
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep(until.since(now)) => {}
                    }
                }
            }
        }
    }

    /// See [`Fetching::restored`].
    pub(super) fn restored(&self, confirmed_at: Tick) {
        self.state().restored(confirmed_at);
    }

    /// See [`Fetching::succeeded`].
    pub(super) fn succeeded(&self, started: Tick, lifetime: Option<Duration>, jitter: Jitter) -> Standing {
        let now = self.now();
        self.change(|state| state.succeeded(started, now, lifetime, jitter))
    }

    /// See [`Fetching::failed`].
    pub(super) fn failed(&self, jitter: Jitter) -> Standing {
        let now = self.now();
        self.change(|state| state.failed(now, jitter))
    }

    fn change(&self, change: impl FnOnce(&mut Fetching)) -> Standing {
        let mut state = self.state();
        change(&mut state);
        let has_usable_set = state.has_usable_set(self.now());
        Standing { finished: state.finished(), has_usable_set }
    }
}

/// Where an issuer stands after an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) finished: u64,
    pub(super) has_usable_set: bool,
}

impl Announcer {
    /// Lets the waiting lookups go on. After the snapshot is swapped and the state changed, never before.
    pub(super) fn announce(&self, standing: Standing) {
        self.0.send_replace(standing.finished);
    }

    /// Lets those who wait look at the shelf, though no attempt is finished.
    pub(super) fn announce_restored(&self) {
        self.0.send_modify(|_finished| {});
    }
}
