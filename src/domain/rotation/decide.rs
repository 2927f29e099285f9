//! The decision.

use std::time::Duration;

use super::{
    RefreshDigest,
    family::{Answered, Attempt, Ended, Family, Phase, Unknown},
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

/// What becomes of `presented`, which was shown together with this certificate. The family is the one that it belongs to.
pub fn decide(
    family: &Family,
    presented: &RefreshDigest,
    binding: Option<&[u8; 32]>,
    now: UnixTime,
    rules: &Rules,
) -> Decision {
    if let Phase::Ended { why, .. } = family.phase {
        return Decision::Ended(why);
    }
    // A provider that gives an old token again makes it the one to present.
    let spent_at = family.spent_at(presented).filter(|_at| family.current != *presented);
    let latest = family.answered.filter(|answered| answered.to == *presented);
    match (latest, spent_at) {
        (Some(Answered { is_successor_seen: false, at, binding: kept, .. }), Some(_spent)) => {
            if now <= at.plus(rules.replay_max) { of_binding(kept.as_ref(), binding) } else { Decision::Lost }
        }
        // After its answer's refresh token was presented, or two of them were: this may be the slower third, and no thief.
        (_latest_or_not, Some(spent_at)) if now <= spent_at.plus(rules.replay) => {
            of_binding(family.answered.and_then(|answered| answered.binding).as_ref(), binding)
        }
        (_latest_or_not, Some(_long_ago)) => Decision::Theft,
        (Some(Answered { at, binding: kept, .. }), None) if now <= at.plus(rules.replay) => {
            of_binding(kept.as_ref(), binding)
        }
        (_long_ago_or_never, None) => current(family, now, rules),
    }
}

fn of_binding(kept: Option<&[u8; 32]>, shown: Option<&[u8; 32]>) -> Decision {
    match kept {
        Some(kept) if shown != Some(kept) => Decision::OtherBinding,
        _same_or_none => Decision::Replay,
    }
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
