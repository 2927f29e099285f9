//! How often something may happen: the generic cell rate algorithm (GCRA, ITU-T I.371), as a function of time.

use std::time::Duration;

use super::time::UnixTime;

/// At most `burst` at once, and `burst` in every `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At least 1.
    pub burst: u32,
    /// Never zero.
    pub per: Duration,
}

/// It may not happen before then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too often; again in {retry_after:?}")]
pub struct TooOften {
    /// How long from now.
    pub retry_after: Duration,
}

impl Limit {
    /// One more at `now`. `until` is what the last call returned, or 1970: when all that has happened will be forgotten.
    pub fn take(self, until: UnixTime, now: UnixTime) -> Result<UnixTime, TooOften> {
        let step = self.per.checked_div(self.burst).unwrap_or(self.per);
        // After a clock was set back, or with a limit that was made narrower, it is as if the burst had just been used up.
        let next = until.min(now.plus(self.per)).max(now).plus(step);
        let ahead = next.since(now);
        match ahead.checked_sub(self.per) {
            Some(over) if !over.is_zero() => Err(TooOften { retry_after: over }),
            _within => Ok(next),
        }
    }

    /// What `until` is if one that was taken did not happen.
    #[must_use]
    pub fn give_back(self, until: UnixTime) -> UnixTime {
        until.minus(self.per.checked_div(self.burst).unwrap_or(self.per))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Limit = Limit { burst: 10, per: Duration::from_mins(15) };

    fn at(secs: i64) -> UnixTime {
        UnixTime::from_secs(1_000_000 + secs)
    }

    #[test]
    fn a_burst_passes_at_once_and_then_one_each_tenth_of_the_time() {
        let mut until = UnixTime::from_millis(0);
        for _one in 0..10 {
            until = LIMIT.take(until, at(0)).unwrap();
        }
        assert_eq!(LIMIT.take(until, at(0)), Err(TooOften { retry_after: Duration::from_secs(90) }));
        assert_eq!(LIMIT.take(until, at(89)), Err(TooOften { retry_after: Duration::from_secs(1) }));
        until = LIMIT.take(until, at(90)).unwrap();
        assert!(LIMIT.take(until, at(90)).is_err());
        assert!(LIMIT.take(LIMIT.give_back(until), at(90)).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_waiting_longer_than_one_takes() {
        let until = LIMIT.take(UnixTime::from_millis(0), at(86_400)).unwrap();
        assert_eq!(LIMIT.take(until, at(0)), Err(TooOften { retry_after: Duration::from_secs(90) }));
    }

    proptest! {
        #[test]
        fn within_any_per_no_more_than_twice_the_burst_pass(
            burst in 1_u32..20, steps in proptest::collection::vec(0_i64..5_000, 1..200),
        ) {
            let limit = Limit { burst, per: Duration::from_secs(10) };
            let (mut until, mut now, mut passed) = (UnixTime::from_millis(0), at(0), Vec::new());
            for step in steps {
                now = now.plus(Duration::from_millis(u64::try_from(step).unwrap()));
                if let Ok(next) = limit.take(until, now) {
                    until = next;
                    passed.push(now);
                }
            }
            for (n, one) in passed.iter().enumerate() {
                let within = passed[n..].iter().filter(|other| other.since(*one) < limit.per).count();
                prop_assert!(within <= 2 * usize::try_from(burst).unwrap());
            }
        }
    }
}
