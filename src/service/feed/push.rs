//! Giving the store again what it has lost (R12).

use std::collections::{HashSet, VecDeque};

use tokio::time::Instant;

use super::{Backoff, Follower, TO_ANSWER, within};
use crate::{
    domain::revocation::{Revocation, Target, TargetKind},
    store::Order,
};

/// So many go as one order.
const BATCH: usize = 500;

/// What is to be given to the store again.
#[derive(Debug, Default)]
pub(super) struct PushBack {
    waiting: VecDeque<Revocation>,
    /// Whose is waiting: what is found to be missing again and again waits once.
    known: HashSet<Target>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl PushBack {
    pub(super) fn add(&mut self, revocations: impl IntoIterator<Item = Revocation>) {
        for revocation in revocations {
            if !self.known.insert(revocation.target) {
                continue;
            }
            // Nobody is to hear of a cut-off before what it spares.
            if revocation.target.kind() == TargetKind::Exception {
                self.waiting.push_front(revocation);
            } else {
                self.waiting.push_back(revocation);
            }
        }
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
            self.known.remove(&next.target);
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
        let set = &self.around.revocations;
        let batch = push.take(|revocation| !set.is_seen(&revocation.target));
        // As it is by now.
        let now = |it: Revocation| set.get(&it.target).unwrap_or(it);
        let batch: Vec<_> = batch.into_iter().map(now).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{revocation::Reach, time::UnixTime};

    fn of(target: Target) -> Revocation {
        let end = UnixTime::from_secs(9);
        Revocation { target, reach: Reach::All, made_at: end, until: end, kept_until: end }
    }

    #[test]
    fn r11_what_a_cut_off_spares_goes_before_it_even_if_both_do_not_go_together() {
        let exception = of(Target::exception("i", "alice", "s"));
        let mut push = PushBack::default();
        push.add((0..BATCH).map(|number| of(Target::subject("i", &number.to_string()))));
        push.add([exception]);
        assert_eq!(push.take(|_| true).first(), Some(&exception));
    }

    #[test]
    fn r12_what_is_found_missing_again_waits_once_until_it_went() {
        let one = of(Target::session("i", "s"));
        let mut push = PushBack::default();
        push.add([one]);
        push.add([one, one]);
        assert_eq!((push.len(), push.take(|_| true)), (1, vec![one]));
        assert_eq!(push.take(|_| true), []);
        push.add([one]);
        assert_eq!(push.take(|_| false), [], "another replica has given it meanwhile");
        push.add([one]);
        assert_eq!(push.len(), 1, "it is missing anew");
    }
}
