//! Every revocation that can concern a token valid now, in memory (R2, R3).
//!
//! A set that has not changed costs a validation one load of its generation: a token that was found active at a generation
//! stays so until the next one, because revocations only ever come, and what leaves by its age concerns nothing valid.

mod settings;

use std::sync::atomic::{AtomicU64, Ordering};

use moka::{policy::EvictionPolicy, sync::Cache};

use crate::domain::{
    revocation::{Revocation, Target},
    time::UnixTime,
};

pub use self::settings::{OnStale, RevocationSettings};

/// The set is full: `revocation.max_entries`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the set of revocations is full")]
pub struct Full;

/// The set.
pub struct Revocations {
    entries: Cache<Target, Revocation>,
    generation: AtomicU64,
}

impl std::fmt::Debug for Revocations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revocations").finish_non_exhaustive()
    }
}

impl Revocations {
    /// An empty set.
    pub fn new() -> Self {
        let entries = Cache::builder().eviction_policy(EvictionPolicy::lru()).build();
        Self { entries, generation: AtomicU64::new(1) }
    }

    /// Refuses from now on what this concerns, whatever the set's size.
    pub fn insert(&self, revocation: Revocation) {
        self.entries.entry(revocation.target).and_upsert_with(|known| match known {
            Some(known) => known.into_value().merge(revocation),
            None => revocation,
        });
        // After the entry is there: who sees the new generation finds it.
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The revocation of this target, if its first life is not over.
    pub fn find(&self, target: &Target, now: UnixTime) -> Option<Revocation> {
        self.entries.get(target).filter(|entry| now < entry.until)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.entry_count()
    }

    /// Changes with every insertion. To be read before looking.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new()
    }
}
