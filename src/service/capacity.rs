//! Says that the set of revocations is nearly full while there is still time to do something about it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{ops::metrics::RevocationMetrics, state::revocations::Revocations};

const EVERY: Duration = Duration::from_secs(1);
/// Of `revocation.max_entries`, in percent: here it is nearly full...
const NEARLY_FULL: u64 = 80;
/// ...until it is below this, so that one entry more and less does not fill the log.
const ROOM_AGAIN: u64 = 75;

/// Watches one set.
#[derive(Debug)]
pub struct CapacityWatch {
    revocations: Arc<Revocations>,
    metrics: RevocationMetrics,
    is_nearly_full: AtomicBool,
}

impl CapacityWatch {
    /// Nothing was said yet.
    pub fn new(revocations: Arc<Revocations>, metrics: RevocationMetrics) -> Self {
        Self { revocations, metrics, is_nearly_full: AtomicBool::new(false) }
    }

    /// Looks every second, for as long as it is polled.
    pub async fn run(&self) {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            self.update();
        }
    }

    /// Brings the metrics up to date, and says when the set comes to be nearly full.
    pub fn update(&self) {
        let (total, max_entries) = (self.revocations.total(), self.revocations.max_entries());
        self.metrics.holds(|kind| self.revocations.count(kind), max_entries);
        let reaches = |percent: u64| total.saturating_mul(100) >= max_entries.saturating_mul(percent);
        let was_nearly_full = self.is_nearly_full.load(Ordering::Relaxed);
        let is_nearly_full = reaches(if was_nearly_full { ROOM_AGAIN } else { NEARLY_FULL });
        // Of two that look at once, one speaks.
        if self.is_nearly_full.swap(is_nearly_full, Ordering::Relaxed) == is_nearly_full {
            return;
        }
        self.metrics.nearly_full(is_nearly_full);
        if is_nearly_full {
            tracing::warn!(
                revocations.count = total,
                revocations.max = max_entries,
                "the memory for revocations is nearly full: at its end, single tokens and sessions cannot be revoked"
            );
        } else {
            tracing::info!(
                revocations.count = total,
                revocations.max = max_entries,
                "there is room for revocations again"
            );
        }
    }
}

#[cfg(test)]
mod tests;
