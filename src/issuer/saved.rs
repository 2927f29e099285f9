//! The last good key set in the store, for a restart while the provider is down (K13).

use std::{sync::Arc, time::Duration};

use crate::{
    domain::time::UnixTime,
    store::{KeySetOrigin, KeySetStore, StoreError, StoredKeySet},
};

use super::{
    fetch::Chain,
    metrics::{IssuerKeyMetrics, StoreTrouble},
};

/// One issuer's copy.
#[derive(Debug)]
pub(super) struct SavedKeys {
    pub(super) store: Arc<KeySetStore>,
    /// The configured issuer.
    pub(super) issuer: String,
    /// What the set was found through.
    pub(super) uri: String,
    /// How long the store may take, so that a stuck disk does not keep the keeper from fetching.
    pub(super) timeout: Duration,
    pub(super) metrics: IssuerKeyMetrics,
    /// Whether the last write failed, so that only the change is logged.
    pub(super) failing: bool,
}

/// A copy that may be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Restored {
    pub(super) age: Duration,
    pub(super) document: Vec<u8>,
}

/// Why a copy is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotUsable {
    #[error("it is from the future")]
    FromTheFuture,
    #[error("it is older than `max_age`")]
    TooOld,
}

/// A copy is as old as the wall clock says, since elapsed time does not outlive the process. One from the future proves
/// that a clock was wrong, so its age is unknown.
pub(super) fn judge(set: StoredKeySet, now: UnixTime, max_age: Duration) -> Result<Restored, NotUsable> {
    if set.fetched_at > now {
        return Err(NotUsable::FromTheFuture);
    }
    let age = now.since(set.fetched_at);
    if age >= max_age {
        return Err(NotUsable::TooOld);
    }
    Ok(Restored { age, document: set.document })
}

impl SavedKeys {
    fn origin(&self) -> KeySetOrigin<'_> {
        KeySetOrigin { issuer: &self.issuer, uri: &self.uri }
    }

    /// The copy, if there is one that may be used.
    pub(super) async fn load(&self, now: UnixTime, max_age: Duration) -> Option<Restored> {
        let issuer = self.issuer.as_str();
        let set = match tokio::time::timeout(self.timeout, self.store.load(self.origin())).await {
            Ok(Ok(set)) => set?,
            Ok(Err(StoreError::Forged)) => {
                self.metrics.store_trouble(StoreTrouble::Forged);
                tracing::error!(
                    token.issuer = issuer,
                    "the stored key set does not bear this key ring's seal: ignored; somebody else wrote it, or the key \
                     ring was changed"
                );
                return None;
            }
            Ok(Err(error)) => {
                self.metrics.store_trouble(StoreTrouble::Io);
                tracing::warn!(token.issuer = issuer, error.message = %Chain(&error), "the stored key set could not be read");
                return None;
            }
            Err(_elapsed) => {
                self.metrics.store_trouble(StoreTrouble::Io);
                tracing::warn!(token.issuer = issuer, "the stored key set was not read in time");
                return None;
            }
        };
        match judge(set, now, max_age) {
            Ok(restored) => Some(restored),
            Err(why) => {
                tracing::info!(token.issuer = issuer, error.message = %why, "the stored key set is of no use now");
                None
            }
        }
    }

    /// Replaces the copy. Also when nothing has changed, so that its age is right, and when no key is left, so that a
    /// restart does not bring withdrawn keys back.
    pub(super) async fn save(&mut self, fetched_at: UnixTime, document: Vec<u8>) {
        let set = StoredKeySet { fetched_at, document };
        let problem = match tokio::time::timeout(self.timeout, self.store.save(self.origin(), &set)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Chain(&error).to_string()),
            Err(_elapsed) => Some("not written in time".to_owned()),
        };
        let was_failing = std::mem::replace(&mut self.failing, problem.is_some());
        if let Some(problem) = problem {
            self.metrics.store_trouble(StoreTrouble::Io);
            if !was_failing {
                tracing::error!(
                    token.issuer = self.issuer,
                    error.message = problem,
                    "the key set could not be stored: a restart while the provider is down would have no keys"
                );
            }
        } else if was_failing {
            tracing::info!(token.issuer = self.issuer, "the key set can be stored again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fetched_at: i64, now: i64, expected: Result<u64, NotUsable>) {
        let set = StoredKeySet { fetched_at: UnixTime::from_secs(fetched_at), document: vec![] };
        let judged = judge(set, UnixTime::from_secs(now), Duration::from_secs(100));
        assert_eq!(judged.map(|restored| restored.age.as_secs()), expected);
    }

    #[test]
    fn k13_a_stored_set_is_refused_from_the_future_or_past_max_age() {
        check(1000, 1000, Ok(0));
        check(1000, 1099, Ok(99));
        check(1000, 1100, Err(NotUsable::TooOld));
        check(1001, 1000, Err(NotUsable::FromTheFuture));
    }
}
