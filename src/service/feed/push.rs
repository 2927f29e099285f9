//! Giving the store again what it has lost (R12).

use std::collections::VecDeque;

use tokio::time::Instant;

use super::{Backoff, Follower, TO_ANSWER, within};
use crate::{domain::revocation::Revocation, store::Order};

/// So many go as one order.
const BATCH: usize = 500;

/// What is to be given to the store again.
#[derive(Debug, Default)]
pub(super) struct PushBack {
    waiting: VecDeque<Revocation>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl PushBack {
    pub(super) fn add(&mut self, revocations: impl IntoIterator<Item = Revocation>) {
        self.waiting.extend(revocations);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When the next batch is to go; `None`: there is none.
    pub(super) fn next_at(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then(|| self.not_before.unwrap_or_else(Instant::now))
    }

    fn is_due(&self) -> bool {
        self.next_at().is_some_and(|at| at <= Instant::now())
    }

    fn take(&mut self, still: impl Fn(&Revocation) -> bool) -> Vec<Revocation> {
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(next) = self.waiting.pop_front()
        {
            if still(&next) {
                batch.push(next);
            }
        }
        batch
    }
}

impl Follower {
    /// One batch. What another replica has given meanwhile, as the feed tells, is left out.
    pub(super) async fn push_some(&self, push: &mut PushBack) {
        if !push.is_due() {
            return;
        }
        let batch = push.take(|revocation| !self.around.revocations.is_seen(&revocation.target));
        if batch.is_empty() {
            return;
        }
        let order = Order { revocations: batch.clone(), ..Order::default() };
        match within(TO_ANSWER, self.around.store.record(order)).await {
            Ok(_recorded) => {
                self.around.metrics.pushed_back(batch.len());
                (push.backoff, push.not_before) = (Backoff::default(), None);
            }
            Err(trouble) => {
                push.add(batch);
                push.not_before = Some(Instant::now() + push.backoff.next(&self.chance));
                self.report.trouble(&trouble);
            }
        }
    }
}
