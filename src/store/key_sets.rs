//! The last good key set of each issuer, for a restart while the identity provider is down (K13).
//!
//! Whether a set is too old, or from the future, is the key keeper's to decide. This room only vouches that it is the
//! set, of that issuer, from that address, with that time, that this service once saved.

use std::{fmt, sync::Arc};

use super::{
    Answer, KeyRing, KeySetOrigin, StoredKeySet,
    error::StoreError,
    seal::{self, SealError},
};
use crate::domain::time::UnixTime;

/// Where sealed key sets lie.
pub trait Shelf: fmt::Debug + Send + Sync {
    /// Replaces what lies there for this origin; kept for good once this is answered.
    fn put(&self, set: SealedKeySet) -> Answer<'_, ()>;

    /// What lies there for this origin.
    fn get<'s>(&'s self, origin: KeySetOrigin<'s>) -> Answer<'s, Option<SealedKeySet>>;
}

/// A key set as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKeySet {
    /// The issuer it is of.
    pub issuer: String,
    /// The address it was found through.
    pub uri: String,
    /// Milliseconds since 1970: in clear for people who look, and under the seal too.
    pub fetched_at: i64,
    /// The sealed document.
    pub sealed: Vec<u8>,
}

/// Keeps key sets, sealed.
#[derive(Debug)]
pub struct KeySetStore {
    shelf: Arc<dyn Shelf>,
    ring: Arc<KeyRing>,
}

impl KeySetStore {
    /// Keeps them on this shelf, sealed with this ring.
    pub fn new(shelf: Arc<dyn Shelf>, ring: Arc<KeyRing>) -> Self {
        Self { shelf, ring }
    }

    /// Replaces what is kept for this origin; kept for good once this returns.
    pub async fn save(&self, origin: KeySetOrigin<'_>, set: &StoredKeySet) -> Result<(), StoreError> {
        let fetched_at = set.fetched_at.as_millis();
        let sealed = seal::seal(&self.ring, &belongs(origin, &fetched_at.to_be_bytes()), &set.document)?;
        let (issuer, uri) = (origin.issuer.to_owned(), origin.uri.to_owned());
        self.shelf.put(SealedKeySet { issuer, uri, fetched_at, sealed }).await
    }

    /// What is kept for this origin, if anything; [`StoreError::Forged`] if it is not what was saved for it.
    pub async fn load(&self, origin: KeySetOrigin<'_>) -> Result<Option<StoredKeySet>, StoreError> {
        let Some(SealedKeySet { fetched_at, sealed, .. }) = self.shelf.get(origin).await? else {
            return Ok(None);
        };
        let document = seal::open(&self.ring, &belongs(origin, &fetched_at.to_be_bytes()), &sealed)?;
        Ok(Some(StoredKeySet { fetched_at: UnixTime::from_millis(fetched_at), document }))
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
