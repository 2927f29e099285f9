//! PLACEHOLDER of the issuer branch, replaced on merge: the same shape, in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{KeySetOrigin, StoredKeySet};

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "placeholder")]
pub enum StoreError {
    #[error("the seal does not fit")]
    Forged,
    #[error("the store failed")]
    Io(#[from] std::io::Error),
}

type Sets = HashMap<(String, String), StoredKeySet>;

/// Each issuer's last good key set.
#[derive(Debug, Default)]
pub struct KeySetStore {
    sets: Mutex<Sets>,
}

#[expect(clippy::unused_async, reason = "placeholder of an async interface")]
impl KeySetStore {
    /// Replaces the set of this origin.
    pub async fn save(&self, origin: KeySetOrigin<'_>, set: &StoredKeySet) -> Result<(), StoreError> {
        self.sets().insert((origin.issuer.to_owned(), origin.uri.to_owned()), set.clone());
        Ok(())
    }

    /// The set of this origin.
    pub async fn load(&self, origin: KeySetOrigin<'_>) -> Result<Option<StoredKeySet>, StoreError> {
        Ok(self.sets().get(&(origin.issuer.to_owned(), origin.uri.to_owned())).cloned())
    }

    fn sets(&self) -> std::sync::MutexGuard<'_, Sets> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
