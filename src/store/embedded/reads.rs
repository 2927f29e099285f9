//! What is read at start and at a token's first sight, each from one state of the store.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::{
    failure::Failure,
    records::{decode_revocation, find_revocation, find_session},
    schema::{self, REVOCATIONS, SESSIONS},
};
use crate::{
    domain::revocation::Target,
    store::records::{Sight, Snapshot},
};

/// Every revocation. One that cannot be read fails it: a set that lacks one lets a token pass.
pub(super) fn snapshot(transaction: &ReadTransaction) -> Result<Snapshot, Failure> {
    let table = transaction.open_table(REVOCATIONS)?;
    let mut revocations = Vec::with_capacity(usize::try_from(table.len()?).unwrap_or(0));
    for entry in table.iter()? {
        let (key, record) = entry?;
        revocations.push(decode_revocation(key.value(), record.value())?);
    }
    Ok(Snapshot { revision: schema::revision(transaction)?, revocations })
}

/// A session's record and what is kept of these targets.
pub(super) fn sight(
    transaction: &ReadTransaction,
    session: Option<Target>,
    targets: &[Target],
) -> Result<Sight, Failure> {
    let table = transaction.open_table(SESSIONS)?;
    let session = session.map(|session| find_session(&table, session.key())).transpose()?.flatten();
    let table = transaction.open_table(REVOCATIONS)?;
    let mut revocations = Vec::new();
    for target in targets {
        revocations.extend(find_revocation(&table, target)?);
    }
    Ok(Sight { session, revocations })
}
