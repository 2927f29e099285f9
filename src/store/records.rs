//! What a store keeps of revocations and sessions, whichever store it is.

use std::{fmt, str::FromStr};

use crate::domain::{
    revocation::{Revocation, Target},
    secret::Secret,
    time::UnixTime,
};

/// Where in the one order of all revocations something stands (R8). Opaque to callers: they hand back what they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Drawn when the store was made: another epoch is another history, about which this one says nothing.
    pub epoch: u64,
    /// How many orders had been recorded.
    pub sequence: u64,
}

/// Not a revision that any store gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a revision")]
pub struct NotARevision;

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.epoch, self.sequence)
    }
}

impl FromStr for Revision {
    type Err = NotARevision;

    fn from_str(text: &str) -> Result<Self, NotARevision> {
        let (epoch, sequence) = text.split_once('-').ok_or(NotARevision)?;
        let revision = Self {
            epoch: u64::from_str_radix(epoch, 16).map_err(|_invalid| NotARevision)?,
            sequence: sequence.parse().map_err(|_invalid| NotARevision)?,
        };
        // One way to write each.
        if revision.to_string() == text { Ok(revision) } else { Err(NotARevision) }
    }
}

/// What is recorded as one: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Merged with what is there for the same targets (R11).
    pub revocations: Vec<Revocation>,
    /// Sessions that end with it.
    pub ending: Option<Ending>,
    /// What the identity provider has to be told.
    pub deliveries: Vec<Delivery>,
}

/// Which sessions end. Sessions that have ended already are none of them.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Whose: one session's target, or a subject's for all its sessions.
    pub of: Target,
    /// Only those that began no later than this.
    pub begun_up_to: UnixTime,
    /// Not this one.
    pub except: Option<Target>,
    /// When they end.
    pub at: UnixTime,
    /// Each gets a revocation of its own that lives so long in memory...
    pub until: UnixTime,
    /// ...and so long in the store, as does its record.
    pub kept_until: UnixTime,
}

/// What a recorded order came to.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where it stands.
    pub revision: Revision,
    /// The sessions that it ended, as they are now.
    pub ended: Vec<SessionRecord>,
}

/// A session as far as revocations need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// `iss`.
    pub issuer: String,
    /// The issuer's id for it.
    pub session_id: String,
    /// `sub`.
    pub subject: String,
    /// The client that it was first seen with.
    pub client_id: String,
    /// The earliest that is known of it: `auth_time`, or when the first token seen was issued.
    pub began_at: UnixTime,
    /// If it has ended, when. It never begins again.
    pub ended_at: Option<UnixTime>,
    /// When the record may go.
    pub kept_until: UnixTime,
}

impl SessionRecord {
    /// What revocations call it.
    pub fn target(&self) -> Target {
        Target::session(&self.issuer, &self.session_id)
    }

    /// What they call its subject.
    pub fn subject_target(&self) -> Target {
        Target::subject(&self.issuer, &self.subject)
    }

    /// The same, ended by a revocation of it.
    #[must_use]
    pub fn ended_by(self, revocation: &Revocation) -> Self {
        Self {
            ended_at: self.ended_at.or(Some(revocation.made_at)),
            kept_until: self.kept_until.max(revocation.kept_until),
            ..self
        }
    }

    /// Both, as one: the earlier beginning and end, the longer life, whoever came first for the rest.
    #[must_use]
    pub fn merge(self, other: &Self) -> Self {
        let ended_at = match (self.ended_at, other.ended_at) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        Self {
            began_at: self.began_at.min(other.began_at),
            ended_at,
            kept_until: self.kept_until.max(other.kept_until),
            ..self
        }
    }
}

/// What a store holds about a session, and about whom else its tokens can be revoked by, in one consistent state (S5).
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// Its record.
    pub session: Option<SessionRecord>,
    /// Of the targets that were asked about, what is kept, second lives included.
    pub revocations: Vec<Revocation>,
}

/// All revocations of which something can be valid, and where in the order that was.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Where.
    pub revision: Revision,
    /// All of them that are kept, in no order; of some the first life is over.
    pub revocations: Vec<Revocation>,
}

/// Something to tell an identity provider, kept until it has been told or nobody would care any more.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Random.
    pub id: [u8; 16],
    /// The `iss` of whom to tell.
    pub issuer: String,
    /// What to tell, sealed wherever it is kept.
    pub content: Secret,
    /// How often it was tried.
    pub attempts: u32,
    /// When to try next.
    pub due_at: UnixTime,
    /// When to give up.
    pub not_after: UnixTime,
}
