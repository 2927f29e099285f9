//! Key sets in the file.

use std::sync::Arc;

use redb::{TableDefinition, TableError};

use super::StoreFile;
use crate::store::{Answer, KeyRing, KeySetOrigin, KeySetStore, SealedKeySet, Shelf};

/// (issuer, address) -> (time in milliseconds, sealed document).
pub(in crate::store) const KEY_SETS: TableDefinition<'_, (&str, &str), (i64, &[u8])> =
    TableDefinition::new("key_sets");

#[derive(Debug)]
struct FileShelf(Arc<StoreFile>);

impl KeySetStore {
    /// Keeps them in this file, sealed with this ring.
    pub fn in_file(file: Arc<StoreFile>, ring: Arc<KeyRing>) -> Self {
        Self::new(Arc::new(FileShelf(file)), ring)
    }
}

impl Shelf for FileShelf {
    fn put(&self, set: SealedKeySet) -> Answer<'_, ()> {
        Box::pin(self.0.write(move |transaction| {
            let SealedKeySet { issuer, uri, fetched_at, sealed } = &set;
            let mut table = transaction.open_table(KEY_SETS)?;
            table.insert((issuer.as_str(), uri.as_str()), (*fetched_at, sealed.as_slice()))?;
            Ok(())
        }))
    }

    fn get<'s>(&'s self, origin: KeySetOrigin<'s>) -> Answer<'s, Option<SealedKeySet>> {
        let (issuer, uri) = (origin.issuer.to_owned(), origin.uri.to_owned());
        Box::pin(self.0.read(move |transaction| {
            let table = match transaction.open_table(KEY_SETS) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let record = table.get((issuer.as_str(), uri.as_str()))?;
            Ok(record.map(|record| {
                let (fetched_at, sealed) = record.value();
                let (issuer, uri, sealed) = (issuer.clone(), uri.clone(), sealed.to_vec());
                SealedKeySet { issuer, uri, fetched_at, sealed }
            }))
        }))
    }
}
