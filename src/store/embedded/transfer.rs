//! All that a file keeps, record by record, and records from elsewhere merged into it.

use redb::{ReadTransaction, ReadableTable, TableError, WriteTransaction};

use super::{
    deliveries,
    failure::Failure,
    key_sets::KEY_SETS,
    orders::Changes,
    records::{decode_revocation, decode_session},
    schema::{self, REVOCATIONS, SESSIONS},
};
use crate::store::{key_sets::SealedKeySet, records::Revision, transfer::Item};

/// Gives every record of one state. One that cannot be read ends it.
pub(in crate::store) fn each<E: From<Failure>>(
    transaction: &ReadTransaction,
    mut give: impl FnMut(Item) -> Result<(), E>,
) -> Result<(), E> {
    let table = transaction.open_table(REVOCATIONS).map_err(Failure::from)?;
    for entry in table.iter().map_err(Failure::from)? {
        let (key, record) = entry.map_err(Failure::from)?;
        give(Item::Revocation(decode_revocation(key.value(), record.value())?))?;
    }
    let table = transaction.open_table(SESSIONS).map_err(Failure::from)?;
    for entry in table.iter().map_err(Failure::from)? {
        let (key, record) = entry.map_err(Failure::from)?;
        give(Item::Session(decode_session(key.value(), record.value())?))?;
    }
    deliveries::all(transaction)?.into_iter().try_for_each(|delivery| give(Item::Delivery(delivery)))?;
    key_sets(transaction)?.into_iter().try_for_each(|set| give(Item::KeySet(set)))
}

/// A few, one for each issuer.
fn key_sets(transaction: &ReadTransaction) -> Result<Vec<SealedKeySet>, Failure> {
    let table = match transaction.open_table(KEY_SETS) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut sets = Vec::new();
    for entry in table.iter()? {
        let (origin, record) = entry?;
        let ((issuer, uri), (fetched_at, sealed)) = (origin.value(), record.value());
        let (issuer, uri, sealed) = (issuer.to_owned(), uri.to_owned(), sealed.to_vec());
        sets.push(SealedKeySet { issuer, uri, fetched_at, sealed });
    }
    Ok(sets)
}

/// Merges records into what is kept, within one transaction.
pub(in crate::store) struct Merging<'t> {
    transaction: &'t WriteTransaction,
    changes: Changes<'t>,
}

impl<'t> Merging<'t> {
    pub(in crate::store) fn new(transaction: &'t WriteTransaction) -> Result<Self, Failure> {
        Ok(Self { transaction, changes: Changes::new(transaction)? })
    }

    pub(in crate::store) fn put(&mut self, item: Item) -> Result<(), Failure> {
        match item {
            Item::Revocation(revocation) => self.changes.revoke(revocation),
            Item::Session(session) => self.changes.remember(&session),
            Item::Delivery(delivery) => deliveries::add(self.transaction, &[delivery]),
            Item::KeySet(set) => self.put_key_set(&set),
        }
    }

    /// The younger of two stays.
    fn put_key_set(&self, set: &SealedKeySet) -> Result<(), Failure> {
        let mut table = self.transaction.open_table(KEY_SETS)?;
        let origin = (set.issuer.as_str(), set.uri.as_str());
        let known = table.get(origin)?.map(|record| record.value().0);
        if known.is_none_or(|known| known < set.fetched_at) {
            table.insert(origin, (set.fetched_at, set.sealed.as_slice()))?;
        }
        Ok(())
    }

    /// Makes it durable, in an epoch of its own. Whatever revision anybody was given, by this store or by the other one, may
    /// lie behind what an export holds, and must not be said to be reached.
    pub(in crate::store) fn end(transaction: WriteTransaction) -> Result<Revision, Failure> {
        let revision = schema::begin_epoch(&transaction)?;
        transaction.commit()?;
        Ok(revision)
    }

    /// Where what is read stands.
    pub(in crate::store) fn revision(transaction: &ReadTransaction) -> Result<Revision, Failure> {
        schema::revision(transaction)
    }
}
