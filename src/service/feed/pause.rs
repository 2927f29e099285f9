//! How long to wait before asking the store again: longer each time, and not as long as the other replicas.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aws_lc_rs::rand;

use crate::ops::backoff;

/// The first pause; it doubles...
const FIRST: Duration = Duration::from_millis(100);
/// ...up to this.
const LAST: Duration = Duration::from_secs(5);

/// Numbers between 0 and 1 without end, the same ones from the same seed. Nobody's safety depends on them.
#[derive(Debug)]
pub(super) struct Chance(AtomicU64);

impl Chance {
    /// From a seed that other replicas do not have; without randomness from one that they have, too.
    pub(super) fn fresh() -> Self {
        let mut seed = [0; 8];
        match rand::fill(&mut seed) {
            Ok(()) | Err(_) => Self::from_seed(u64::from_ne_bytes(seed)),
        }
    }

    /// From this seed.
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next one.
    fn next(&self) -> f64 {
        // SplitMix64.
        let mut mixed = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let high = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0);
        f64::from(high) / f64::from(u32::MAX)
    }

    /// One of so many.
    #[cfg(test)]
    pub(super) fn pick(&self, of: usize) -> usize {
        let drawn = (self.next() * 1_000_000.0).round();
        usize::try_from(Duration::from_secs_f64(drawn).as_secs()).unwrap() % of
    }

    /// Somewhere between the half of this and all of it.
    pub(super) fn shorten(&self, pause: Duration) -> Duration {
        pause.mul_f64(1.0 - self.next() / 2.0)
    }
}

/// The pauses while something comes to nothing.
#[derive(Debug)]
pub(super) struct Backoff(backoff::Backoff);

impl Default for Backoff {
    fn default() -> Self {
        Self(backoff::Backoff::new(FIRST, LAST))
    }
}

impl Backoff {
    /// The pause before the next try.
    pub(super) fn next(&mut self, chance: &Chance) -> Duration {
        self.0.next(chance.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_no_two_replicas_have_the_same() {
        let pauses = |chance: &Chance| {
            let mut backoff = Backoff::default();
            (0..20).map(|_| backoff.next(chance)).collect::<Vec<_>>()
        };
        let (one, another) = (pauses(&Chance::fresh()), pauses(&Chance::fresh()));
        assert_ne!(one, another);
        for (at, pause) in one.iter().enumerate() {
            let full = FIRST.saturating_mul(1 << at).min(LAST);
            assert!((full / 2..=full).contains(pause), "{at}: {pause:?}");
        }
    }
}
