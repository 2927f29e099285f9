//! Answers that the store did not take yet, for whoever presents their tokens here (F4).

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::Kept;
use crate::domain::rotation::RefreshDigest;

/// By the token that each is the answer to.
#[derive(Debug, Default)]
pub(super) struct Unstored {
    answers: Mutex<HashMap<RefreshDigest, Kept>>,
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

    fn answers(&self) -> MutexGuard<'_, HashMap<RefreshDigest, Kept>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
