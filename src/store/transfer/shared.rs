//! Out of a store that replicas share and into one, while they go on using it.
//!
//! An export is then of no one moment: it holds everything that was recorded before it began, and of the rest what it came
//! across. An import goes through the same doors as what replicas record, so that they learn of it at once.

use std::{io, path::Path};

use super::{
    super::{
        Answer, Feed, KeySetOrigin, Order, SealedKeySet, SessionRecord, Shelf, Store, StoreError,
        sealed_delivery::SealedDelivery,
    },
    Imported, Item, TransferError,
    line::Counts,
    reader, writer,
};
use crate::domain::{revocation::Revocation, time::UnixTime};

/// So many records go into the store at once.
const BATCH: usize = 500;

/// What a shared store offers for this alone.
pub(in crate::store) trait Shared: Store + Feed + Shelf {
    /// The keys of all session records.
    fn session_keys(&self) -> Answer<'_, Vec<[u8; 16]>>;

    /// Those of these session records that are still there.
    fn sessions<'s>(&'s self, keys: &'s [[u8; 16]]) -> Answer<'s, Vec<SessionRecord>>;

    /// What is still to be delivered, as it is kept.
    fn sealed_deliveries(&self) -> Answer<'_, Vec<SealedDelivery>>;

    /// Keeps these, but for those of which it has something already.
    fn add_deliveries(&self, deliveries: Vec<SealedDelivery>) -> Answer<'_, ()>;

    /// Everything on the shelf.
    fn key_sets(&self) -> Answer<'_, Vec<SealedKeySet>>;
}

/// Writes an export, as of `now`.
pub(super) async fn export(
    store: &dyn Shared,
    now: UnixTime,
    to: &mut (dyn io::Write + Send),
) -> Result<Counts, TransferError> {
    // First, so that everything up to there is in what is read behind it.
    let revision = store.end().await?.position.revision;
    let lines = writer::Lines::begin(io::BufWriter::new(to), revision, now);
    let mut lines = lines.map_err(TransferError::Unwritable)?;
    let mut put = |item: Item| lines.put(&item).map_err(TransferError::Unwritable);
    let mut place = None;
    loop {
        let page = store.page(place).await?;
        page.revocations.into_iter().map(Item::Revocation).try_for_each(&mut put)?;
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    for keys in store.session_keys().await?.chunks(BATCH) {
        store.sessions(keys).await?.into_iter().map(Item::Session).try_for_each(&mut put)?;
    }
    store.sealed_deliveries().await?.into_iter().map(Item::Delivery).try_for_each(&mut put)?;
    store.key_sets().await?.into_iter().map(Item::KeySet).try_for_each(&mut put)?;
    lines.end().map_err(TransferError::Unwritable)
}

/// Merges an export that was found to be whole, a batch at a time. Whatever is merged twice is as if it had been once.
pub(super) async fn import(store: &dyn Shared, from: &Path) -> Result<Imported, TransferError> {
    let mut revision = store.end().await?.position.revision;
    let mut items = reader::Items::open(from)?;
    let in_part = |error: StoreError| TransferError::InPart(Box::new(error.into()));
    let mut batch = Batch::default();
    loop {
        // It may be another file by now, and something of it is kept already.
        let item = items.next().map_err(|error| TransferError::InPart(Box::new(error)))?;
        let is_last = item.is_none();
        if let Some(item) = item {
            batch.put(item);
        }
        if batch.length >= BATCH || is_last {
            let revocations = std::mem::take(&mut batch.revocations);
            if !revocations.is_empty() {
                let order = Order { revocations, ..Order::default() };
                revision = store.record(order).await.map_err(in_part)?.revision;
            }
            std::mem::take(&mut batch).keep(store).await.map_err(in_part)?;
        }
        if is_last {
            return Ok(Imported { counts: items.counts(), revision });
        }
    }
}

/// Records that go into the store together.
#[derive(Default)]
struct Batch {
    length: usize,
    revocations: Vec<Revocation>,
    sessions: Vec<SessionRecord>,
    deliveries: Vec<SealedDelivery>,
    key_sets: Vec<SealedKeySet>,
}

impl Batch {
    fn put(&mut self, item: Item) {
        self.length += 1;
        match item {
            Item::Revocation(revocation) => self.revocations.push(revocation),
            Item::Session(session) => self.sessions.push(session),
            Item::Delivery(delivery) => self.deliveries.push(delivery),
            Item::KeySet(set) => self.key_sets.push(set),
        }
    }

    /// All but the revocations, which are there before: a session that is remembered looks for its own.
    async fn keep(self, store: &dyn Shared) -> Result<(), StoreError> {
        if !self.sessions.is_empty() {
            store.remember_sessions(self.sessions).await?;
        }
        if !self.deliveries.is_empty() {
            store.add_deliveries(self.deliveries).await?;
        }
        for set in self.key_sets {
            let known = store.get(KeySetOrigin { issuer: &set.issuer, uri: &set.uri }).await?;
            // The younger of two stays.
            if known.is_none_or(|known| known.fetched_at < set.fetched_at) {
                store.put(set).await?;
            }
        }
        Ok(())
    }
}
