//! Removing from the store, and from memory, what nobody needs any more.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::rand;

use super::bounded::BoundedClock;
use crate::{
    domain::{revocation::CLOCK_SET_BACK, time::Clock},
    state::revocations::Revocations,
    store::Store,
};

const EVERY: Duration = Duration::from_hours(1);

/// Sweeps one store, and the set beside it.
#[derive(Debug)]
pub struct Sweeper {
    store: Arc<dyn Store>,
    revocations: Arc<Revocations>,
    clock: BoundedClock,
    /// Whether others sweep the same store, too.
    among_others: bool,
}

impl Sweeper {
    /// To be made when the process starts: what its clock says then is believed.
    pub fn new(store: Arc<dyn Store>, revocations: Arc<Revocations>, clock: Arc<dyn Clock>) -> Self {
        Self { store, revocations, clock: BoundedClock::new(clock), among_others: false }
    }

    /// Others sweep the same store: each comes at another time.
    #[must_use]
    pub fn among_others(self) -> Self {
        Self { among_others: true, ..self }
    }

    /// Sweeps now and then once an hour, for as long as it is polled.
    pub async fn run(&self) {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            // What is over counts again if the clock is set back.
            self.revocations.sweep(self.clock.now());
            if self.among_others {
                tokio::time::sleep(somewhere_in(EVERY)).await;
            }
            let now = self.clock.now();
            if let Err(error) = self.store.sweep(now.minus(CLOCK_SET_BACK)).await {
                tracing::warn!(
                    error.message = %error,
                    "what is past its time could not be removed from the store; the next try is in an hour"
                );
            }
        }
    }
}

/// A part of a time, drawn anew.
fn somewhere_in(time: Duration) -> Duration {
    let mut drawn = [0; 2];
    match rand::fill(&mut drawn) {
        Ok(()) | Err(_) => time.mul_f64(f64::from(u16::from_ne_bytes(drawn)) / 65_536.0),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use tokio::time::Instant;

    use super::*;
    use crate::{domain::time::UnixTime, store::testing::memory::MemoryStore};

    #[derive(Debug)]
    struct Wall(AtomicI64);

    impl Clock for Wall {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn r3_a_clock_that_jumps_ahead_removes_nothing() {
        let wall = Arc::new(Wall(AtomicI64::new(1_000_000)));
        let store = Arc::new(MemoryStore::default());
        let (kept, clock): (Arc<dyn Store>, Arc<dyn Clock>) =
            (Arc::<MemoryStore>::clone(&store), Arc::<Wall>::clone(&wall));
        let sweeper = Sweeper::new(kept, Arc::new(Revocations::new(1)), clock);
        wall.0.store(99_000_000, Ordering::Relaxed);
        let within = |hours: u64| {
            let run = sweeper.run();
            tokio::time::timeout(Duration::from_hours(hours) + Duration::from_secs(1), run)
        };
        drop(within(2).await);
        let last = 1_000_000 + 2 * 3_600 + 60;
        assert_eq!(
            store.sweeps(),
            [last - 3 * 3_600, last - 2 * 3_600, last - 3_600].map(UnixTime::from_secs),
            "at once and then each hour, as far as the process has counted, an hour behind"
        );
        wall.0.store(1_000_500, Ordering::Relaxed);
        drop(within(0).await);
        assert_eq!(
            store.sweeps().last(),
            Some(&UnixTime::from_secs(1_000_500 - 3_600)),
            "an earlier clock is believed"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_sweeps_among_others_sweeps_as_often_and_not_at_their_times() {
        let wall: Arc<dyn Clock> = Arc::new(Wall(AtomicI64::new(1_000_000)));
        let first = async || {
            let store = Arc::new(MemoryStore::default());
            let kept: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
            let sweeper = Sweeper::new(kept, Arc::new(Revocations::new(1)), Arc::clone(&wall)).among_others();
            let start = Instant::now();
            let mut running = std::pin::pin!(sweeper.run());
            while store.sweeps().is_empty() {
                drop(tokio::time::timeout(Duration::from_millis(100), running.as_mut()).await);
            }
            start.elapsed()
        };
        let mut all = Vec::new();
        for _ in 0..5 {
            all.push(first().await);
        }
        assert!(all.iter().all(|it| *it <= EVERY + Duration::from_secs(1)), "{all:?}");
        assert!(all.windows(2).any(|pair| pair[0] != pair[1]), "{all:?}");
    }
}
