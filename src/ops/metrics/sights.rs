//! What the store was asked about sessions that were new here.

use prometheus_client::{metrics::family::Family, registry::Registry};

use super::{Counter, Labels, counter};

/// Counts first sights of sessions.
#[derive(Clone, Debug)]
pub struct SightMetrics {
    found: Counter,
    unknown: Counter,
    failed: Counter,
    dropped: Counter,
}

impl SightMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let sights = Family::<Labels<1>, Counter>::default();
        registry.register(
            "session_lookups",
            "Sessions that were new to this process and asked of the store, by what it said",
            sights.clone(),
        );
        let dropped = Counter::default();
        registry.register(
            "sessions_unrecorded",
            "Sessions that were not recorded because too many waited to be",
            dropped.clone(),
        );
        let result = |result| counter(&sights, [("result", result)]);
        Self { found: result("found"), unknown: result("unknown"), failed: result("failed"), dropped }
    }

    /// The store knew it, or did not.
    pub fn looked_up(&self, known: bool) {
        let counter = if known { &self.found } else { &self.unknown };
        counter.inc();
    }

    /// The store did not answer.
    pub fn failed(&self) {
        self.failed.inc();
    }

    /// It could not be recorded.
    pub fn dropped(&self) {
        self.dropped.inc();
    }
}
