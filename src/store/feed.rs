//! A store that other replicas write to, too, and how a replica's set keeps up with it (R7, R8, R12).

use std::{fmt, time::Duration};

use super::{Answer, Found, Revision, entry};
use crate::domain::{revocation::Revocation, time::UnixTime};

/// What is asked of a shared store beside what every store does. All of it is asked of the primary, never of a read replica.
///
/// Each epoch is one life of one primary process: the script that records begins a new one when the counter is missing, or
/// when it runs in another process than the one before, because that one may have taken acknowledged writes with it (R12).
pub trait Feed: fmt::Debug + Send + Sync {
    /// Contact (R7): a write that is acknowledged at the configured durability, and where everything stood then.
    fn beat(&self) -> Answer<'_, Beat>;

    /// What the store was found to be when it was last looked at, which is not now.
    fn found(&self) -> Found;

    /// Where the feed ends. To be asked before the copy is read.
    fn end(&self) -> Answer<'_, End>;

    /// A part of the copy, in no order, beginning with `None`. Whatever was recorded before the first part was asked for is in
    /// one of the parts; what is recorded meanwhile may be.
    fn page(&self, place: Option<Place>) -> Answer<'_, Page>;

    /// What was recorded behind a position, in order; waits so long for the first of it, and is empty if nothing came. What the
    /// feed does not hold any more is left out silently: look at the sequence.
    fn follow<'f>(&'f self, position: &'f Position, wait: Duration) -> Answer<'f, Vec<Entry>>;

    /// What the copy holds, by the hour of `Revocation::until`, from this hour on.
    fn tallies(&self, from: Hour) -> Answer<'_, Vec<Tally>>;

    /// Every revocation of the copy whose `until` lies in an hour.
    fn of_hour(&self, hour: Hour) -> Answer<'_, Vec<Revocation>>;
}

/// An acknowledged write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// What had been recorded.
    pub revision: Revision,
    /// Where earlier epochs ended that this one goes on from, the latest first: everything up to these is in this one.
    pub predecessors: Vec<Revision>,
}

/// Somewhere in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The store's own name for it.
    pub id: String,
    /// What had been recorded up to there.
    pub revision: Revision,
}

/// Where the feed ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Behind its last order.
    pub position: Position,
    /// As [`Beat::predecessors`]: whoever knows everything up to there has reached these, too, from the first moment on.
    pub predecessors: Vec<Revision>,
}

/// Where reading the copy goes on: the store's own name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub String);

/// A part of the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What is in it. One may be in several parts, merged with something later in some of them.
    pub revocations: Vec<Revocation>,
    /// Where the next one begins; `None` behind the last.
    pub next: Option<Place>,
}

/// One recorded order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Behind it.
    pub position: Position,
    /// What it changed, as it is now in the copy.
    pub revocations: Vec<Revocation>,
}

/// An hour of the time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour(pub i64);

/// What is held of an hour: equal where the same is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which.
    pub hour: Hour,
    /// How many.
    pub count: u64,
    /// Their digests, all in one.
    pub digest: u64,
}

impl Hour {
    const MILLIS: i64 = 3_600_000;

    /// The one that a time lies in.
    pub fn of(time: UnixTime) -> Self {
        Self(time.as_millis().div_euclid(Self::MILLIS))
    }

    /// When it begins.
    pub fn begin(self) -> UnixTime {
        UnixTime::from_millis(self.0.saturating_mul(Self::MILLIS))
    }
}

impl Tally {
    /// Nothing.
    pub fn empty(hour: Hour) -> Self {
        Self { hour, count: 0, digest: 0 }
    }

    /// Adds one of this hour that is not in it.
    pub fn add(&mut self, revocation: &Revocation) {
        self.count = self.count.saturating_add(1);
        self.digest ^= entry::digest(revocation);
    }
}
