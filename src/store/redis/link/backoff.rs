//! How long to wait before the next attempt to connect.

use std::time::Duration;

use aws_lc_rs::rand;

/// The first pause; it doubles.
const FIRST: Duration = Duration::from_millis(100);
/// Up to this.
const LAST: Duration = Duration::from_secs(5);

/// Pauses that double, each shortened by chance, so that replicas do not come back all at once.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(FIRST)
    }

    /// The next pause; `chance`, from 0 to 1, shortens it to the half at most.
    pub(super) fn next(&mut self, chance: f64) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LAST);
        pause.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// From 0 to 1; without random bytes, all pauses are the longest.
pub(super) fn chance() -> f64 {
    let mut bytes = [0; 4];
    match rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_unspecified) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_five_seconds_and_chance_halves_them_at_most() {
        let pauses = |chance| {
            let mut backoff = Backoff::new();
            [(); 8].map(|()| backoff.next(chance).as_millis())
        };
        assert_eq!(pauses(0.0), [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pauses(1.0), [50, 100, 200, 400, 800, 1600, 2500, 2500]);
        assert!((0..100).map(|_| chance()).all(|it| (0.0..=1.0).contains(&it)));
    }
}
