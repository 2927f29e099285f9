//! How long to wait before the next attempt to connect.

use std::time::Duration;

use aws_lc_rs::rand;

use crate::ops::backoff::Backoff;

/// The first pause; it doubles.
const FIRST: Duration = Duration::from_millis(100);
/// Up to this.
const LAST: Duration = Duration::from_secs(5);

/// The pauses between attempts.
pub(super) fn backoff() -> Backoff {
    Backoff::new(FIRST, LAST)
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
            let mut backoff = backoff();
            [(); 8].map(|()| backoff.next(chance).as_millis())
        };
        assert_eq!(pauses(0.0), [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pauses(1.0), [50, 100, 200, 400, 800, 1600, 2500, 2500]);
        assert!((0..100).map(|_| chance()).all(|it| (0.0..=1.0).contains(&it)));
    }
}
