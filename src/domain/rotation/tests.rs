mod decisions;
mod model;
mod transitions;

use std::time::Duration;

use super::*;
use crate::domain::{limit::Limit, time::UnixTime};

const LIMIT: Limit = Limit { burst: 10, per: Duration::from_mins(15) };
const GRACEFUL: Rotation = Rotation::Graceful { grace: Duration::from_secs(30) };

/// The defaults.
fn rules(rotation: Rotation) -> Rules {
    Rules {
        rotation,
        replay: Duration::from_secs(30),
        replay_max: Duration::from_mins(10),
        lineage: Duration::from_hours(24),
        lease: Duration::from_secs(12),
        limit: LIMIT,
    }
}

fn at(secs: i64) -> UnixTime {
    UnixTime::from_secs(1_000_000 + secs)
}

/// What becomes of a token that is presented now.
fn decide_now(
    family: &Family,
    token: &RefreshDigest,
    binding: Option<&[u8; 32]>,
    now: UnixTime,
    rules: &Rules,
) -> Decision {
    decide(family, Shown { token, binding, at: now }, now, rules)
}

/// The digest of the refresh token R`number`.
fn r(number: u32) -> RefreshDigest {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    RefreshDigest(bytes)
}
