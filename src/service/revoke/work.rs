//! Doing it: here, in the store, at the identity provider; and again what the store did not take.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::{
    Done, Job, NotRevoked, Revoked, Revoker, Telling,
    audit::Attempt,
    pending::{Backoff, Numbered},
};
use crate::{
    domain::revocation::{Reach, Revocation},
    ops::metrics::RevokeOutcome,
    service::fault::Fault,
    store::{Ending, Order, Recorded},
};

/// How long a caller waits for the store. An order that takes longer is repeated, which changes nothing if it was done.
const TO_STORE: Duration = Duration::from_secs(5);
/// How long a caller waits for the identity provider.
const TO_PROPAGATE: Duration = Duration::from_secs(3);
/// How long the end of the process waits for the store.
const AT_THE_END: Duration = Duration::from_secs(1);

impl Revoker {
    pub(super) async fn carry_out(&self, job: Job, attempt: &Attempt) -> Result<Revoked, NotRevoked> {
        let Job { planned, telling } = job;
        if planned.main.is_some_and(|main| self.has_no_room_for(&main)) {
            return Err(self.refuse(attempt, NotRevoked::Fault(Fault::RevocationsFull)));
        }
        for revocation in &planned.order.revocations {
            self.around.revocations.insert(*revocation);
        }
        let Some(recorded) = self.record(&planned.order).await else {
            attempt.unstored();
            self.around.metrics.ended(attempt.target, RevokeOutcome::Unstored);
            return Err(NotRevoked::Fault(Fault::StoreUnavailable));
        };
        self.take_over(&planned.order, &recorded);
        let done = Done {
            revision: recorded.revision,
            effective_not_before: planned.main.and_then(|main| self.effective(main)),
            sessions: u32::try_from(recorded.ended.len()).unwrap_or(u32::MAX),
        };
        attempt.done(&done);
        let outcome = if planned.main.is_some() { RevokeOutcome::Stored } else { RevokeOutcome::Dead };
        self.around.metrics.ended(attempt.target, outcome);
        let upstream = match telling {
            Telling::No(upstream) => upstream,
            Telling::Deliver(delivery) => self.around.propagator.deliver_now(delivery, TO_PROPAGATE).await,
        };
        Ok(Revoked { done, upstream })
    }

    /// Whether this is a single one too many. A cut-off is always taken: it is what is left to do when there are too many
    /// single ones (R2).
    fn has_no_room_for(&self, revocation: &Revocation) -> bool {
        let max = self.settings.load().max_entries;
        let is_full = || {
            let unstored = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
            self.around.revocations.len() >= max || unstored >= max
        };
        revocation.reach == Reach::All
            && self.around.revocations.find(&revocation.target, revocation.made_at).is_none()
            && is_full()
    }

    /// The cut-off that counts now: a later one may have been there already (R11).
    fn effective(&self, main: Revocation) -> Option<crate::domain::time::UnixTime> {
        let known = self.around.revocations.find(&main.target, main.made_at);
        match known.map_or(main.reach, |known| known.reach.max(main.reach)) {
            Reach::UpTo(cut_off) => Some(cut_off),
            Reach::All => None,
        }
    }

    /// Stores an order, or keeps it to be stored later.
    async fn record(&self, order: &Order) -> Option<Recorded> {
        let why = match timeout(TO_STORE, self.around.store.record(order.clone())).await {
            Ok(Ok(recorded)) => return Some(recorded),
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => format!("no answer within {TO_STORE:?}"),
        };
        if self.pending.keep(order.clone()) {
            tracing::error!(
                error.message = why,
                "revocations cannot be stored: they count on this replica only, and are lost if it ends"
            );
        }
        None
    }

    /// The sessions that the store has ended are refused here, too.
    fn take_over(&self, order: &Order, recorded: &Recorded) {
        let Some(Ending { at, until, kept_until, .. }) = order.ending else { return };
        for session in &recorded.ended {
            let target = session.target();
            let ended = Revocation { target, reach: Reach::All, made_at: at, until, kept_until };
            self.around.revocations.insert(ended);
        }
    }

    /// Stores what the store did not take, for as long as it is polled: again after 0.2, 0.4, 0.8 ... seconds, up to 30 s.
    pub async fn store_pending(&self) {
        loop {
            self.pending.wait().await;
            let mut backoff = Backoff::new();
            while self.pending.len() > 0 {
                sleep(backoff.next()).await;
                while self.push().await {}
            }
        }
    }

    /// The last try, and the last word about what is lost.
    pub async fn store_or_give_up(&self) {
        if self.pending.len() > 0 {
            drop(timeout(AT_THE_END, async { while self.push().await {} }).await);
        }
        let lost = self.pending.len();
        if lost > 0 {
            tracing::error!(
                revocation.unstored = lost,
                "revocations that were never stored end with this process"
            );
        }
    }

    /// One batch. Whether all of it was stored and there is more.
    async fn push(&self) -> bool {
        let batch = self.pending.oldest();
        let stored: HashSet<u64> =
            join_all(batch.iter().map(|one| self.push_one(one))).await.into_iter().flatten().collect();
        let done = self.pending.stored(&stored);
        if done && !batch.is_empty() {
            tracing::info!("every revocation is stored again");
        }
        !done && stored.len() == batch.len()
    }

    async fn push_one(&self, (number, order): &Numbered) -> Option<u64> {
        let recorded = timeout(TO_STORE, self.around.store.record(order.clone())).await.ok()?.ok()?;
        self.take_over(order, &recorded);
        for delivery in &order.deliveries {
            self.around.propagator.deliver_later(delivery.clone());
        }
        Some(*number)
    }
}
