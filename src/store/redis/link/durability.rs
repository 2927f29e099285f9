//! When a write counts as stored.

use redis::{Cmd, Value};

use crate::store::redis::trouble::RedisTrouble;

/// How long a write waits for replicas or for the disk; a second batch that has to wait for the first still has its turn within
/// a caller's bound.
const WAIT_MILLIS: u32 = 800;

/// What follows a write on the same connection, so that it is known to be durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Confirm {
    /// Nothing: the answer to the write itself is enough, or nobody asked for more.
    #[default]
    Answer,
    /// That it is on the primary's disk (`WAITAOF`, from Redis 7.2).
    Disk,
    /// That so many replicas have it (`WAIT`).
    Replicas(u8),
    /// Nothing can: the server is configured so that it does not keep what it answers.
    Impossible(String),
}

impl Confirm {
    /// The command that asks.
    pub(super) fn command(&self) -> Option<Cmd> {
        match self {
            Self::Answer | Self::Impossible(_) => None,
            Self::Disk => Some(redis::cmd("WAITAOF").arg(1).arg(0).arg(WAIT_MILLIS).clone()),
            Self::Replicas(many) => Some(redis::cmd("WAIT").arg(*many).arg(WAIT_MILLIS).clone()),
        }
    }

    /// What its answer says.
    pub(super) fn judge(&self, answer: Option<&Value>) -> Result<(), RedisTrouble> {
        let enough = |wanted: u8, what: &str| {
            if let Some(Value::ServerError(error)) = answer {
                return Err(RedisTrouble::refused(error.code(), error.details()));
            }
            let have = answer.and_then(count).unwrap_or(0);
            if have >= i64::from(wanted) {
                return Ok(());
            }
            Err(RedisTrouble::NotDurable {
                missing: format!("{what} within {WAIT_MILLIS} ms: {have} of {wanted}"),
            })
        };
        match self {
            Self::Answer => Ok(()),
            Self::Disk => enough(1, "on the primary's disk"),
            Self::Replicas(many) => enough(*many, "replicas that have it"),
            Self::Impossible(why) => Err(RedisTrouble::NotDurable { missing: why.clone() }),
        }
    }
}

/// `WAIT` answers with a number, `WAITAOF` with two, the first of which is ours.
fn count(answer: &Value) -> Option<i64> {
    if let Value::Array(both) = answer {
        return both.first().and_then(count);
    }
    if let Value::Int(count) = answer { Some(*count) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_acknowledgements_are_not_durable() {
        let durable = |confirm: Confirm, answer| confirm.judge(Some(&answer)).is_ok();
        for (have, good) in [(0, false), (1, false), (2, true), (3, true)] {
            assert_eq!(durable(Confirm::Replicas(2), Value::Int(have)), good, "{have}");
        }
        let aof = |local| Value::Array(vec![Value::Int(local), Value::Int(5)]);
        assert!(durable(Confirm::Disk, aof(1)) && !durable(Confirm::Disk, aof(0)));
        assert!(!durable(Confirm::Disk, Value::Nil), "an answer that nobody understands is none");
        assert!(Confirm::Replicas(1).judge(None).is_err());
        assert!(Confirm::Answer.judge(None).is_ok());
        assert!(Confirm::Impossible("why".to_owned()).judge(None).is_err());
    }
}
