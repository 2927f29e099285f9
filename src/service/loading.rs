//! Reads from the store what is revoked.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::feed::{Follower, NotRead};
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
    from: From,
    /// The longest life that the set was loaded for; `None` before it was.
    longest: Option<Duration>,
}

/// Who reads.
#[derive(Debug)]
enum From {
    /// The loader.
    Store { store: Arc<dyn Store>, clock: Arc<dyn Clock>, metrics: RevocationMetrics },
    /// Who follows a store that others write to, too.
    Follower(Arc<Follower>),
}

/// What is revoked could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NotLoaded {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not answer in time.
    #[error(transparent)]
    InTime(#[from] NotRead),
}

impl Loader {
    /// Has loaded nothing yet.
    pub fn new(
        revocations: Arc<Revocations>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        metrics: RevocationMetrics,
    ) -> Self {
        Self { revocations, from: From::Store { store, clock, metrics }, longest: None }
    }

    /// The same where a follower does the reading. It must not run before the set was loaded for the first time, which waits for
    /// nothing: the follower reads when it runs.
    pub fn following(revocations: Arc<Revocations>, follower: Arc<Follower>) -> Self {
        Self { revocations, from: From::Follower(follower), longest: None }
    }

    /// Makes sure that the set holds all that can concern a token that is valid for this long, leeway included. What was
    /// loaded for longer ones does; what was loaded for shorter ones may have let go of revocations that are needed again, so
    /// they are read anew (R3).
    ///
    /// # Errors
    /// If the store cannot read them all. Nothing is missing in the set that was there.
    pub async fn load_for(&mut self, longest: Duration) -> Result<(), NotLoaded> {
        if self.longest.is_some_and(|loaded| longest <= loaded) {
            return Ok(());
        }
        // First, so that what is revoked meanwhile lives as long.
        self.revocations.lengthen(longest);
        match &self.from {
            From::Store { store, clock, metrics } => {
                let start = Instant::now();
                self.revocations.load(store.snapshot().await?, longest, clock.now());
                metrics.loaded(start.elapsed());
            }
            // It has not begun to read: it will, for lives that are as long as this.
            From::Follower(_) if self.longest.is_none() => {}
            From::Follower(follower) => follower.read_again().await?,
        }
        self.longest = Some(longest);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
