//! Says how old is what is known, and when that is too old: in metrics, in the detail of readiness, in the log (R7).

use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::interval;

use super::{Follower, Surroundings, Trouble};
use crate::ops::{metrics::FeedMetrics, readiness::Readiness};

const EVERY: Duration = Duration::from_secs(1);
/// Heartbeats make what is known younger than this.
const LOST: Duration = Duration::from_secs(5);

/// What was said.
#[derive(Debug)]
pub(super) struct Report {
    metrics: FeedMetrics,
    readiness: Readiness,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    /// The last thing that went wrong.
    trouble: String,
    /// What readiness shows, while contact is lost.
    shown: Option<String>,
    stale: bool,
}

impl Report {
    pub(super) fn new(around: &Surroundings) -> Self {
        Self { metrics: around.metrics.clone(), readiness: around.readiness.clone(), said: Mutex::default() }
    }

    /// The store did not do what it was asked: told if contact is lost over it.
    pub(super) fn trouble(&self, trouble: &Trouble) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).trouble = trouble.to_string();
    }

    /// What is known is so old. Whether contact has just been regained.
    fn is_old(&self, age: Duration, is_stale: bool) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (was_lost, is_lost) = (said.shown.is_some(), age >= LOST);
        self.metrics.lost(is_lost);
        if let Some(shown) = said.shown.take() {
            self.readiness.degraded(shown, false);
        }
        if is_lost {
            let shown = format!("revocations are not current: {} s", age.as_secs());
            self.readiness.degraded(shown.clone(), true);
            said.shown = Some(shown);
        }
        if is_lost && !was_lost {
            tracing::warn!(
                error.message = said.trouble,
                "no contact with the store: what is revoked on other replicas does not arrive here"
            );
        }
        if is_stale && !said.stale {
            tracing::error!(
                revocations.age_s = age.as_secs(),
                error.message = said.trouble,
                "what is known of revocations is older than revocation.max_staleness; revocation.on_stale decides"
            );
        }
        said.stale = is_stale;
        if was_lost && !is_lost {
            tracing::info!("contact with the store again: revocations are current");
        }
        was_lost && !is_lost
    }
}

impl Follower {
    pub(super) async fn say_how_old(&self) {
        let mut tick = interval(EVERY);
        loop {
            tick.tick().await;
            self.update();
        }
    }

    /// Brings up to date what changes with time alone.
    pub fn update(&self) {
        let (age, contact) = (self.around.contact.age(), &self.around.contact);
        if self.report.is_old(age, contact.is_stale()) {
            self.compare_soon.store(true, Ordering::Relaxed);
        }
        self.around.metrics.stands(age, self.lag());
    }

    /// How many recorded orders have not arrived.
    fn lag(&self) -> u64 {
        let recorded = self.last_beat().as_ref().map(|beat| beat.revision);
        let here = self.around.revocations.revision();
        match (recorded, here) {
            (Some(recorded), Some(here)) if recorded.epoch == here.epoch => {
                recorded.sequence.saturating_sub(here.sequence)
            }
            (Some(recorded), _) => recorded.sequence,
            (None, _) => 0,
        }
    }
}
