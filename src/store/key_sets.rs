//! The last good key set of each issuer, for a restart while the identity provider is down (K13).
//!
//! Whether a set is too old, or from the future, is the key keeper's to decide. This room only vouches that it is the
//! set, of that issuer, from that address, with that time, that this service once saved.

use std::sync::Arc;

use redb::{TableDefinition, TableError};

use super::{
    KeyRing, KeySetOrigin, StoredKeySet,
    embedded::StoreFile,
    error::StoreError,
    seal::{self, SealError},
};
use crate::domain::time::UnixTime;

/// (issuer, address) -> (time in milliseconds, sealed document). The time is in clear for people who look, and
/// authenticated by the seal.
pub(super) const KEY_SETS: TableDefinition<'_, (&str, &str), (i64, &[u8])> = TableDefinition::new("key_sets");

/// Keeps key sets, sealed.
#[derive(Debug)]
pub struct KeySetStore {
    store: Arc<StoreFile>,
    ring: Arc<KeyRing>,
}

impl KeySetStore {
    /// Keeps them in this store, sealed with this ring.
    pub fn new(store: Arc<StoreFile>, ring: Arc<KeyRing>) -> Self {
        Self { store, ring }
    }

    /// Replaces what is kept for this origin; on disk once this returns.
    pub async fn save(&self, origin: KeySetOrigin<'_>, set: &StoredKeySet) -> Result<(), StoreError> {
        let time = set.fetched_at.as_millis();
        let sealed = seal::seal(&self.ring, &belongs(origin, &time.to_be_bytes()), &set.document)?;
        let (issuer, uri) = (origin.issuer.to_owned(), origin.uri.to_owned());
        self.store
            .write(move |transaction| {
                let mut table = transaction.open_table(KEY_SETS)?;
                table.insert((issuer.as_str(), uri.as_str()), (time, sealed.as_slice()))?;
                Ok(())
            })
            .await
    }

    /// What is kept for this origin, if anything; [`StoreError::Forged`] if it is not what was saved for it.
    pub async fn load(&self, origin: KeySetOrigin<'_>) -> Result<Option<StoredKeySet>, StoreError> {
        let (issuer, uri) = (origin.issuer.to_owned(), origin.uri.to_owned());
        let record = self
            .store
            .read(move |transaction| {
                let table = match transaction.open_table(KEY_SETS) {
                    Ok(table) => table,
                    Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                    Err(error) => return Err(error.into()),
                };
                let record = table.get((issuer.as_str(), uri.as_str()))?;
                Ok(record.map(|record| {
                    let (time, sealed) = record.value();
                    (time, sealed.to_vec())
                }))
            })
            .await?;
        let Some((time, sealed)) = record else { return Ok(None) };
        let document = seal::open(&self.ring, &belongs(origin, &time.to_be_bytes()), &sealed)?;
        Ok(Some(StoredKeySet { fetched_at: UnixTime::from_millis(time), document }))
    }
}

fn belongs<'a>(origin: KeySetOrigin<'a>, time: &'a [u8]) -> [&'a [u8]; 4] {
    [b"key set", origin.issuer.as_bytes(), origin.uri.as_bytes(), time]
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        match error {
            // To an attacker who can write the record both are the same move, so both get the same answer.
            SealError::Forged | SealError::UnknownKey { .. } => Self::Forged,
            SealError::Random => Self::Random,
        }
    }
}

#[cfg(test)]
mod tests;
