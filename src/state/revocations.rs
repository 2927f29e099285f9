//! Every revocation that can concern a token valid now, in memory (R2, R3).
//!
//! A set that has not changed costs a validation one load of its generation: a token that was found active at a generation
//! stays so until the next one (`domain/revocation/check.rs` says why).

mod kept;
mod reached;
mod settings;
mod shards;

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    domain::{
        revocation::{CLOCK_SET_BACK, Reach, Revocation, Target, TargetKind, check::Known},
        time::UnixTime,
    },
    store::{Revision, Snapshot},
};

use self::{kept::Kept, shards::Shards};
pub use self::{
    reached::Reached,
    settings::{OnStale, RevocationSettings},
};

/// The set is full: `revocation.max_entries`. What is in it goes on being refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the set of revocations is full")]
pub struct Full;

/// The set.
pub struct Revocations {
    entries: Shards,
    max_entries: AtomicU64,
    /// The longest that any token was ever accepted for since the process started, in milliseconds. It only rises.
    longest: AtomicU64,
    /// Zero until the snapshot is loaded.
    generation: AtomicU64,
    /// Whether others write to the store, too, so that only its feed says up to where everything is here.
    is_followed: bool,
    reached: watch::Sender<Option<Reached>>,
    /// Its revision, as answers carry it.
    written: ArcSwap<Bytes>,
}

/// The set as it is seen at one moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'s> {
    set: &'s Revocations,
    now: UnixTime,
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("total", &self.total()).finish_non_exhaustive()
    }
}

impl Revocations {
    /// A set that does not know yet what is revoked: [`Revocations::load`] tells it. Nobody but this process writes to its store.
    pub fn new(max_entries: u64) -> Self {
        Self {
            entries: Shards::new(),
            max_entries: AtomicU64::new(max_entries),
            longest: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            is_followed: false,
            reached: watch::Sender::new(None),
            written: ArcSwap::from_pointee(Bytes::new()),
        }
    }

    /// The same for a store that others write to, too: [`Revocations::begin_reading`] and what follows it tell it.
    pub fn followed(max_entries: u64) -> Self {
        Self { is_followed: true, ..Self::new(max_entries) }
    }

    /// Takes what a store has kept. `longest` is the longest that any issuer's token may be valid, leeway included: what was
    /// made under a shorter `max_token_lifetime` gets the life that it needs now.
    pub fn load(&self, snapshot: Snapshot, longest: Duration, now: UnixTime) {
        self.entries.reserve(snapshot.revocations.len());
        self.lengthen(longest);
        for revocation in snapshot.revocations {
            if self.is_needed(&revocation, now) {
                self.entries.put(&revocation);
            }
        }
        self.recorded(snapshot.revision);
        // Only now does anybody look.
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The store's copy is about to be read, in parts. One at a time does that.
    pub fn begin_reading(&self) {
        self.entries.forget_seen();
    }

    /// Takes a part of the store's copy.
    pub fn read(&self, part: &[Revocation], now: UnixTime) {
        for revocation in exceptions_first(part) {
            self.entries.put_seen(revocation, self.is_needed(revocation, now));
        }
        self.changed();
    }

    /// The copy was read, and holds everything up to this revision, which it had before the reading began. Its epoch goes on from
    /// where these ended; they are known with it, or whoever looks in between would take what this set has not held for lost.
    pub fn end_reading(&self, revision: Revision, predecessors: &[Revision]) {
        self.reached.send_modify(|known| {
            let mut reached = Reached::advanced(known.take(), revision);
            reached.goes_on_from(revision.epoch, predecessors);
            *known = Some(reached);
            self.written.store(Arc::new(Bytes::from(revision.to_string())));
        });
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Where earlier epochs ended that this one goes on from.
    pub fn goes_on_from(&self, epoch: u64, predecessors: &[Revision]) {
        self.reached.send_if_modified(|known| {
            known.as_mut().is_some_and(|known| known.goes_on_from(epoch, predecessors))
        });
    }

    /// What is recorded in the store's feed, up to this revision, was added.
    pub fn followed_to(&self, revision: Revision) {
        self.advance(revision);
    }

    /// The numbers that [`Revocations::part`] takes.
    pub fn parts() -> Range<usize> {
        Shards::parts()
    }

    /// A part of all that is here, copied.
    pub fn part(&self, part: usize) -> Vec<Revocation> {
        self.entries.part(part, false)
    }

    /// What of it the store's copy lacked, or had less of, when it was last read.
    pub fn unseen_part(&self, part: usize) -> Vec<Revocation> {
        self.entries.part(part, true)
    }

    /// Whether the store's copy was found to hold all of what is here of a target, since it was last read.
    pub fn is_seen(&self, target: &Target) -> bool {
        self.entries.is_seen(target)
    }

    /// The store's copy was found not to hold these.
    pub fn unsee(&self, revocations: &[Revocation]) {
        for revocation in revocations {
            self.entries.unsee(&revocation.target);
        }
    }

    /// All of what is here of a target.
    pub fn get(&self, target: &Target) -> Option<Revocation> {
        self.entries.get(target)
    }

    /// From now on every revocation lives for at least as long as such a token: what is made under one issuer's or one moment's
    /// shorter `max_token_lifetime` must not be over before a token that a later configuration accepts.
    pub fn lengthen(&self, longest: Duration) {
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        if self.longest.fetch_max(millis, Ordering::Relaxed) < millis {
            // What was over may count again.
            self.changed();
        }
    }

    fn longest(&self) -> Duration {
        Duration::from_millis(self.longest.load(Ordering::Relaxed))
    }

    /// What is over is needed for as long as a clock that is set back could make it count again.
    fn is_needed(&self, revocation: &Revocation, now: UnixTime) -> bool {
        let until = Kept::new(revocation, false).needed_until(self.longest());
        now < until.plus(CLOCK_SET_BACK)
    }

    /// Whether the set is what the store holds (R6).
    pub fn is_loaded(&self) -> bool {
        self.generation.load(Ordering::Relaxed) != 0
    }

    /// Refuses from now on what these are about, unless that would be more than `max_entries` single targets. Cut-offs are
    /// always taken: they are how to get by with few.
    pub fn insert(&self, revocations: &[Revocation]) -> Result<(), Full> {
        let single = revocations.iter().any(|revocation| revocation.target.kind().is_single());
        if single && self.entries.total() >= self.max_entries.load(Ordering::Relaxed) {
            // What is known already takes no more room.
            let is_known = |it: &Revocation| self.entries.contains(&it.target);
            if !revocations.iter().all(is_known) {
                return Err(Full);
            }
        }
        self.add(revocations);
        Ok(())
    }

    /// The same, whatever the size: for what follows from a revocation that was taken.
    pub fn add(&self, revocations: &[Revocation]) {
        for revocation in exceptions_first(revocations) {
            self.entries.put(revocation);
        }
        // After they are there: who sees the new generation finds them. Before the snapshot is loaded nobody looks.
        self.changed();
    }

    /// Makes every token be looked at anew.
    pub fn changed(&self) {
        let next = |generation: u64| (generation != 0).then(|| generation.wrapping_add(1).max(1));
        // An error is a set that is not loaded yet.
        let _changed = self.generation.fetch_update(Ordering::Release, Ordering::Relaxed, next);
    }

    /// A store has recorded everything up to here, and it is in the set. Says nothing of a store that others write to: what they
    /// recorded before may not be here yet.
    pub fn recorded(&self, revision: Revision) {
        if !self.is_followed {
            self.advance(revision);
        }
    }

    fn advance(&self, revision: Revision) {
        self.reached.send_if_modified(|known| {
            if known.as_ref().is_some_and(|known| !known.is_before(revision)) {
                return false;
            }
            *known = Some(Reached::advanced(known.take(), revision));
            // Under the same lock, so that the two never differ for long.
            self.written.store(Arc::new(Bytes::from(revision.to_string())));
            true
        });
    }

    /// Whether others write to the store, too.
    pub fn is_followed(&self) -> bool {
        self.is_followed
    }

    /// Up to where the set holds everything (R8).
    pub fn revision(&self) -> Option<Revision> {
        self.reached.borrow().as_ref().map(Reached::revision)
    }

    /// The same, and of which earlier revisions that is true as well.
    pub fn reached(&self) -> Option<Reached> {
        self.reached.borrow().clone()
    }

    /// The same as text, empty before the snapshot is loaded. To be read before looking.
    pub fn written_revision(&self) -> Bytes {
        Bytes::clone(&self.written.load())
    }

    /// Tells of every new revision.
    pub fn watch_reached(&self) -> watch::Receiver<Option<Reached>> {
        self.reached.subscribe()
    }

    /// `revocation.max_entries`, from now on.
    pub fn set_max_entries(&self, max_entries: u64) {
        self.max_entries.store(max_entries, Ordering::Relaxed);
    }

    /// `revocation.max_entries`.
    pub fn max_entries(&self) -> u64 {
        self.max_entries.load(Ordering::Relaxed)
    }

    /// How many of a kind there may be.
    pub fn count(&self, kind: TargetKind) -> u64 {
        self.entries.count(kind)
    }

    /// How many there may be in all.
    pub fn total(&self) -> u64 {
        self.entries.total()
    }

    /// Frees what is over at `now`, which must not be ahead of the time that it is.
    pub fn sweep(&self, now: UnixTime) {
        self.entries.sweep(now, self.longest());
    }

    /// The set at `now`.
    pub fn at(&self, now: UnixTime) -> View<'_> {
        View { set: self, now }
    }
}

/// Whoever looks in between must not find a cut-off without what it spares.
fn exceptions_first(revocations: &[Revocation]) -> impl Iterator<Item = &Revocation> {
    let spares = |it: &&Revocation| it.target.kind() == TargetKind::Exception;
    revocations.iter().filter(spares).chain(revocations.iter().filter(move |it| !spares(it)))
}

impl Known for View<'_> {
    fn generation(&self) -> u64 {
        self.set.generation.load(Ordering::Acquire)
    }

    fn has_any(&self, kind: TargetKind) -> bool {
        self.set.entries.count(kind) > 0
    }

    fn find(&self, target: &Target) -> Option<Reach> {
        self.set.entries.find(target, self.now, self.set.longest())
    }
}

#[cfg(test)]
mod tests;
