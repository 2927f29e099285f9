//! What became of changed configurations.

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Counter, Labels, counter};

/// Counts reloads. Every counter is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct ReloadMetrics {
    ok: Counter,
    failed: Counter,
    failing: Gauge,
}

impl ReloadMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let reloads = Family::<Labels<1>, Counter>::default();
        let failing = Gauge::default();
        registry.register(
            "config_reloads",
            "Times that a changed configuration was read, by outcome",
            reloads.clone(),
        );
        registry.register(
            "config_reload_failing",
            "1 while what the configuration's files say is not in effect, because it could not be taken",
            failing.clone(),
        );
        let outcome = |outcome| counter(&reloads, [("outcome", outcome)]);
        Self { ok: outcome("ok"), failed: outcome("failed"), failing }
    }

    /// What the files say is in effect.
    pub fn taken(&self) {
        self.ok.inc();
        self.failing.set(0);
    }

    /// What the files say was not taken.
    pub fn refused(&self) {
        self.failed.inc();
        self.failing.set(1);
    }
}
