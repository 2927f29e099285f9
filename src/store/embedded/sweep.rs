//! Takes away what nobody needs any more, a little at a time: no transaction is long, and no order waits behind one.
//!
//! What is over is looked for in transactions that only read. What was given a longer life since then is found out when it
//! is to be removed, by reading it again.

mod families;

use std::ops::Bound;

use redb::{ReadTransaction, ReadableTable, Value, WriteTransaction};

use super::{
    EmbeddedStore, deliveries,
    failure::Failure,
    records::{decode_revocation, decode_session, session_of_key},
    schema::{DELIVERIES, REVOCATIONS, SESSIONS, SESSIONS_OF},
};
use crate::{domain::time::UnixTime, store::error::StoreError};

/// The most that one transaction removes.
const STEP: usize = 1000;

/// Finds what is over at a time behind a key, in the order of keys, [`STEP`] at most.
type Over<const N: usize> = fn(&ReadTransaction, Option<&[u8; N]>, UnixTime) -> Result<Vec<[u8; N]>, Failure>;

/// Removes those of these that are over at a time.
type Remove<const N: usize> = fn(&WriteTransaction, &[[u8; N]], UnixTime) -> Result<(), Failure>;

impl EmbeddedStore {
    pub(super) async fn sweep_all(&self, now: UnixTime) -> Result<(), StoreError> {
        self.sweep_table(now, revocations_over, remove_revocations).await?;
        self.sweep_table(now, sessions_over, remove_sessions).await?;
        self.sweep_table(now, deliveries_over, remove_deliveries).await?;
        self.sweep_table(now, families::over, families::remove).await?;
        self.sweep_table(now, families::answers_over, families::remove_answers).await?;
        self.sweep_table(now, families::pointers_over, families::remove_pointers).await
    }

    async fn sweep_table<const N: usize>(
        &self,
        now: UnixTime,
        over: Over<N>,
        remove: Remove<N>,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let keys = self.file.read(move |transaction| over(transaction, after.as_ref(), now)).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            after = Some(*last);
            self.write(move |transaction| remove(transaction, &keys, now)).await?;
        }
    }
}

fn revocations_over(
    transaction: &ReadTransaction,
    after: Option<&[u8; 17]>,
    now: UnixTime,
) -> Result<Vec<[u8; 17]>, Failure> {
    let table = transaction.open_table(REVOCATIONS)?;
    keys_over(&table, after, |key, record| Ok(decode_revocation(key, record)?.kept_until <= now))
}

fn sessions_over(
    transaction: &ReadTransaction,
    after: Option<&[u8; 16]>,
    now: UnixTime,
) -> Result<Vec<[u8; 16]>, Failure> {
    let table = transaction.open_table(SESSIONS)?;
    keys_over(&table, after, |key, record| Ok(decode_session(key, record)?.kept_until <= now))
}

fn deliveries_over(
    transaction: &ReadTransaction,
    after: Option<&[u8; 16]>,
    now: UnixTime,
) -> Result<Vec<[u8; 16]>, Failure> {
    let table = transaction.open_table(DELIVERIES)?;
    keys_over(&table, after, |key, record| Ok(deliveries::decode(*key, record)?.not_after <= now))
}

fn keys_over<const N: usize, V>(
    table: &impl ReadableTable<&'static [u8; N], V>,
    after: Option<&[u8; N]>,
    is_over: impl Fn(&[u8; N], V::SelfType<'_>) -> Result<bool, Failure>,
) -> Result<Vec<[u8; N]>, Failure>
where
    V: Value + 'static,
{
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut keys = Vec::new();
    for entry in table.range::<&[u8; N]>((from, Bound::Unbounded))? {
        let (key, record) = entry?;
        if is_over(key.value(), record.value())? {
            keys.push(*key.value());
        }
        if keys.len() == STEP {
            break;
        }
    }
    Ok(keys)
}

fn remove_revocations(
    transaction: &WriteTransaction,
    keys: &[[u8; 17]],
    now: UnixTime,
) -> Result<(), Failure> {
    let mut table = transaction.open_table(REVOCATIONS)?;
    for key in keys {
        let record = table.get(key)?.map(|record| decode_revocation(key, record.value())).transpose()?;
        if record.is_some_and(|record| record.kept_until <= now) {
            table.remove(key)?;
        }
    }
    Ok(())
}

fn remove_sessions(transaction: &WriteTransaction, keys: &[[u8; 16]], now: UnixTime) -> Result<(), Failure> {
    let mut table = transaction.open_table(SESSIONS)?;
    let mut sessions_of = transaction.open_table(SESSIONS_OF)?;
    for key in keys {
        let record = table.get(key)?.map(|record| decode_session(key, record.value())).transpose()?;
        if let Some(record) = record.filter(|record| record.kept_until <= now) {
            table.remove(key)?;
            sessions_of.remove(&session_of_key(&record.subject_target(), key))?;
        }
    }
    Ok(())
}

fn remove_deliveries(
    transaction: &WriteTransaction,
    keys: &[[u8; 16]],
    now: UnixTime,
) -> Result<(), Failure> {
    let mut table = transaction.open_table(DELIVERIES)?;
    for key in keys {
        let record = table.get(key)?.map(|record| deliveries::decode(*key, record.value())).transpose()?;
        if record.is_some_and(|record| record.not_after <= now) {
            table.remove(key)?;
        }
    }
    Ok(())
}
