//! How long to wait before telling again.

use std::time::Duration;

use crate::issuer::NotTold;
use crate::service::draws::Jitter;

/// The first pause; it doubles.
const FIRST: Duration = Duration::from_secs(1);
/// Up to this.
const LAST: Duration = Duration::from_mins(5);
/// The longest that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// Before the next attempt, after this many in a row that came to nothing. Jitter only ever shortens, to the half at most; what the
/// server asked for is never shortened.
pub(super) fn after(attempts: u32, not_told: &NotTold, jitter: Jitter) -> Duration {
    match not_told {
        NotTold::Unavailable { retry_after, .. } => {
            let asked = retry_after.unwrap_or_default().min(LONGEST_ASKED);
            backoff(attempts, jitter).max(asked)
        }
        // Until somebody has mended it; after the other two there is no next attempt.
        NotTold::Misconfigured(_) | NotTold::Unsupported(_) | NotTold::Refused(_) => shortened(LAST, jitter),
    }
}

/// The same where no server is involved.
pub(super) fn backoff(attempts: u32, jitter: Jitter) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    shortened(FIRST.saturating_mul(1 << doublings).min(LAST), jitter)
}

/// How far away an attempt may be that a store has kept: further only by a clock that was wrong.
pub(super) fn longest() -> Duration {
    LONGEST_ASKED
}

/// In whole milliseconds, as wall time is counted.
fn shortened(pause: Duration, jitter: Jitter) -> Duration {
    let shortened = pause.mul_f64(1.0 - jitter.0 / 2.0);
    Duration::from_millis(u64::try_from(shortened.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_a_second_to_five_minutes_and_jitter_halves_them_at_most() {
        let seconds = |attempts, jitter| backoff(attempts, Jitter(jitter)).as_secs_f64();
        for (attempts, full) in
            [(0, 1.0), (1, 1.0), (2, 2.0), (3, 4.0), (9, 256.0), (10, 300.0), (u32::MAX, 300.0)]
        {
            assert!((seconds(attempts, 0.0) - full).abs() < 1e-6, "{attempts}");
            assert!((seconds(attempts, 1.0) - full / 2.0).abs() < 1e-6, "{attempts}");
        }
    }

    #[test]
    fn what_a_server_asks_for_is_honoured_within_an_hour() {
        let asked = |secs| {
            let retry_after = Some(Duration::from_secs(secs));
            let trouble = NotTold::here("unavailable", "").trouble().clone();
            after(1, &NotTold::Unavailable { trouble, retry_after }, Jitter(1.0))
        };
        assert_eq!(asked(90), Duration::from_secs(90));
        assert_eq!(asked(0), Duration::from_millis(500), "no less than our own pause");
        assert_eq!(asked(1_000_000), Duration::from_hours(1));
    }
}
