//! Which tables a file has, what their values mean, and how an older file becomes one of today.
//!
//! 1: key sets. 2: revocations, sessions and deliveries, with the epoch and the sequence of their revisions. Token families came
//! later, and an older release passes their tables over: they are made where they are missing.

use std::path::Path;

use aws_lc_rs::rand;
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction,
};

use super::{
    super::{error::StoreError, records::Revision, seal::SealError},
    failure::Failure,
};

/// Facts about the file itself.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The key in [`META`] for the schema version.
pub(super) const SCHEMA: &str = "schema";

/// The keys for the two parts of the latest revision.
pub(super) const EPOCH: &str = "epoch";
const SEQUENCE: &str = "sequence";

/// The schema that this build writes, and the latest that it reads.
const VERSION: u64 = 2;

/// Revocations by the number of their kind and their key.
pub(super) const REVOCATIONS: TableDefinition<'_, &[u8; 17], &[u8; 38]> = TableDefinition::new("revocations");

/// Session records by the key of their target.
pub(super) const SESSIONS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("sessions");

/// Each subject's sessions: the subject's key and the session's.
pub(super) const SESSIONS_OF: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("sessions_of");

/// Deliveries by id.
pub(super) const DELIVERIES: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("deliveries");

/// A token family's version and record.
pub(super) type FamilyRow = (&'static [u8; 8], &'static [u8]);

/// Token families by id.
pub(super) const FAMILIES: TableDefinition<'_, &[u8; 16], FamilyRow> = TableDefinition::new("families");

/// Kept answers, by family and by the digest of the token that they are the answer to: their end, and what is sealed.
pub(super) const ANSWERS: TableDefinition<'_, &[u8; 48], &[u8]> = TableDefinition::new("answers");

/// The tokens that are held for the session of a family, sealed.
pub(super) const HELD: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("held");

/// Where tokens and sessions belong.
pub(super) const POINTERS: TableDefinition<'_, &[u8; 33], &[u8; 29]> = TableDefinition::new("pointers");

/// Refuses a file of a later release, and brings any other to this one's schema, in one transaction.
pub(super) fn prepare(database: &Database, path: &Path) -> Result<(), StoreError> {
    match found(database).map_err(|failure| failure.at(path))? {
        Some(found) if found > VERSION => {
            Err(StoreError::NewerVersion { path: path.to_owned(), found, known: VERSION })
        }
        Some(VERSION) if has_counters(database).map_err(|failure| failure.at(path))? => {
            add_families(database).map_err(|failure| failure.at(path))
        }
        _older_or_new_or_without_counters => migrate(database).map_err(|failure| failure.at(path)),
    }
}

fn found(database: &Database) -> Result<Option<u64>, Failure> {
    match database.begin_read()?.open_table(META) {
        Ok(meta) => Ok(meta.get(SCHEMA)?.map(|version| version.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Without them nobody can tell which history this is: another one begins (R12).
fn has_counters(database: &Database) -> Result<bool, Failure> {
    let meta = database.begin_read()?.open_table(META)?;
    Ok(meta.get(EPOCH)?.is_some() && meta.get(SEQUENCE)?.is_some())
}

fn migrate(database: &Database) -> Result<(), Failure> {
    let transaction = database.begin_write()?;
    drop(transaction.open_table(REVOCATIONS)?);
    drop(transaction.open_table(SESSIONS)?);
    drop(transaction.open_table(SESSIONS_OF)?);
    drop(transaction.open_table(DELIVERIES)?);
    open_families(&transaction)?;
    begin_epoch(&transaction)?;
    transaction.open_table(META)?.insert(SCHEMA, VERSION)?;
    Ok(transaction.commit()?)
}

/// Without a new history: nothing that was recorded is lost by it.
fn add_families(database: &Database) -> Result<(), Failure> {
    // The last one that is made, with the others in one transaction.
    match database.begin_read()?.open_table(POINTERS) {
        Ok(_table) => return Ok(()),
        Err(TableError::TableDoesNotExist(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let transaction = database.begin_write()?;
    open_families(&transaction)?;
    Ok(transaction.commit()?)
}

fn open_families(transaction: &WriteTransaction) -> Result<(), Failure> {
    drop(transaction.open_table(FAMILIES)?);
    drop(transaction.open_table(ANSWERS)?);
    drop(transaction.open_table(HELD)?);
    drop(transaction.open_table(POINTERS)?);
    Ok(())
}

/// Another history from here on: whatever revision somebody holds, this store never says that it has been reached.
pub(super) fn begin_epoch(transaction: &WriteTransaction) -> Result<Revision, Failure> {
    let mut epoch = [0; 8];
    rand::fill(&mut epoch).map_err(|_unspecified| SealError::Random)?;
    let revision = Revision { epoch: u64::from_be_bytes(epoch), sequence: 0 };
    let mut meta = transaction.open_table(META)?;
    meta.insert(EPOCH, revision.epoch)?;
    meta.insert(SEQUENCE, revision.sequence)?;
    Ok(revision)
}

/// Counts one more order.
pub(super) fn advance(transaction: &WriteTransaction) -> Result<Revision, Failure> {
    let mut meta = transaction.open_table(META)?;
    let latest = latest(&meta)?;
    let revision = Revision { sequence: latest.sequence.saturating_add(1), ..latest };
    meta.insert(SEQUENCE, revision.sequence)?;
    Ok(revision)
}

/// Where the store stands.
pub(super) fn revision(transaction: &ReadTransaction) -> Result<Revision, Failure> {
    latest(&transaction.open_table(META)?)
}

fn latest(meta: &impl ReadableTable<&'static str, u64>) -> Result<Revision, Failure> {
    let part = |key| {
        let lost = || redb::Error::Corrupted(format!("`{key}` is missing from `meta`"));
        Ok::<u64, Failure>(meta.get(key)?.ok_or_else(lost)?.value())
    };
    Ok(Revision { epoch: part(EPOCH)?, sequence: part(SEQUENCE)? })
}
