//! Following the feed, order by order.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Backoff, Follower, PushBack, TO_ANSWER, within};
use crate::{
    ops::metrics::ReadReason,
    store::{Entry, Position, Revision},
};

/// How long the feed is asked to wait for the next order.
const WAIT: Duration = Duration::from_secs(1);
/// How often what is here is compared with the store's copy, at most.
const COMPARE: Duration = Duration::from_mins(1);

impl Follower {
    /// Follows until all has to be read again, and says why.
    pub(super) async fn follow(&self, mut position: Position, push: &mut PushBack) -> ReadReason {
        let mut compare_at = Instant::now() + self.chance.shorten(COMPARE);
        let mut backoff = Backoff::default();
        loop {
            if let Some(reason) = self.doubt() {
                return reason;
            }
            push.add(self.take_gone());
            self.push_some(push).await;
            if self.compare_soon.swap(false, Ordering::Relaxed) || compare_at <= Instant::now() {
                compare_at = Instant::now() + self.chance.shorten(COMPARE);
                self.compare_now.notify_one();
            }
            // What was recorded before the feed is asked is in its answer.
            let recorded = self.last_beat().as_ref().map(|beat| beat.revision);
            let due = push.next_at().map(|at| at.saturating_duration_since(Instant::now()));
            let wait = due.map_or(WAIT, |due| due.min(WAIT));
            match within(wait + TO_ANSWER, self.around.feed.follow(&position, wait)).await {
                Ok(entries) => {
                    backoff = Backoff::default();
                    let reason = match entries.as_slice() {
                        [] => recorded.and_then(|recorded| missed(position.revision, recorded)),
                        entries => self.apply(&mut position, entries),
                    };
                    if let Some(reason) = reason {
                        return reason;
                    }
                }
                Err(trouble) => {
                    self.report.trouble(&trouble);
                    self.compare_soon.store(true, Ordering::Relaxed);
                    sleep(backoff.next(&self.chance)).await;
                }
            }
        }
    }

    /// Takes what follows without a hole, and says if there is one.
    fn apply(&self, position: &mut Position, entries: &[Entry]) -> Option<ReadReason> {
        let (mut revocations, mut applied, mut hole) = (Vec::new(), 0, None);
        for Entry { position: next, revocations: changed } in entries {
            hole = gap(position.revision, next.revision);
            if hole.is_some() {
                break;
            }
            revocations.extend_from_slice(changed);
            applied += 1;
            *position = next.clone();
        }
        if applied > 0 {
            self.around.revocations.read(&revocations, self.bounded.now());
            // Only now: who sees the revision finds what is up to it (R8).
            self.around.revocations.followed_to(position.revision);
            self.around.metrics.applied(applied);
            self.arrived();
        }
        hole
    }
}

/// What is wrong if the feed has nothing behind `here`, although so much had been recorded.
fn missed(here: Revision, recorded: Revision) -> Option<ReadReason> {
    if here.epoch == recorded.epoch {
        (here.sequence < recorded.sequence).then_some(ReadReason::Silent)
    } else {
        Some(ReadReason::Epoch)
    }
}

/// What is wrong if `next` comes behind `here`.
fn gap(here: Revision, next: Revision) -> Option<ReadReason> {
    if here.epoch == next.epoch {
        (here.sequence.checked_add(1) != Some(next.sequence)).then_some(ReadReason::Gap)
    } else {
        Some(ReadReason::Epoch)
    }
}
