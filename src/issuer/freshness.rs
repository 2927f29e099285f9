//! When to fetch an issuer's keys, and what it means that a key is missing: decisions without a clock, without I/O.
//!
//! [`Fetching`] is the whole state, time is a [`Tick`] that the caller passes in, chance a [`Jitter`]. One fetch runs at a
//! time. A *scheduled* fetch is due by age; a *demand* fetch is asked for by a token that the held keys cannot explain, and
//! has a budget: one per `min_refetch`, whatever it was asked for and however it ended (K3).

use std::time::Duration;

use super::settings::KeyFreshness;

/// The first pause after a failed fetch; it doubles.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Up to this, or to `min_refetch` where that is longer: a small `min_refetch` is made for new keys that must be found at
/// once, not for knocking at a provider that is down.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// A moment of elapsed time, in nanoseconds from an issuer's start. A key set from the store is from before: negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(i64);

impl Tick {
    /// The issuer's start.
    pub(super) const START: Self = Self(0);

    /// Later by `by`, saturating (292 years).
    #[must_use]
    pub(super) fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }

    /// Earlier by `by`, saturating.
    #[must_use]
    pub(super) fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by)))
    }

    /// How long `self` lies after `earlier`; zero if it does not.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// A drawn number between 0 and 1, so that replicas that started together do not fetch together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter(f64);

impl Jitter {
    /// The number as a fraction of `u32::MAX`.
    pub(super) fn new(drawn: u32) -> Self {
        Self(f64::from(drawn) / f64::from(u32::MAX))
    }

    /// A fresh one. Should the machine have no random numbers, all come at the latest moment.
    pub(super) fn draw() -> Self {
        let mut bytes = [0; 4];
        match aws_lc_rs::rand::fill(&mut bytes) {
            Ok(()) => Self::new(u32::from_ne_bytes(bytes)),
            Err(_no_randomness) => Self(1.0),
        }
    }

    /// Between `least` parts of `duration` and all of it: only ever earlier.
    pub(super) fn shorten(self, duration: Duration, least: f64) -> Duration {
        duration.mul_f64(least + (1.0 - least) * self.0).min(duration)
    }
}

/// Why a fetch is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The held set's age.
    Scheduled,
    /// A token that the held set cannot explain.
    Demand,
}

impl Trigger {
    /// As in metrics and traces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Demand => "demand",
        }
    }
}

/// How the attempts so far ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempts {
    NoneYet,
    LastSucceeded,
    LastFailed { in_a_row: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    Idle,
    /// A demand fetch was asked for, and the keeper has not begun it.
    Demanded,
    Running(Trigger),
}

/// What happens to a wish for a demand fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Demand {
    /// It starts now; it is over when more than `finished` attempts are.
    Start { finished: u64 },
    /// One is under way that will tell as much; it is over when more than `finished` attempts are.
    Join { finished: u64 },
    /// The budget is used up: conclude from what is known.
    Refused,
    /// The last attempt failed and is being repeated: nobody can tell, and waiting for a provider that is down would only
    /// pile up requests.
    Failing,
}

/// What it means that no key fits (K12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Conclusion {
    /// The issuer has no such key: the token is to blame.
    Unknown,
    /// Nobody can tell: the last attempt failed, or there is no set young enough.
    Unavailable,
}

/// What the keeper does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Next {
    Fetch(Trigger),
    /// Nothing before this moment, unless a demand comes.
    Wait {
        until: Tick,
    },
}

/// Whether keys that were last known to be the published ones at `confirmed_at` may still verify. Asked at each use.
pub(super) fn is_usable(confirmed_at: Tick, now: Tick, rules: &KeyFreshness) -> bool {
    now.since(confirmed_at) < rules.max_age()
}

/// Everything about one issuer's fetches that decides what happens next.
#[derive(Debug)]
pub(super) struct Fetching {
    rules: KeyFreshness,
    /// When the held set was last known to be the published one: the *start* of that attempt, since the answer may be as
    /// old as that.
    confirmed_at: Option<Tick>,
    attempts: Attempts,
    finished: u64,
    activity: Activity,
    demanded_at: Option<Tick>,
    due: Tick,
}

impl Fetching {
    /// At an issuer's start. The first fetch is due and counts as running, so that lookups that come before the keeper
    /// has begun wait for it and leave the demand budget alone.
    pub(super) fn new(rules: KeyFreshness) -> Self {
        Self {
            rules,
            confirmed_at: None,
            attempts: Attempts::NoneYet,
            finished: 0,
            activity: Activity::Running(Trigger::Scheduled),
            demanded_at: None,
            due: Tick::START,
        }
    }

    /// No key of the held set explains a token: whether to fetch for it.
    pub(super) fn demand(&mut self, now: Tick) -> Demand {
        let finished = self.finished;
        match self.activity {
            Activity::Running(Trigger::Scheduled) if matches!(self.attempts, Attempts::LastFailed { .. }) => {
                Demand::Failing
            }
            Activity::Demanded | Activity::Running(_) => Demand::Join { finished },
            Activity::Idle if self.demanded_at.is_some_and(|at| now.since(at) < self.rules.min_refetch()) => {
                Demand::Refused
            }
            Activity::Idle => {
                self.activity = Activity::Demanded;
                self.demanded_at = Some(now);
                Demand::Start { finished }
            }
        }
    }

    /// No key of the held set explains a token, and there is nothing left to wait for.
    pub(super) fn conclude(&self, now: Tick) -> Conclusion {
        match self.attempts {
            Attempts::LastSucceeded if self.has_usable_set(now) => Conclusion::Unknown,
            Attempts::NoneYet | Attempts::LastSucceeded | Attempts::LastFailed { .. } => {
                Conclusion::Unavailable
            }
        }
    }

    /// The keeper has nothing to do: what now? Begins what it answers.
    pub(super) fn begin(&mut self, now: Tick) -> Next {
        match self.activity {
            Activity::Demanded => {
                // Counted from here, not from when it was asked for: the issuer sees the starts.
                self.demanded_at = Some(now);
                self.activity = Activity::Running(Trigger::Demand);
                Next::Fetch(Trigger::Demand)
            }
            Activity::Idle | Activity::Running(_) if now >= self.due => {
                self.activity = Activity::Running(Trigger::Scheduled);
                Next::Fetch(Trigger::Scheduled)
            }
            Activity::Idle | Activity::Running(_) => Next::Wait { until: self.due },
        }
    }

    /// A set from the store is held; it is no attempt, and the first fetch stays due.
    pub(super) fn restored(&mut self, confirmed_at: Tick) {
        self.confirmed_at = Some(confirmed_at);
    }

    /// The attempt that began at `started` ended well at `now`. `lifetime` is what the answer's headers said about its
    /// freshness: it can bring the next fetch forward, never put it off (K2), and never below `min_refetch`.
    pub(super) fn succeeded(&mut self, started: Tick, now: Tick, lifetime: Option<Duration>, jitter: Jitter) {
        let (least, most) = (self.rules.min_refetch(), self.rules.refresh_after());
        let interval = jitter.shorten(lifetime.unwrap_or(most).min(most), 0.9).max(least);
        self.confirmed_at = Some(started);
        self.attempts = Attempts::LastSucceeded;
        self.due = started.plus(interval).max(now);
        self.finish();
    }

    /// The attempt ended badly at `now`. What is held stays as it is (K1).
    pub(super) fn failed(&mut self, now: Tick, jitter: Jitter) {
        let in_a_row = match self.attempts {
            Attempts::LastFailed { in_a_row } => in_a_row.saturating_add(1),
            Attempts::NoneYet | Attempts::LastSucceeded => 1,
        };
        let pause = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(in_a_row.saturating_sub(1)));
        // Never beyond `refresh_after`, however short that is: what was withdrawn must be noticed by then (K2).
        let longest = LAST_RETRY.max(self.rules.min_refetch()).min(self.rules.refresh_after());
        let retry = now.plus(jitter.shorten(pause.min(longest), 0.5));
        // A failed demand fetch must not put off a scheduled one.
        self.due = if self.due > now { self.due.min(retry) } else { retry };
        self.attempts = Attempts::LastFailed { in_a_row };
        self.finish();
    }

    fn finish(&mut self) {
        self.activity = Activity::Idle;
        self.finished = self.finished.saturating_add(1);
    }

    /// How many attempts have ended.
    pub(super) fn finished(&self) -> u64 {
        self.finished
    }

    /// Whether a set is held that may verify now.
    pub(super) fn has_usable_set(&self, now: Tick) -> bool {
        self.confirmed_at.is_some_and(|at| is_usable(at, now, &self.rules))
    }

    /// How long until asking again makes sense: until the next fetch, but at least a second and at most `min_refetch`; soon
    /// if one is under way.
    pub(super) fn retry_after(&self, now: Tick) -> Duration {
        if self.activity != Activity::Idle {
            return FIRST_RETRY;
        }
        self.due.since(now).min(self.rules.min_refetch()).max(FIRST_RETRY)
    }
}

#[cfg(test)]
mod tests;
