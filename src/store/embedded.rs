//! The embedded store: one redb file, one process.

mod deliveries;
mod failure;
mod file;
mod key_sets;
mod medium;
mod orders;
mod reads;
mod records;
mod rotations;
mod schema;
mod sweep;
mod transfer;
mod writer;

use std::{path::Path, sync::Arc};

use redb::WriteTransaction;
use tokio::sync::oneshot;

pub use self::file::StoreFile;
#[cfg(test)]
pub(in crate::store) use self::key_sets::KEY_SETS;
pub(in crate::store) use self::{
    failure::Failure,
    transfer::{Merging, each},
};

use self::{failure::unreachable, orders::Changes, writer::Writer};
use super::{
    Answer, Delivery, Order, Recorded, SessionRecord, Sight, Snapshot, Store,
    error::StoreError,
    key_ring::KeyRing,
    rotations::{Digests, Limits, Opener},
    seal::SealError,
    sealed_delivery::SealedDelivery,
};
use crate::domain::{revocation::Target, time::UnixTime};

/// Revocations, sessions, deliveries and token families in a file.
#[derive(Debug)]
pub struct EmbeddedStore {
    file: Arc<StoreFile>,
    ring: Arc<KeyRing>,
    digests: Digests,
    opener: Opener,
    limits: Limits,
    writer: Writer,
}

impl EmbeddedStore {
    /// Keeps them in this file; deliveries are sealed with this ring. Dropping it waits for the transaction that is under
    /// way and for all that were asked for.
    pub fn new(file: Arc<StoreFile>, ring: Arc<KeyRing>) -> Result<Self, StoreError> {
        let digests = Digests::new(&ring)?;
        let writer = Writer::start(Arc::clone(&file)).map_err(|source| unreachable(file.path(), source))?;
        let (opener, limits) = (Opener::default(), Limits::default());
        Ok(Self { file, ring, digests, opener, limits, writer })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Hands it to the writer at once; only the answer is waited for.
    fn write<T, F>(&self, work: F) -> Answer<'_, T>
    where
        T: Send + 'static,
        F: FnMut(&WriteTransaction) -> Result<T, Failure> + Send + 'static,
    {
        Box::pin(self.answered(self.writer.take(work)))
    }

    async fn answered<T>(&self, answer: oneshot::Receiver<Result<T, Failure>>) -> Result<T, StoreError> {
        let answer = answer.await.unwrap_or(Err(Failure::Lost));
        answer.map_err(|failure| failure.at(self.path()))
    }

    fn sealed(&self, deliveries: &[Delivery]) -> Result<Vec<SealedDelivery>, SealError> {
        deliveries.iter().map(|delivery| SealedDelivery::seal(&self.ring, delivery)).collect()
    }
}

impl Store for EmbeddedStore {
    fn record(&self, order: Order) -> Answer<'_, Recorded> {
        let Order { revocations, ending, deliveries } = order;
        let sealed = match self.sealed(&deliveries) {
            Ok(sealed) => sealed,
            Err(error) => return Box::pin(async move { Err(error.into()) }),
        };
        self.write(move |transaction| {
            let mut changes = Changes::new(transaction)?;
            // First, while the sessions that end are still active.
            let ended = ending.as_ref().map_or(Ok(Vec::new()), |ending| changes.end(ending))?;
            revocations.iter().try_for_each(|revocation| changes.revoke(*revocation))?;
            deliveries::add(transaction, &sealed)?;
            Ok(Recorded { revision: schema::advance(transaction)?, ended })
        })
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        Box::pin(self.file.read(reads::snapshot))
    }

    fn sight<'s>(&'s self, session: Option<Target>, targets: &'s [Target]) -> Answer<'s, Sight> {
        let targets = targets.to_vec();
        Box::pin(self.file.read(move |transaction| reads::sight(transaction, session, &targets)))
    }

    fn remember_sessions(&self, sessions: Vec<SessionRecord>) -> Answer<'_, ()> {
        self.write(move |transaction| {
            let mut changes = Changes::new(transaction)?;
            sessions.iter().try_for_each(|session| changes.remember(session))
        })
    }

    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        Box::pin(async {
            let sealed = self.file.read(deliveries::all).await?;
            Ok(sealed.into_iter().filter_map(|delivery| delivery.open_or_say(&self.ring)).collect())
        })
    }

    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()> {
        self.write(move |transaction| deliveries::postpone(transaction, &delivery))
    }

    fn settle(&self, delivery: [u8; 16]) -> Answer<'_, ()> {
        self.write(move |transaction| deliveries::settle(transaction, &delivery))
    }

    fn sweep(&self, now: UnixTime) -> Answer<'_, ()> {
        Box::pin(self.sweep_all(now))
    }
}

#[cfg(test)]
mod tests;
