//! What an acknowledged revocation is worth.

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Labels;

/// The levels, as the configuration calls them.
const LEVELS: [&str; 3] = ["fsync", "replicas", "memory"];

/// Tells of the level that the store is held to.
#[derive(Clone, Debug)]
pub struct DurabilityMetrics([(&'static str, Gauge); LEVELS.len()]);

impl DurabilityMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let levels = Family::<Labels<1>, Gauge>::default();
        registry.register("store_durability", "1 for when a revocation counts as stored", levels.clone());
        Self(LEVELS.map(|level| (level, levels.get_or_create_owned(&[("level", level)]))))
    }

    /// It is this one: `fsync`, `replicas` or `memory`.
    pub fn is(&self, level: &str) {
        for (name, gauge) in &self.0 {
            gauge.set(i64::from(*name == level));
        }
    }
}
