//! The heartbeat: a write each second, and whenever somebody wants to know that nothing newer is recorded (R7).

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Follower, TO_ANSWER, within};
use crate::{state::contact::Sent, store::Beat};

const EVERY: Duration = Duration::from_secs(1);

impl Follower {
    pub(super) async fn beat_each_second(&self) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.around.contact.asked() => {}
            }
            self.beat().await;
        }
    }

    pub(super) async fn beat(&self) {
        let sent = Sent { as_of: self.around.clock.now(), at: Instant::now() };
        let known = self.around.revocations.revision();
        match within(TO_ANSWER, self.around.feed.beat()).await {
            Ok(beat) => {
                // What had arrived before the write was sent had been recorded before it.
                let went_back = |known: crate::store::Revision| {
                    known.epoch == beat.revision.epoch && known.sequence > beat.revision.sequence
                };
                if known.is_some_and(went_back) {
                    self.went_back.store(true, Ordering::Relaxed);
                } else {
                    self.acknowledged(beat, sent);
                }
            }
            Err(trouble) => self.report.trouble(&trouble),
        }
    }

    fn acknowledged(&self, beat: Beat, sent: Sent) {
        self.around.contact.acknowledged(beat.revision, sent);
        *self.last_beat() = Some(beat);
        self.arrived();
    }
}
