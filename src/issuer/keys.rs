//! The keys of one issuer, as validation asks for them.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::DropGuard;

use crate::{
    domain::{algorithm::Algorithm, key::Candidates, policy::IssuerPolicy},
    ops::trace::{InSpan, Span},
};

use super::{
    desk::{Desk, NoSeat},
    freshness::{Conclusion, Demand, is_usable},
    id::IssuerId,
    introspection::Introspector,
    metrics::{IssuerKeyMetrics, count},
    settings::KeyFreshness,
    snapshot::{KeySnapshot, ShelfPlace},
};

/// One issuer. Dropping it stops its keeper.
#[derive(Debug)]
pub struct Issuer {
    id: IssuerId,
    policy: Arc<IssuerPolicy>,
    metrics: IssuerKeyMetrics,
    keys: Keys,
    introspector: Option<Arc<Introspector>>,
}

#[derive(Debug)]
enum Keys {
    /// One configured secret, always usable.
    Shared(Arc<KeySnapshot>),
    /// Published keys, kept by a task.
    Kept(Kept),
}

/// The readers' side of a keeper.
#[derive(Debug)]
pub(super) struct Kept {
    rules: KeyFreshness,
    desk: Arc<Desk>,
    place: ShelfPlace,
    _stops_keeper: DropGuard,
}

/// The keys of one issuer for another instance of it.
#[derive(Debug)]
pub(super) struct HandedOver {
    pub(super) snapshot: Arc<KeySnapshot>,
    /// The time since they were last known to be the published ones.
    pub(super) age: Duration,
}

/// What an issuer says to a token's key id and algorithm.
#[derive(Clone, Debug)]
#[must_use]
pub enum Lookup {
    /// The snapshot has keys that may have signed it.
    Found(Arc<KeySnapshot>),
    /// The key is there and does not do this algorithm.
    WrongAlgorithm,
    /// The issuer has no such key.
    Unknown,
    /// Nobody can tell now: there are no keys young enough, the last attempt to fetch them failed, or one is under way and
    /// too many wait for it already.
    Unavailable,
}

impl Issuer {
    pub(super) fn of_shared(policy: Arc<IssuerPolicy>, metrics: IssuerKeyMetrics, key: KeySnapshot) -> Self {
        Self {
            id: IssuerId::unique(),
            policy,
            metrics,
            keys: Keys::Shared(Arc::new(key)),
            introspector: None,
        }
    }

    pub(super) fn of_published(policy: Arc<IssuerPolicy>, metrics: IssuerKeyMetrics, kept: Kept) -> Self {
        Self { id: IssuerId::unique(), policy, metrics, keys: Keys::Kept(kept), introspector: None }
    }

    /// The same, which is asked about tokens that only it can read by this, if there is one.
    pub(super) fn asked_by(self, introspector: Option<Arc<Introspector>>) -> Self {
        Self { introspector, ..self }
    }

    /// What asks it about tokens that only it can read, if it is to be asked.
    pub fn introspector(&self) -> Option<&Arc<Introspector>> {
        self.introspector.as_ref()
    }

    /// Tells it from every other one.
    pub fn id(&self) -> IssuerId {
        self.id
    }

    /// The rules for its tokens.
    pub fn policy(&self) -> &Arc<IssuerPolicy> {
        &self.policy
    }

    /// The keys, if they may verify now. Neither waits nor locks.
    pub fn current(&self) -> Option<Arc<KeySnapshot>> {
        match &self.keys {
            Keys::Shared(snapshot) => Some(Arc::clone(snapshot)),
            Keys::Kept(kept) => kept.current(),
        }
    }

    /// A look at the keys, if they may verify now. This is asked on every request, so it does not even count a reference.
    pub fn look<T>(&self, look: impl FnOnce(&KeySnapshot) -> T) -> Option<T> {
        match &self.keys {
            Keys::Shared(snapshot) => Some(look(snapshot)),
            Keys::Kept(kept) => {
                let held = kept.place.peek();
                held.as_ref().filter(|held| kept.may_verify(held)).map(|held| look(held))
            }
        }
    }

    /// Finds the keys for a token. A key that is held is found without waiting (K4). For one that is missing, at most one
    /// fetch is made or joined (K8) and waited for; giving up the wait cancels nothing (K10).
    pub async fn lookup(&self, key_id: Option<&str>, algorithm: Algorithm) -> Lookup {
        match &self.keys {
            Keys::Shared(snapshot) => find(snapshot, key_id, algorithm).unwrap_or(Lookup::WrongAlgorithm),
            Keys::Kept(kept) => match kept.find(key_id, algorithm) {
                Some(found) => found,
                None => self.find_missing(kept, key_id, algorithm).await,
            },
        }
    }

    async fn find_missing(&self, kept: &Kept, key_id: Option<&str>, algorithm: Algorithm) -> Lookup {
        let seated = match kept.desk.demand() {
            Demand::Start { finished } | Demand::Join { finished } => {
                // A set from the store may explain it meanwhile (K4).
                let explained = || kept.find(key_id, algorithm).is_some();
                self.waiting(kept.desk.wait_seated(finished, explained)).await
            }
            Demand::Refused => {
                self.metrics.suppressed.inc();
                Ok(())
            }
            Demand::Failing => Ok(()),
        };
        // Looked at again in any case: the set may have been swapped since the first look.
        if let Some(found) = kept.find(key_id, algorithm) {
            return found;
        }
        if let Err(NoSeat) = seated {
            return Lookup::Unavailable;
        }
        match kept.desk.conclude() {
            Conclusion::Unknown => {
                self.metrics.unknown_key_ids.inc();
                Lookup::Unknown
            }
            Conclusion::Unavailable => Lookup::Unavailable,
        }
    }

    /// A signature did not verify with the keys of generation `seen`: maybe the issuer replaced a key and kept its `kid`.
    /// `Some` if the keys are others now. At most one caller per `min_refetch` waits for a fetch here; for all others the
    /// signature stays bad, so that forged tokens cannot hold up requests.
    pub async fn after_bad_signature(&self, seen: u64) -> Option<Arc<KeySnapshot>> {
        let Keys::Kept(kept) = &self.keys else {
            return None;
        };
        let newer = || kept.current().filter(|snapshot| snapshot.generation != seen);
        if let Some(newer) = newer() {
            return Some(newer);
        }
        match kept.desk.demand() {
            Demand::Start { finished } => {
                self.waiting(kept.desk.wait(finished)).await;
                newer()
            }
            Demand::Join { .. } | Demand::Failing => None,
            Demand::Refused => {
                self.metrics.suppressed.inc();
                None
            }
        }
    }

    /// A lookup that waits for a fetch, as a span of its own.
    fn waiting<F: Future>(&self, wait: F) -> InSpan<F> {
        let span = Span::part("wait for keys");
        if let Some(span) = &span {
            span.notes().name("token.issuer", &self.policy.name);
        }
        InSpan::new(span, wait)
    }

    /// Returns once the first attempt to fetch the keys has ended, well or badly.
    pub async fn wait_first_attempt(&self) {
        if let Keys::Kept(kept) = &self.keys {
            kept.desk.wait(0).await;
        }
    }

    /// Returns once there are keys that may verify, or the first attempt to fetch some has ended.
    pub async fn wait_first_keys(&self) {
        if let Keys::Kept(kept) = &self.keys {
            kept.desk.wait_or(0, || kept.current().is_some()).await;
        }
    }

    /// Whether there is a key that verifies now.
    pub fn has_usable_keys(&self) -> bool {
        self.current().is_some_and(|snapshot| !snapshot.keys.is_empty())
    }

    /// How long ago the held keys were last known to be the published ones, be they usable or not; `None` without any, and
    /// for a shared secret.
    pub fn key_set_age(&self) -> Option<Duration> {
        match &self.keys {
            Keys::Shared(_) => None,
            Keys::Kept(kept) => Some(kept.desk.now().since(kept.place.held()?.confirmed_at)),
        }
    }

    /// The held keys, usable or not, for the one that takes over; `None` without any, and for a shared secret.
    pub(super) fn hand_over(&self) -> Option<HandedOver> {
        match &self.keys {
            Keys::Shared(_) => None,
            Keys::Kept(kept) => {
                let snapshot = kept.place.held()?;
                let age = kept.desk.now().since(snapshot.confirmed_at);
                Some(HandedOver { snapshot, age })
            }
        }
    }

    /// After [`Lookup::Unavailable`], when asking again makes sense: when the next fetch is due, at least a second and at
    /// most `min_refetch`; after a second if one is under way.
    pub fn retry_after(&self) -> Duration {
        match &self.keys {
            Keys::Shared(_) => Duration::from_secs(1),
            Keys::Kept(kept) => kept.desk.retry_after(),
        }
    }

    /// Brings the gauges up to date that change with time alone. Called on each scrape.
    pub fn update_metrics(&self) {
        let usable = self.current().map_or(0, |snapshot| snapshot.keys.len());
        self.metrics.keys.set(count(usable));
        let without_age = match &self.keys {
            Keys::Shared(_) => 0.0,
            Keys::Kept(_) => f64::NAN,
        };
        self.metrics.age_seconds.set(self.key_set_age().map_or(without_age, |age| age.as_secs_f64()));
    }
}

impl Kept {
    pub(super) fn new(
        rules: KeyFreshness,
        desk: Arc<Desk>,
        place: ShelfPlace,
        stops_keeper: DropGuard,
    ) -> Self {
        Self { rules, desk, place, _stops_keeper: stops_keeper }
    }

    fn current(&self) -> Option<Arc<KeySnapshot>> {
        self.place.held().filter(|held| self.may_verify(held))
    }

    fn may_verify(&self, held: &KeySnapshot) -> bool {
        is_usable(held.confirmed_at, self.desk.now(), &self.rules)
    }

    fn find(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<Lookup> {
        find(&self.current()?, key_id, algorithm)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // An issuer that is gone verifies nothing.
        self.place.clear();
    }
}

/// What one snapshot says; `None`: it has no such key.
fn find(snapshot: &Arc<KeySnapshot>, key_id: Option<&str>, algorithm: Algorithm) -> Option<Lookup> {
    match snapshot.keys.candidates(key_id, algorithm) {
        Candidates::Keys(_) => Some(Lookup::Found(Arc::clone(snapshot))),
        Candidates::WrongAlgorithm => Some(Lookup::WrongAlgorithm),
        Candidates::Absent => None,
    }
}

#[cfg(test)]
mod tests;
