//! The decision.

use std::time::Duration;

use super::{
    RefreshDigest,
    family::{Answered, Attempt, Ended, Family, Phase, Spent, Unknown},
};
use crate::domain::{limit::Limit, time::UnixTime};

/// The first pause between two lost answers...
const AGAIN: Duration = Duration::from_secs(1);
/// ...which doubles up to this.
const AT_MOST: Duration = Duration::from_mins(5);

/// How a provider treats a refresh token that was exchanged (sessions of all kinds: `issuers[].refresh`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays good: the provider never replaces it, or not for its use.
    None,
    /// It is spent, and its second use may end everything.
    Strict,
    /// It is spent after this time, within which it can be used again.
    Graceful {
        /// From its first use.
        grace: Duration,
    },
}

/// By what is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How the provider rotates.
    pub rotation: Rotation,
    /// How long an answer is given again to whoever presents its token.
    pub replay: Duration,
    /// The same as long as its successor has not been presented. Never less than `replay`.
    pub replay_max: Duration,
    /// How long spent tokens are remembered.
    pub lineage: Duration,
    /// How long others wait for an owner.
    pub lease: Duration,
    /// How many attempts a family has.
    pub limit: Limit,
}

/// What to do for whoever presents a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is to be sent, after the family was stored as begun.
    Begin,
    /// Somebody is at it: look again, at the latest then.
    Wait {
        /// When the owner's lease ends.
        until: UnixTime,
    },
    /// The kept answer to this token, unless another client's.
    Replay,
    /// The kept answer belongs to a client that showed another certificate, or one at all.
    OtherBinding,
    /// It was sent, and whether it can be sent again is decided later.
    Undecided {
        /// When.
        at: UnixTime,
    },
    /// Too many attempts.
    Limited {
        /// How long there will be none.
        retry_after: Duration,
    },
    /// The family has ended.
    Ended(Ended),
    /// The family has to end: somebody has a token who must not.
    Theft,
    /// The family has to end: its only token that works went to nobody.
    Lost,
}

/// A token as it was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'s> {
    /// Which.
    pub token: &'s RefreshDigest,
    /// The certificate that it was shown together with.
    pub binding: Option<&'s [u8; 32]>,
    /// When, by the clock that the family's times are of; at most now, and earlier if it had to wait here.
    pub at: UnixTime,
}

/// What becomes of a token that was presented. The family is the one that it belongs to. Whether its time was over, and whether
/// it is theft, is judged as of when it was presented: nobody is to blame for what happened before he was looked at.
pub fn decide(family: &Family, shown: Shown<'_>, now: UnixTime, rules: &Rules) -> Decision {
    if let Phase::Ended { why, .. } = family.phase {
        return Decision::Ended(why);
    }
    // A provider that gives an old token again makes it the one to present.
    if let Some(spent) = family.as_spent(shown.token).filter(|_spent| family.current != *shown.token) {
        return of_spent(spent, family, shown, rules);
    }
    match family.answered {
        Some(Answered { to, at, .. }) if to == *shown.token && shown.at <= at.plus(rules.replay) => {
            of_binding(family.bindings(shown.token), shown.binding)
        }
        _long_ago_or_never => current(family, now, rules),
    }
}

fn of_spent(spent: &Spent, family: &Family, shown: Shown<'_>, rules: &Rules) -> Decision {
    // Of two that were presented in the same millisecond, nobody can say which came first.
    let was_successor_seen = spent.successor_seen_at.is_some_and(|seen_at| seen_at < shown.at);
    let window = if was_successor_seen { rules.replay } else { rules.replay_max };
    if shown.at <= spent.at.plus(window) {
        of_binding(family.bindings(shown.token), shown.binding)
    } else if was_successor_seen {
        Decision::Theft
    } else {
        Decision::Lost
    }
}

fn of_binding(kept: [Option<[u8; 32]>; 2], shown: Option<&[u8; 32]>) -> Decision {
    let is_another = kept.iter().flatten().any(|kept| shown != Some(kept));
    if is_another { Decision::OtherBinding } else { Decision::Replay }
}

/// The current token, or one that is not known to have been another.
fn current(family: &Family, now: UnixTime, rules: &Rules) -> Decision {
    if let Phase::Begun(Attempt { lease_until, .. }) | Phase::Sent(Attempt { lease_until, .. }) = family.phase
        && now < lease_until
    {
        return Decision::Wait { until: lease_until };
    }
    if let Some(unknown) = family.unknown(now) {
        let at = again_at(&unknown, family, now, rules);
        if now < at {
            return Decision::Undecided { at };
        }
    }
    match rules.limit.take(family.attempts_until, now) {
        Ok(_room) => Decision::Begin,
        Err(too_often) => Decision::Limited { retry_after: too_often.retry_after },
    }
}

/// When a token whose answer was lost may be sent again.
fn again_at(unknown: &Unknown, family: &Family, now: UnixTime, rules: &Rules) -> UnixTime {
    let paused = unknown.since.plus(pause(unknown.times)).max(unknown.not_before);
    let spares = match rules.rotation {
        Rotation::None => false,
        // The provider counts from the first use, which was a lease before it was given up at most; and nobody may have come
        // to send it again in time.
        Rotation::Graceful { grace } => {
            paused.max(now) >= unknown.first_at.plus(grace.saturating_sub(rules.lease))
        }
        Rotation::Strict => true,
    };
    match family.access_expires_at {
        Some(end) if spares => paused.max(end),
        _nothing_to_spare => paused,
    }
}

/// None after the first, then longer and longer.
fn pause(times: u32) -> Duration {
    match times.checked_sub(2) {
        None => Duration::ZERO,
        Some(more) => AGAIN.saturating_mul(2_u32.saturating_pow(more)).min(AT_MOST),
    }
}
