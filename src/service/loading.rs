//! Reads from the store what is revoked.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    domain::time::Clock,
    ops::metrics::RevocationMetrics,
    state::revocations::Revocations,
    store::{Store, StoreError},
};

/// Fills one set from one store.
#[derive(Debug)]
pub struct Loader {
    revocations: Arc<Revocations>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: RevocationMetrics,
    /// The longest life that the set was loaded for; `None` before it was.
    longest: Option<Duration>,
}

impl Loader {
    /// Has loaded nothing yet.
    pub fn new(
        revocations: Arc<Revocations>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        metrics: RevocationMetrics,
    ) -> Self {
        Self { revocations, store, clock, metrics, longest: None }
    }

    /// Makes sure that the set holds all that can concern a token that is valid for this long, leeway included. What was
    /// loaded for longer ones does; what was loaded for shorter ones may have let go of revocations that are needed again, so
    /// they are read anew (R3).
    ///
    /// # Errors
    /// If the store cannot read them all. The set is as it was.
    pub async fn load_for(&mut self, longest: Duration) -> Result<(), StoreError> {
        if self.longest.is_some_and(|loaded| longest <= loaded) {
            return Ok(());
        }
        // First, so that what is revoked meanwhile lives as long.
        self.revocations.lengthen(longest);
        let start = Instant::now();
        self.revocations.load(self.store.snapshot().await?, longest, self.clock.now());
        self.metrics.loaded(start.elapsed());
        self.longest = Some(longest);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
