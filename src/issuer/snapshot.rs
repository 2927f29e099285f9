//! The keys of an issuer as one immutable value, swapped whole, so that no reader ever sees half a set (K7).

use std::{collections::HashSet, sync::Arc};

use arc_swap::{ArcSwapOption, Guard};

use crate::domain::key::{KeyIdentity, KeySet, VerifyingKey};

use super::freshness::Tick;

/// One issuer's keys at one moment.
#[derive(Debug)]
pub struct KeySnapshot {
    /// Changes when, and only when, the set's content does: a refetch of the same keys keeps it.
    pub generation: u64,
    /// The keys.
    pub keys: KeySet,
    /// When these were last known to be the published ones.
    pub(super) confirmed_at: Tick,
}

impl KeySnapshot {
    /// What follows `previous` when these keys are published. A key that was there before keeps its `Arc`; the same key
    /// twice counts once. Order is no content: some issuers write their keys in a different order each time.
    pub(super) fn following(
        previous: Option<&Self>,
        published: Vec<VerifyingKey>,
        confirmed_at: Tick,
    ) -> Self {
        let mut seen = HashSet::new();
        let mut keys = Vec::with_capacity(published.len());
        for key in published {
            if seen.insert(key.identity()) {
                keys.push(previous.and_then(|it| it.key(key.identity())).unwrap_or_else(|| Arc::new(key)));
            }
        }
        let generation = match previous {
            Some(previous) if previous.is_made_of(&seen) => previous.generation,
            Some(previous) => previous.generation.saturating_add(1),
            None => 1,
        };
        Self { generation, keys: KeySet::new(keys), confirmed_at }
    }

    /// The same keys, known at `confirmed_at` to be still the published ones.
    pub(super) fn confirmed(&self, confirmed_at: Tick) -> Self {
        Self {
            generation: self.generation,
            keys: KeySet::new(self.keys.iter().map(Arc::clone).collect()),
            confirmed_at,
        }
    }

    fn key(&self, identity: KeyIdentity) -> Option<Arc<VerifyingKey>> {
        self.keys.iter().find(|key| key.identity() == identity).map(Arc::clone)
    }

    fn is_made_of(&self, identities: &HashSet<KeyIdentity>) -> bool {
        self.keys.len() == identities.len()
            && self.keys.iter().all(|key| identities.contains(&key.identity()))
    }
}

/// Where one issuer's current snapshot lies. It has no expiry of its own, because dropping keys early would turn good tokens
/// away, and late is decided by age at each use, on a clock that tests can move. Reading it is on every request's way: it
/// neither locks nor counts references that other threads count, too.
#[derive(Clone, Debug, Default)]
pub(super) struct ShelfPlace {
    snapshot: Arc<ArcSwapOption<KeySnapshot>>,
}

impl ShelfPlace {
    /// What is there, whatever its age.
    pub(super) fn held(&self) -> Option<Arc<KeySnapshot>> {
        self.snapshot.load_full()
    }

    /// The same for a moment: not to be held across an await.
    pub(super) fn peek(&self) -> Guard<Option<Arc<KeySnapshot>>> {
        self.snapshot.load()
    }

    /// Replaces it whole.
    pub(super) fn put(&self, snapshot: Arc<KeySnapshot>) {
        self.snapshot.store(Some(snapshot));
    }

    /// Leaves the place empty, for an issuer that is gone.
    pub(super) fn clear(&self) {
        self.snapshot.store(None);
    }
}
