//! The shared store: Redis, which other replicas use, too.
//!
//! Revocations, the feed of them, and deliveries lie in one slot, the home slot, because one script changes them together; sessions
//! and key sets lie wherever their own slots are. Everything that is sent can be sent again without harm, so that an answer that
//! was lost costs nothing but asking again.

mod check;
mod copy;
mod core;
mod feed;
mod key_sets;
mod keys;
mod limits;
mod link;
mod outbox;
mod record;
mod reply;
mod rotations;
mod scan;
mod scripts;
mod sessions;
mod sweep;
mod transfer;
mod trouble;
mod writer;

use std::sync::Arc;

use self::{core::Core, link::Link, scripts::Where, writer::Writer};
pub use self::{
    link::{Found, Kept},
    trouble::{RedisTrouble, Unfit, UnfitKind},
};
use super::{
    Answer, Delivery, Order, Recorded, SessionRecord, Sight, Snapshot, Store, error::StoreError,
    key_ring::KeyRing, seal::SealError, sealed_delivery::SealedDelivery, settings::RedisSettings,
};
use crate::{
    domain::{revocation::Target, time::UnixTime},
    ops::drain::Tasks,
};

/// Revocations, sessions, deliveries and key sets in Redis.
#[derive(Debug)]
pub struct RedisStore {
    core: Arc<Core>,
    writer: Writer,
    tasks: Tasks,
}

impl RedisStore {
    /// Connects. A Redis that does not answer is no error: what is asked of it later is tried then. One that answers and holds
    /// what this deployment must not touch is.
    pub async fn open(settings: &RedisSettings, ring: Arc<KeyRing>) -> Result<Self, StoreError> {
        let core = Arc::new(Core::new(Link::open(settings).await?, ring)?);
        match core.beat(Where::Home).await {
            Ok(_contact) => {}
            Err(StoreError::Redis { code, source }) => tracing::warn!(
                error.type = code.as_deref().unwrap_or("none"),
                error.message = %source,
                "Redis cannot be used yet; this replica is not ready until it can"
            ),
            Err(error) => return Err(error),
        }
        let (writer, write) = Writer::new(Arc::clone(&core));
        let tasks = Tasks::default();
        drop(tasks.spawn(write));
        Ok(Self { core, writer, tasks })
    }

    fn sealed(&self, deliveries: &[Delivery]) -> Result<Vec<SealedDelivery>, SealError> {
        deliveries.iter().map(|delivery| SealedDelivery::seal(&self.core.ring, delivery)).collect()
    }
}

impl Store for RedisStore {
    fn record(&self, order: Order) -> Answer<'_, Recorded> {
        let sealed = match self.sealed(&order.deliveries) {
            Ok(sealed) => sealed,
            Err(error) => return Box::pin(async move { Err(error.into()) }),
        };
        // In a task of its own: a caller that gives up changes nothing.
        let (core, writer, tasks) = (Arc::clone(&self.core), self.writer.clone(), self.tasks.clone());
        let recorded = self.tasks.spawn(async move { record(core, writer, tasks, order, sealed).await });
        Box::pin(async { recorded.await.unwrap_or_else(|_ended| Err(reply::unexpected())) })
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        // Where it ends first: what is recorded while the copy is read may be in it.
        Box::pin(async { self.core.snapshot(self.core.end().await?.position.revision).await })
    }

    fn sight<'s>(&'s self, session: Option<Target>, targets: &'s [Target]) -> Answer<'s, Sight> {
        Box::pin(self.core.sight(session, targets))
    }

    fn remember_sessions(&self, sessions: Vec<SessionRecord>) -> Answer<'_, ()> {
        Box::pin(async move { self.core.remember(&sessions).await })
    }

    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        Box::pin(self.core.deliveries())
    }

    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()> {
        Box::pin(async move { self.core.postpone(&delivery).await })
    }

    fn settle(&self, delivery: [u8; 16]) -> Answer<'_, ()> {
        Box::pin(self.core.settle(delivery))
    }

    fn sweep(&self, now: UnixTime) -> Answer<'_, ()> {
        Box::pin(self.core.sweep(now))
    }
}

/// Records an order, and then notes in the sessions that they have ended, which nobody waits for: whoever reads one looks into the
/// copy, too. If the sessions that it ends cannot be read, all else of it is recorded, and the caller hears of it.
async fn record(
    core: Arc<Core>,
    writer: Writer,
    tasks: Tasks,
    order: Order,
    deliveries: Vec<SealedDelivery>,
) -> Result<Recorded, StoreError> {
    let Order { mut revocations, ending, .. } = order;
    let named = match &ending {
        Some(ending) => core.named_by(ending).await,
        None => Ok(Vec::new()),
    };
    let ends = ending
        .iter()
        .flat_map(|ending| named.iter().flatten().map(|session| sessions::end_of(session, ending)));
    let ends: Vec<_> = ends.collect();
    revocations.extend(&ends);
    let revision = writer.record(record::tasks(&core.keys, &revocations, &deliveries)).await?;
    let ended = named?.into_iter().zip(&ends).map(|(session, end)| session.ended_by(end)).collect();
    drop(tasks.spawn(async move {
        if let Err(error) = core.conclude(&revocations).await {
            tracing::debug!(error.message = %error, "a session's record does not say yet that it has ended");
        }
    }));
    Ok(Recorded { revision, ended })
}

#[cfg(test)]
mod tests;
