//! Reading the store's copy whole.

use std::sync::atomic::Ordering;

use tokio::{task::yield_now, time::Instant};

use super::{Follower, PushBack, TO_ANSWER, Trouble, within};
use crate::{
    ops::metrics::ReadReason,
    state::revocations::Revocations,
    store::{End, Page, Position},
};

impl Follower {
    /// Reads all, and finds out what of what is here the copy lacks. Returns from where on to follow.
    ///
    /// Where the feed ends is asked first: what is recorded during the reading is behind that.
    pub(super) async fn read_all(
        &self,
        reason: ReadReason,
        push: &mut PushBack,
    ) -> Result<Position, Trouble> {
        let (mut asked, start) = (*self.wanted.borrow(), Instant::now());
        // If the primary began another life, a write makes that known before anything is read. One that fails hinders no reading.
        self.beat().await;
        let End { position, predecessors } = within(TO_ANSWER, self.around.feed.end()).await?;
        let end = position.revision;
        self.around.revocations.begin_reading();
        self.read_pages().await?;
        // What was left out while shorter lives counted is needed before anybody is answered.
        while !self.around.revocations.is_loaded() && *self.wanted.borrow() > asked {
            asked = *self.wanted.borrow();
            self.read_pages().await?;
        }
        // Pages of another life of the primary may lack what had been recorded in this one.
        if within(TO_ANSWER, self.around.feed.end()).await?.position.revision.epoch != end.epoch {
            return Err(Trouble::OtherLife);
        }
        self.forget_beat_of_another_epoch(end.epoch);
        self.around.revocations.end_reading(end, &predecessors);
        // What the next heartbeat is measured by is the end that was read.
        self.went_back.store(false, Ordering::Relaxed);
        self.around.metrics.read(reason);
        self.around.loading.loaded(start.elapsed());
        self.done.send_replace(asked);
        self.first.done();
        self.arrived();
        self.find_unseen(push).await;
        tracing::info!(
            feed.reason = reason.as_str(),
            revocations.count = self.around.revocations.total(),
            revocations.missing = push.len(),
            "the store's revocations were read"
        );
        Ok(position)
    }

    /// What it takes last are cut-offs: what they spare may be in a later part.
    async fn read_pages(&self) -> Result<(), Trouble> {
        let (mut place, mut cut_offs) = (None, Vec::new());
        loop {
            let Page { mut revocations, next } = within(TO_ANSWER, self.around.feed.page(place)).await?;
            cut_offs.extend(revocations.extract_if(.., |it| it.target.kind().may_have_exceptions()));
            self.around.revocations.read(&revocations, self.bounded.now());
            place = next;
            if place.is_none() {
                break;
            }
        }
        self.around.revocations.read(&cut_offs, self.bounded.now());
        Ok(())
    }

    /// Heartbeats may have failed since the primary began another life: what the last one said is nothing to measure by.
    fn forget_beat_of_another_epoch(&self, epoch: u64) {
        let mut last = self.last_beat();
        if last.as_ref().is_some_and(|beat| beat.revision.epoch != epoch) {
            *last = None;
        }
    }

    async fn find_unseen(&self, push: &mut PushBack) {
        let now = self.bounded.now();
        for part in Revocations::parts() {
            let unseen = self.around.revocations.unseen_part(part);
            // What the store may have removed as over is none of its losses.
            push.add(unseen.into_iter().filter(|it| now < it.kept_until));
            yield_now().await;
        }
    }
}
