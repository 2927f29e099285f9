//! Where the set keeps its entries: a hash map in shards, each behind a lock of its own.
//!
//! Not moka, as the tokens' cache: nothing is ever evicted here, so what moka keeps for that (two lists, a timer wheel, a
//! channel for each reader) is 300 bytes an entry and most of the time of loading a million. And its clock is its own: an entry
//! that moka lets go is gone, although the wall clock may have been set back meanwhile.

use std::{
    collections::{HashMap, hash_map::Entry as Place},
    hash::{BuildHasher, RandomState},
    ops::Range,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::kept::Kept;
use crate::domain::{
    revocation::{CLOCK_SET_BACK, Reach, Revocation, Target, TargetKind},
    time::UnixTime,
};

/// So many that two threads rarely meet, and that sweeping one holds nobody up for long.
const SHARDS: usize = 64;

type Shard = HashMap<[u8; Target::KEY_BYTES], Kept, RandomState>;

pub(super) struct Shards {
    /// Random, so that nobody can choose ids that meet in one place.
    hasher: RandomState,
    all: Box<[RwLock<Shard>]>,
    /// By kind. Never less than there are: counted before an entry is there, and no longer after it is gone.
    counts: [AtomicU64; TargetKind::ALL.len()],
}

impl Shards {
    pub(super) fn new() -> Self {
        let hasher = RandomState::new();
        let shard = || RwLock::new(Shard::with_hasher(hasher.clone()));
        let all = (0..SHARDS).map(|_| shard()).collect();
        Self { hasher, all, counts: Default::default() }
    }

    /// Room for this many, to be filled without growing step by step.
    pub(super) fn reserve(&self, entries: usize) {
        for shard in &self.all {
            shard.write().unwrap_or_else(PoisonError::into_inner).reserve(entries / SHARDS);
        }
    }

    /// Adds a revocation, merged with what is there (R11).
    pub(super) fn put(&self, revocation: &Revocation) {
        self.place(revocation, true, false);
    }

    /// The same for one that a store's copy holds, and marks what it holds all of. What is not here is added only if it is
    /// `needed`.
    pub(super) fn put_seen(&self, revocation: &Revocation, needed: bool) {
        self.place(revocation, needed, true);
    }

    fn place(&self, revocation: &Revocation, needed: bool, in_copy: bool) {
        let target = &revocation.target;
        let Some(shard) = self.shard(target) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        match shard.entry(*target.key()) {
            Place::Occupied(mut known) => {
                let known = known.get_mut();
                let before = known.revocation(*target.key());
                let merged = before.merge(*revocation);
                let seen = known.seen && merged == before || in_copy && merged == *revocation;
                *known = Kept::new(&merged, seen);
            }
            Place::Vacant(place) if needed => {
                if let Some(count) = self.count_of(target.kind()) {
                    count.fetch_add(1, Ordering::Release);
                }
                place.insert(Kept::new(revocation, in_copy));
            }
            Place::Vacant(_) => {}
        }
    }

    /// How far the one of this target reaches, unless its time is over. A token's revocation counts for as long as it is here: the
    /// token's own end is checked anyway, with the leeway of now, which may be more than it was.
    pub(super) fn find(&self, target: &Target, now: UnixTime, longest: Duration) -> Option<Reach> {
        let shard = self.shard(target)?.read().unwrap_or_else(PoisonError::into_inner);
        let counts = |kept: &&Kept| kept.kind().is_of_one_token() || now < kept.needed_until(longest);
        shard.get(target.key()).filter(counts).map(Kept::reach)
    }

    /// All of it that is here of this target.
    pub(super) fn get(&self, target: &Target) -> Option<Revocation> {
        let shard = self.shard(target)?.read().unwrap_or_else(PoisonError::into_inner);
        shard.get(target.key()).map(|kept| kept.revocation(*target.key()))
    }

    /// The numbers that [`Shards::part`] takes.
    pub(super) fn parts() -> Range<usize> {
        0..SHARDS
    }

    /// A part of all: copied, so that whoever works through it holds nobody up. With `unseen` only what is not marked.
    pub(super) fn part(&self, part: usize, unseen: bool) -> Vec<Revocation> {
        let Some(shard) = self.all.get(part) else { return Vec::new() };
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = shard.iter().filter(|(_, kept)| !(unseen && kept.seen));
        wanted.map(|(key, kept)| kept.revocation(*key)).collect()
    }

    /// Whether it is here and marked.
    pub(super) fn is_seen(&self, target: &Target) -> bool {
        self.shard(target).is_some_and(|shard| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.get(target.key()).is_some_and(|kept| kept.seen)
        })
    }

    /// Takes the mark of this one away.
    pub(super) fn unsee(&self, target: &Target) {
        let Some(shard) = self.shard(target) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = shard.get_mut(target.key()) {
            kept.seen = false;
        }
    }

    /// Takes every mark away.
    pub(super) fn forget_seen(&self) {
        for shard in &self.all {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.values_mut().for_each(|kept| kept.seen = false);
        }
    }

    pub(super) fn contains(&self, target: &Target) -> bool {
        self.shard(target).is_some_and(|shard| {
            shard.read().unwrap_or_else(PoisonError::into_inner).contains_key(target.key())
        })
    }

    /// Removes what does not matter any more, nor would if the clock were set back.
    pub(super) fn sweep(&self, now: UnixTime, longest: Duration) {
        for shard in &self.all {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, kept| {
                let stays = now < kept.needed_until(longest).plus(CLOCK_SET_BACK);
                if !stays && let Some(count) = self.count_of(kept.kind()) {
                    count.fetch_sub(1, Ordering::Release);
                }
                stays
            });
        }
    }

    pub(super) fn count(&self, kind: TargetKind) -> u64 {
        self.count_of(kind).map_or(u64::MAX, |count| count.load(Ordering::Acquire))
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn shard(&self, target: &Target) -> Option<&RwLock<Shard>> {
        let hash = self.hasher.hash_one(target.key());
        let at = usize::try_from(hash % u64::try_from(SHARDS).ok()?).ok()?;
        self.all.get(at)
    }

    fn count_of(&self, kind: TargetKind) -> Option<&AtomicU64> {
        self.counts.get(usize::from(kind.number()).wrapping_sub(1))
    }
}
