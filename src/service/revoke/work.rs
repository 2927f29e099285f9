//! Doing it: here, in the store, at the identity provider; and again what the store did not take.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::{
    Done, Job, NotRevoked, Revoked, Revoker, Telling,
    audit::Attempt,
    pending::{self, Numbered},
    plan::Planned,
};
use crate::{
    domain::{
        revocation::{Reach, Revocation, check::Known as _},
        time::UnixTime,
    },
    ops::metrics::RevokeOutcome,
    service::propagate::Upstream,
    state::revocations::Full,
    store::{Ending, Order, Recorded, Revision, SessionRecord},
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
        let now = self.around.clock.now();
        if let (None, Some(revision)) = (planned.main, self.around.revocations.revision()) {
            return Ok(self.nothing_to_do(attempt, revision, &telling));
        }
        if self.refuse_here(&planned).is_err() {
            return Err(self.refuse(attempt, NotRevoked::Full));
        }
        if planned.order.ending.is_some() {
            // What was seen a moment ago is ended, too. If it is not in the store then, its tokens are refused by their
            // beginning all the same.
            drop(timeout(TO_STORE, self.around.sessions.flush()).await);
        }
        let Some(recorded) = self.record(&planned.order).await else {
            attempt.unstored();
            self.around.metrics.ended(attempt.target, RevokeOutcome::Unstored);
            return Err(NotRevoked::NotStored);
        };
        self.take_over(&planned.order, &recorded);
        let done = Done {
            revision: recorded.revision,
            effective_not_before: planned.main.and_then(|main| self.effective(&main, now)),
            sessions: u32::try_from(recorded.ended.len()).unwrap_or(u32::MAX),
        };
        attempt.done(&done);
        self.around.metrics.ended(attempt.target, RevokeOutcome::Stored);
        let upstream = match telling {
            Telling::No(upstream) => upstream,
            Telling::Deliver(delivery) => self.around.propagator.deliver_now(delivery, TO_PROPAGATE).await,
        };
        Ok(Revoked { done, upstream })
    }

    /// What is dead stays so without anybody's help (R10).
    fn nothing_to_do(&self, attempt: &Attempt, revision: Revision, telling: &Telling) -> Revoked {
        let done = Done { revision, effective_not_before: None, sessions: 0 };
        attempt.done(&done);
        self.around.metrics.ended(attempt.target, RevokeOutcome::Dead);
        let upstream = match telling {
            Telling::No(upstream) => *upstream,
            Telling::Deliver(_) => Upstream::NothingToSend,
        };
        Revoked { done, upstream }
    }

    /// Refuses from now on what is planned, unless it is a single one too many. A cut-off is always taken: it is what is left
    /// to do when there are too many single ones (R2).
    fn refuse_here(&self, planned: &Planned) -> Result<(), Full> {
        let unstored = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        let is_single = planned.main.is_some_and(|main| main.target.kind().is_single());
        // A caller that repeats one and the same while the store is away must not fill the memory either.
        if is_single && unstored >= self.around.revocations.max_entries() {
            return Err(Full);
        }
        self.around.revocations.insert(&planned.order.revocations)
    }

    /// The cut-off that counts now: a later one may have been there already (R11).
    fn effective(&self, main: &Revocation, now: UnixTime) -> Option<UnixTime> {
        let known = self.around.revocations.at(now).find(&main.target);
        match known.map_or(main.reach, |known| known.max(main.reach)) {
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

    /// The sessions that the store has ended are refused here, too, and the set is as new as the store.
    fn take_over(&self, order: &Order, recorded: &Recorded) {
        if let Some(Ending { at, until, kept_until, .. }) = order.ending {
            let of_session = |session: &SessionRecord| {
                let target = session.target();
                Revocation { target, reach: Reach::All, made_at: at, until, kept_until }
            };
            let ended: Vec<_> = recorded.ended.iter().map(of_session).collect();
            self.around.revocations.add(&ended);
        }
        self.around.revocations.recorded(recorded.revision);
    }

    /// What this service finds out or decides by itself: refused here from now on, and stored, now or as soon as that is
    /// possible (R9). Nobody is told.
    pub(in crate::service) async fn refuse_and_record(&self, order: Order) {
        self.around.revocations.add(&order.revocations);
        if let Some(recorded) = self.record(&order).await {
            self.take_over(&order, &recorded);
        }
    }

    /// Stores what the store did not take, for as long as it is polled: again after 0.2, 0.4, 0.8 ... seconds, up to 30 s.
    pub async fn store_pending(&self) {
        loop {
            self.pending.wait().await;
            let mut backoff = pending::backoff();
            while self.pending.len() > 0 {
                sleep(backoff.next(0.0)).await;
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

    /// One batch. Whether some of it was stored and there is more.
    async fn push(&self) -> bool {
        let batch = self.pending.oldest();
        let stored: HashSet<u64> =
            join_all(batch.iter().map(|one| self.push_one(one))).await.into_iter().flatten().collect();
        let done = self.pending.stored(&batch, &stored);
        if done && !batch.is_empty() {
            tracing::info!("every revocation is stored again");
        }
        !done && !stored.is_empty()
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
