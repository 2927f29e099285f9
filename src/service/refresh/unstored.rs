//! Answers that the store did not take yet, for whoever presents their tokens here (F4).

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Kept;
use crate::domain::rotation::RefreshDigest;

/// How long after it failed the store may not have heard yet of what owners did meanwhile: they connect again within five seconds.
const SETTLING: Duration = Duration::from_secs(6);

/// By the token that each is the answer to.
#[derive(Debug, Default)]
pub(super) struct Unstored {
    answers: Mutex<HashMap<RefreshDigest, Kept>>,
    failed_at: Mutex<Option<Instant>>,
}

impl Unstored {
    pub(super) fn find(&self, token: &RefreshDigest) -> Option<Kept> {
        self.answers().get(token).cloned()
    }

    pub(super) fn keep(&self, token: RefreshDigest, kept: Kept) {
        self.answers().insert(token, kept);
    }

    pub(super) fn forget(&self, token: &RefreshDigest) {
        self.answers().remove(token);
    }

    pub(super) fn len(&self) -> usize {
        self.answers().len()
    }

    /// The store did not answer a refresh.
    pub(super) fn store_failed(&self) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How long no lease is over: whoever holds one is not dead because it could not write. It has the provider's answer,
    /// perhaps, and its callers have it, too; to send the token again could end their session.
    pub(super) fn settling(&self) -> Option<Duration> {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        SETTLING.checked_sub(failed_at?.elapsed()).filter(|left| !left.is_zero())
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<RefreshDigest, Kept>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
