//! Token families in the file: each transition is a transaction of the one writer.

use redb::{ReadTransaction, ReadableTable as _, WriteTransaction};

use super::{
    EmbeddedStore,
    failure::Failure,
    schema::{ANSWERS, FAMILIES, HELD, POINTERS},
};
use crate::{
    domain::{
        limit::{Limit, TooOften},
        rotation::{Family, FamilyId, RefreshDigest},
        secret::Secret,
        time::UnixTime,
        tokens::Tokens,
    },
    store::{
        Answer,
        codec::{Decoder, Encoder, Problem},
        rotations::{
            self, Change, Pointed, Pointer, Presented, Reading, Rotations, SealedChange, Swapped, Version,
        },
    },
};

impl Rotations for EmbeddedStore {
    fn digest(&self, issuer: &str, client_id: &str, token: &Secret) -> RefreshDigest {
        self.digests.of(issuer, client_id, token)
    }

    fn family_of(&self, pointer: Pointer) -> Answer<'_, Option<FamilyId>> {
        let key = pointer.key();
        Box::pin(self.file.read(move |transaction| {
            let table = transaction.open_table(POINTERS)?;
            let found = table.get(&key)?.map(|record| pointed(&key, record.value())).transpose()?;
            Ok(found.map(|(to, _until)| to))
        }))
    }

    fn read(&self, family: FamilyId) -> Answer<'_, Reading> {
        Box::pin(self.file.read(move |transaction| read(transaction, family)))
    }

    fn swap(&self, change: Change) -> Answer<'_, Swapped> {
        match SealedChange::seal(&self.ring, change) {
            Ok(sealed) => self.write(move |transaction| swap(transaction, &sealed)),
            Err(error) => Box::pin(async move { Err(error.into()) }),
        }
    }

    fn answer<'s>(&'s self, family: FamilyId, to: &'s Presented) -> Answer<'s, Option<Tokens>> {
        let key = answer_key(family, &to.digest);
        Box::pin(async move {
            let kept = self.file.read(move |transaction| {
                Ok(transaction.open_table(ANSWERS)?.get(&key)?.map(|kept| kept.value().to_vec()))
            });
            Ok(kept.await?.and_then(|kept| self.opener.answer(&self.ring, family, to, &kept)))
        })
    }

    fn held(&self, family: FamilyId) -> Answer<'_, Option<Tokens>> {
        Box::pin(async move {
            let held = self.file.read(move |transaction| {
                Ok(transaction.open_table(HELD)?.get(&family.0)?.map(|held| held.value().to_vec()))
            });
            Ok(held.await?.and_then(|held| self.opener.held(&self.ring, family, &held)))
        })
    }

    fn point(&self, pointed: Vec<Pointed>) -> Answer<'_, ()> {
        self.write(move |transaction| {
            let mut table = transaction.open_table(POINTERS)?;
            for Pointed { from, to, until } in &pointed {
                let key = from.key();
                let record = Encoder::new().fixed(&to.0).number(until.as_millis()).end(&key);
                let record: [u8; 29] =
                    record.as_slice().try_into().map_err(|_length| damaged_pointer(Problem::Damaged))?;
                table.insert(&key, &record)?;
            }
            Ok(())
        })
    }

    fn admit(&self, limits: Vec<(String, Limit)>, now: UnixTime) -> Answer<'_, Result<(), TooOften>> {
        Box::pin(async move { Ok(self.limits.admit(&limits, now)) })
    }
}

fn read(transaction: &ReadTransaction, id: FamilyId) -> Result<Reading, Failure> {
    let family = match transaction.open_table(FAMILIES)?.get(&id.0)? {
        Some(row) => {
            let (version, record) = row.value();
            Some((decode(&id, record)?, Version(*version)))
        }
        None => None,
    };
    let is_held = transaction.open_table(HELD)?.get(&id.0)?.is_some();
    Ok(Reading { family, is_held, now: None })
}

fn swap(transaction: &WriteTransaction, change: &SealedChange) -> Result<Swapped, Failure> {
    let SealedChange { id, from, version, record, keep, forget, hold, .. } = change;
    let mut families = transaction.open_table(FAMILIES)?;
    let found = families.get(&id.0)?.map(|row| Version(*row.value().0));
    if found != *from {
        return Ok(Swapped::Changed);
    }
    families.insert(&id.0, (&version.0, record.as_slice()))?;
    let mut answers = transaction.open_table(ANSWERS)?;
    for digest in forget {
        answers.remove(&answer_key(*id, digest))?;
    }
    if let Some((to, answer)) = keep {
        answers.insert(&answer_key(*id, to), answer.as_slice())?;
    }
    if let Some(held) = hold {
        transaction.open_table(HELD)?.insert(&id.0, held.as_slice())?;
    }
    Ok(Swapped::Done(*version))
}

pub(super) fn decode(id: &FamilyId, record: &[u8]) -> Result<Family, Failure> {
    rotations::decode(id, record).map_err(|problem| Failure::Record { what: rotations::WHAT, problem })
}

/// A family's answers lie together.
pub(super) fn answer_key(family: FamilyId, to: &RefreshDigest) -> [u8; 48] {
    let mut key = [0; 48];
    key.iter_mut().zip(family.0.iter().chain(&to.0)).for_each(|(to, from)| *to = *from);
    key
}

/// Where a pointer leads, and until when.
pub(super) fn pointed(key: &[u8; 33], record: &[u8; 29]) -> Result<(FamilyId, UnixTime), Failure> {
    let read = || {
        let mut decoder = Decoder::new(key, record)?;
        let (to, until) = (FamilyId(decoder.fixed()?), decoder.time()?);
        decoder.end((to, until))
    };
    read().map_err(damaged_pointer)
}

fn damaged_pointer(problem: Problem) -> Failure {
    Failure::Record { what: rotations::POINTER, problem }
}
