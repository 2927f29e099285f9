//! What is over of token families. Each of the three ends by itself: answers and pointers long before their families, mostly.

use redb::{ReadTransaction, ReadableTable as _, WriteTransaction};

use super::keys_over;
use crate::{
    domain::{rotation::FamilyId, time::UnixTime},
    store::{
        embedded::{
            failure::Failure,
            rotations::{decode, pointed},
            schema::{ANSWERS, FAMILIES, HELD, POINTERS},
        },
        rotations::end_of,
    },
};

pub(super) fn over(
    transaction: &ReadTransaction,
    after: Option<&[u8; 16]>,
    now: UnixTime,
) -> Result<Vec<[u8; 16]>, Failure> {
    let table = transaction.open_table(FAMILIES)?;
    keys_over(&table, after, |key, (_version, record)| Ok(decode(&FamilyId(*key), record)?.kept_until <= now))
}

/// With the tokens that are held for its session: without it nobody finds them.
pub(super) fn remove(
    transaction: &WriteTransaction,
    keys: &[[u8; 16]],
    now: UnixTime,
) -> Result<(), Failure> {
    let mut families = transaction.open_table(FAMILIES)?;
    let mut held = transaction.open_table(HELD)?;
    for key in keys {
        let family = families.get(key)?.map(|row| decode(&FamilyId(*key), row.value().1)).transpose()?;
        if family.is_some_and(|family| family.kept_until <= now) {
            families.remove(key)?;
            held.remove(key)?;
        }
    }
    Ok(())
}

pub(super) fn answers_over(
    transaction: &ReadTransaction,
    after: Option<&[u8; 48]>,
    now: UnixTime,
) -> Result<Vec<[u8; 48]>, Failure> {
    let table = transaction.open_table(ANSWERS)?;
    keys_over(&table, after, |_key, answer| Ok(is_over(answer, now)))
}

pub(super) fn remove_answers(
    transaction: &WriteTransaction,
    keys: &[[u8; 48]],
    now: UnixTime,
) -> Result<(), Failure> {
    let mut table = transaction.open_table(ANSWERS)?;
    for key in keys {
        let over = table.get(key)?.is_some_and(|answer| is_over(answer.value(), now));
        if over {
            table.remove(key)?;
        }
    }
    Ok(())
}

/// One that does not say when it ends is none.
fn is_over(answer: &[u8], now: UnixTime) -> bool {
    end_of(answer).is_none_or(|end| end <= now)
}

pub(super) fn pointers_over(
    transaction: &ReadTransaction,
    after: Option<&[u8; 33]>,
    now: UnixTime,
) -> Result<Vec<[u8; 33]>, Failure> {
    let table = transaction.open_table(POINTERS)?;
    keys_over(&table, after, |key, record| Ok(pointed(key, record)?.1 <= now))
}

pub(super) fn remove_pointers(
    transaction: &WriteTransaction,
    keys: &[[u8; 33]],
    now: UnixTime,
) -> Result<(), Failure> {
    let mut table = transaction.open_table(POINTERS)?;
    for key in keys {
        let found = table.get(key)?.map(|record| pointed(key, record.value())).transpose()?;
        if found.is_some_and(|(_to, until)| until <= now) {
            table.remove(key)?;
        }
    }
    Ok(())
}
