//! Refuse a token, a session, a subject, a client or all of an issuer, from now on.
//!
//! The order of things is what makes an answer true (R1): what is revoked is refused here first, then stored, and only then
//! is the caller told. From the first of these on, nobody's patience matters any more: the rest is done in a task of its own.

mod audit;
mod demand;
mod pending;
mod plan;
mod prepare;
mod work;

use std::{panic::resume_unwind, sync::Arc};

use arc_swap::ArcSwap;

use self::{audit::Attempt, pending::Pending, plan::Planned};
use super::{
    fault::Fault,
    propagate::{Propagator, Upstream},
    validate::Validator,
};
use crate::{
    domain::time::{Clock, UnixTime},
    ops::{
        drain::Tasks,
        metrics::{RevokeMetrics, RevokeOutcome},
    },
    state::{
        revocations::{RevocationSettings, Revocations},
        sessions::Sessions,
    },
    store::{Delivery, Revision, Store},
};

pub use self::demand::{Aim, Demand, Named, WrongField};

/// What was done.
#[derive(Debug)]
pub struct Revoked {
    /// Where it stands among all revocations.
    pub done: Done,
    /// What became of telling the identity provider.
    pub upstream: Upstream,
}

/// What was done here.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Where it stands in the one order of all revocations.
    pub revision: Revision,
    /// The cut-off that counts now, if there is one: an earlier request may have set a later one (R11).
    pub effective_not_before: Option<UnixTime>,
    /// How many known sessions have ended with it.
    pub sessions: u32,
}

/// Why it was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRevoked {
    /// The caller's mistake; nothing was done.
    Field(WrongField),
    /// It cannot be told which token is meant; nothing was done.
    Fault(Fault),
    /// There is no room for another single revocation; nothing was done.
    Full,
    /// It counts here, and the store did not take it yet (R9).
    NotStored,
}

impl From<WrongField> for NotRevoked {
    fn from(wrong: WrongField) -> Self {
        Self::Field(wrong)
    }
}

/// What a revoker works with.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is its type")]
pub struct Surroundings {
    pub validator: Arc<Validator>,
    pub revocations: Arc<Revocations>,
    pub sessions: Arc<Sessions>,
    pub store: Arc<dyn Store>,
    pub propagator: Arc<Propagator>,
    pub clock: Arc<dyn Clock>,
    /// Where what has begun is finished.
    pub tasks: Tasks,
    pub metrics: RevokeMetrics,
}

/// Revokes.
#[derive(Debug)]
pub struct Revoker {
    around: Surroundings,
    settings: ArcSwap<RevocationSettings>,
    pending: Pending,
}

/// What is to be done, when it is settled that it will be.
#[derive(Debug)]
struct Job {
    planned: Planned,
    telling: Telling,
}

/// Whether the identity provider has to be told.
#[derive(Debug)]
enum Telling {
    /// No, and the caller hears this.
    No(Upstream),
    Deliver(Delivery),
}

impl Revoker {
    /// Revokes under these settings until it gets others.
    pub fn new(around: Surroundings, settings: RevocationSettings) -> Self {
        let pending = Pending::new(around.metrics.clone());
        Self { around, settings: ArcSwap::from_pointee(settings), pending }
    }

    /// These count from the next request on.
    pub fn replace_settings(&self, settings: RevocationSettings) {
        self.around.revocations.set_max_entries(settings.max_entries);
        self.settings.store(Arc::new(settings));
    }

    /// Does what `client` demands. Once it has begun, a caller that gives up changes nothing about it.
    pub async fn revoke(self: &Arc<Self>, demand: &Demand<'_>, client: &str) -> Result<Revoked, NotRevoked> {
        let mut attempt = Attempt::of(demand, client);
        let job = match self.prepare(demand, &mut attempt).await {
            Ok(job) => job,
            Err(why) => return Err(self.refuse(&attempt, why)),
        };
        let revoker = Arc::clone(self);
        let task = self.around.tasks.spawn(async move { revoker.carry_out(job, &attempt).await });
        match task.await {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                // As if there were no task: the call is answered INTERNAL.
                Ok(panic) => resume_unwind(panic),
                Err(_the_process_ends) => Err(NotRevoked::NotStored),
            },
        }
    }

    /// A request that could not be read as a demand is on the record, too.
    pub fn unreadable(&self, wrong: WrongField, client: &str) {
        self.refuse(&Attempt::unreadable(client), wrong.into());
    }

    fn refuse(&self, attempt: &Attempt, why: NotRevoked) -> NotRevoked {
        let (outcome, reason, field) = match &why {
            NotRevoked::Field(wrong) => (RevokeOutcome::Invalid, "INVALID_FIELD", Some(wrong.field)),
            NotRevoked::Fault(fault) => (RevokeOutcome::Fault, fault.reason(), None),
            NotRevoked::Full => (RevokeOutcome::Fault, "REVOCATIONS_FULL", None),
            NotRevoked::NotStored => (RevokeOutcome::Unstored, "STORE_UNAVAILABLE", None),
        };
        attempt.refused(reason, field);
        self.around.metrics.ended(attempt.target, outcome);
        why
    }
}

#[cfg(test)]
mod tests;
