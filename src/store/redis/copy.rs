//! The copy: every revocation that is kept, by key.

use std::collections::HashMap;

use redis::{Pipeline, Value};

use super::{
    super::{
        entry::{self, EntryError},
        error::StoreError,
        records::{Revision, Snapshot},
    },
    core::Core,
    keys::Home,
    reply::{bytes, good, list, maybe},
    scan,
};
use crate::domain::revocation::{Revocation, Target};

/// The most that one command asks for.
const MOST: usize = 1000;

/// One that cannot be read is an error, and never left out: a set that lacks one lets a token pass.
pub(super) fn decode(prefix: &str, key: &[u8], record: &[u8]) -> Result<Revocation, StoreError> {
    let (prefix, what) = (prefix.to_owned(), "a revocation");
    entry::read(key, record).map_err(|error| match error {
        EntryError::Version(found) => StoreError::UnknownEntry { prefix, what, found },
        EntryError::Damaged => StoreError::DamagedEntry { prefix, what },
    })
}

impl Core {
    /// Of each of these, what is kept of it, in their order.
    pub(super) async fn revocations_of(
        &self,
        targets: &[Target],
    ) -> Result<Vec<Option<Revocation>>, StoreError> {
        let keys: Vec<_> = targets.iter().map(entry::key).collect();
        let records = self.records_of(&keys).await?;
        let pairs = keys.iter().zip(records);
        pairs
            .map(|(key, record)| record.map(|record| decode(self.prefix(), key, &record)).transpose())
            .collect()
    }

    /// The records of these keys, in their order.
    pub(super) async fn records_of<K: AsRef<[u8]> + Sync>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::new();
        for keys in keys.chunks(MOST) {
            pipeline.cmd("HMGET").arg(self.keys.home(Home::Copy));
            for key in keys {
                pipeline.arg(key.as_ref());
            }
        }
        let mut records = Vec::with_capacity(keys.len());
        for answer in self.link.home(&pipeline).await? {
            let found = list(good(self.prefix(), answer)?)?;
            for record in found {
                records.push(maybe(record).map(bytes).transpose()?);
            }
        }
        if records.len() == keys.len() { Ok(records) } else { Err(super::reply::unexpected()) }
    }

    /// All of it, at least as of this revision.
    pub(super) async fn snapshot(&self, revision: Revision) -> Result<Snapshot, StoreError> {
        let mut all: HashMap<Target, Revocation> = HashMap::new();
        for (key, record) in scan::all(self, Home::Copy).await? {
            // A hash that grows meanwhile is seen in parts more than once.
            let one = decode(self.prefix(), &key, &record)?;
            all.entry(one.target).and_modify(|known| *known = known.merge(one)).or_insert(one);
        }
        Ok(Snapshot { revision, revocations: all.into_values().collect() })
    }
}

/// Keys and records, one after another, as the scripts take and the feed holds them.
pub(super) fn joined<'r>(revocations: impl IntoIterator<Item = &'r Revocation>) -> Vec<u8> {
    let both = |one: &Revocation| entry::key(&one.target).into_iter().chain(entry::record(one));
    revocations.into_iter().flat_map(both).collect()
}

/// The other way.
pub(super) fn split(prefix: &str, joined: &[u8]) -> Result<Vec<Revocation>, StoreError> {
    let (both, rest) = joined.as_chunks::<{ entry::KEY_BYTES + entry::RECORD_BYTES }>();
    if !rest.is_empty() {
        return Err(StoreError::DamagedEntry { prefix: prefix.to_owned(), what: "an entry of the feed" });
    }
    let read = |both: &[u8; entry::KEY_BYTES + entry::RECORD_BYTES]| {
        let (key, record) = both.split_at(entry::KEY_BYTES);
        decode(prefix, key, record)
    };
    both.iter().map(read).collect()
}

/// A value that is looked at only if it is there.
pub(super) fn found(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    maybe(value).map(bytes).transpose()
}
