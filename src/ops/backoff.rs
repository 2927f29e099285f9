//! How long to wait before trying again.

use std::time::Duration;

/// Pauses that double, each shortened by chance, so that not all who wait come back at once.
#[derive(Debug)]
pub struct Backoff {
    pause: Duration,
    last: Duration,
}

impl Backoff {
    /// From the first up to the last.
    pub fn new(first: Duration, last: Duration) -> Self {
        Self { pause: first, last }
    }

    /// The next pause; `chance`, from 0 to 1, shortens it to the half at most.
    pub fn next(&mut self, chance: f64) -> Duration {
        let pause = self.pause;
        self.pause = pause.saturating_mul(2).min(self.last);
        pause.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}
