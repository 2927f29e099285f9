//! When tokens are refreshed, and by which times and limits.

use std::time::Duration;

use aws_lc_rs::digest;

use super::{limit::Limit, time::UnixTime};

/// The `refresh` section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshSettings {
    /// How long before its end a token should be refreshed; a fifth of its life, if that is shorter.
    pub early: Duration,
    /// How long an answer is given again to whoever presents its token.
    pub replay: Duration,
    /// The same as long as its successor has not been presented; never less than `replay`.
    pub replay_max: Duration,
    /// How long spent tokens are remembered.
    pub lineage: Duration,
    /// For one exchange at the issuer, with all that is sent again.
    pub upstream_timeout: Duration,
    /// How long others wait for whoever exchanges a token; at least two seconds more than `upstream_timeout`.
    pub lease: Duration,
    /// Exchanges of one token family.
    pub limit: Limit,
    /// Exchanges that one caller may cause.
    pub caller_limit: Limit,
    /// Exchanges at one issuer.
    pub issuer_limit: Limit,
    /// Exchanges at one issuer at the same time, of this process.
    pub max_concurrent: usize,
}

impl Default for RefreshSettings {
    fn default() -> Self {
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        Self {
            early: minute,
            replay: 30 * second,
            replay_max: 10 * minute,
            lineage: Duration::from_hours(24),
            upstream_timeout: 8 * second,
            lease: 12 * second,
            limit: Limit { burst: 10, per: 15 * minute },
            caller_limit: Limit { burst: 600, per: minute },
            issuer_limit: Limit { burst: 3_000, per: minute },
            max_concurrent: 64,
        }
    }
}

/// A token's life, as far as it is known when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// `iat`.
    pub issued_at: Option<UnixTime>,
    /// `exp`.
    pub expires_at: UnixTime,
}

impl Life {
    /// Whether a token should be refreshed by now: `early` before its end, or in the last fifth of a short life.
    ///
    /// Sessions that began together, after a deployment or an outage, would all be due together. So each is due up to a quarter
    /// of that time sooner, and how much is a matter of `name`, the session's or else the token's: the same on every replica,
    /// and at each time that somebody asks.
    pub fn is_due(self, now: UnixTime, early: Duration, name: &[u8]) -> bool {
        let whole = self.issued_at.map_or(Duration::MAX, |issued| self.expires_at.since(issued));
        let early = early.min(whole / 5);
        let sooner = early / 4;
        if now.plus(early.saturating_add(sooner)) < self.expires_at {
            return false;
        }
        // Only where it matters: most tokens that are asked about are young, and a digest takes longer than all of this.
        now.plus(early) >= self.expires_at
            || now.plus(early.saturating_add(sooner.saturating_mul(part(name)) / PARTS)) >= self.expires_at
    }
}

/// Into how many parts the time is divided within which sessions are spread.
const PARTS: u32 = 1 << 16;

/// Which of them is this one's.
fn part(name: &[u8]) -> u32 {
    match digest::digest(&digest::SHA256, name).as_ref() {
        [first, second, ..] => u32::from(u16::from_be_bytes([*first, *second])),
        _too_short => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(secs: i64) -> UnixTime {
        UnixTime::from_secs(1_000_000 + secs)
    }

    /// How many seconds before its end a token of so many seconds is first due.
    fn due(life: i64, early: Duration, name: &[u8]) -> i64 {
        let token = Life { issued_at: Some(at(0)), expires_at: at(life) };
        let first = (0..=life).find(|second| token.is_due(at(*second), early, name)).unwrap();
        life - first
    }

    #[test]
    fn a_token_is_due_early_and_up_to_a_quarter_of_that_sooner() {
        let all: Vec<i64> = (0..200_u32).map(|it| due(3600, MINUTE, &it.to_be_bytes())).collect();
        assert!(all.iter().all(|before| (60..=75).contains(before)), "{all:?}");
        // Spread over all of it, and evenly enough.
        for within in [60..65, 65..70, 70..76] {
            assert!(all.iter().filter(|before| within.contains(*before)).count() > 40, "{within:?}: {all:?}");
        }
    }

    #[test]
    fn of_a_short_life_it_is_the_last_fifth() {
        for name in [&b"a"[..], b"b", b"c", b""] {
            assert!((20..=25).contains(&due(100, MINUTE, name)), "{name:?}");
        }
        assert_eq!(due(3600, Duration::ZERO, b"a"), 0, "not before its end");
    }

    #[test]
    fn the_same_session_is_due_at_the_same_time_everywhere() {
        // Pinned: another hash would have every session due twice while replicas of two versions run.
        assert_eq!([part(b"session-1"), part(b"session-2"), part(b"")], [33801, 23952, 58288]);
    }

    proptest! {
        #[test]
        fn what_is_due_stays_due(
            life in 1_i64..100_000, early in 0_u64..4_000, now in 0_i64..100_000, name in any::<[u8; 4]>(),
        ) {
            let (early, now) = (Duration::from_secs(early), at(now));
            for token in [
                Life { issued_at: Some(at(0)), expires_at: at(life) },
                Life { issued_at: None, expires_at: at(life) },
            ] {
                if token.is_due(now, early, &name) {
                    prop_assert!(token.is_due(now.plus(Duration::from_millis(1)), early, &name));
                    prop_assert!(token.expires_at.since(now) <= early + early / 4);
                }
                prop_assert!(token.is_due(token.expires_at, early, &name));
            }
        }
    }
}
