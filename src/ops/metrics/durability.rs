//! What an acknowledged revocation is worth.

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Labels;

/// The levels, as the configuration calls them.
const LEVELS: [&str; 3] = ["fsync", "replicas", "memory"];

/// What the store was found to do: one of these levels, less than was asked for, or nobody knows.
const REACHED: [&str; 5] = ["fsync", "replicas", "memory", "less", "unknown"];

/// Tells of the level that the store is held to, and what it was found to do.
#[derive(Clone, Debug)]
pub struct DurabilityMetrics {
    levels: [(&'static str, Gauge); LEVELS.len()],
    reached: [(&'static str, Gauge); REACHED.len()],
    unfit: Vec<(&'static str, Gauge)>,
    unread: Gauge,
}

impl DurabilityMetrics {
    /// Registers them all, at zero; `unfit` are the words for what can be wrong.
    pub fn register(registry: &mut Registry, unfit: impl IntoIterator<Item = &'static str>) -> Self {
        let levels = Family::<Labels<1>, Gauge>::default();
        let reached = Family::<Labels<1>, Gauge>::default();
        let wrong = Family::<Labels<1>, Gauge>::default();
        let unread = Gauge::default();
        registry.register("store_durability", "1 for when a revocation counts as stored", levels.clone());
        registry.register(
            "store_durability_reached",
            "1 for what the store was found to do",
            reached.clone(),
        );
        registry.register("store_unfit", "1 for what is wrong with the store that is used", wrong.clone());
        registry.register(
            "store_settings_unread",
            "Settings of the store that matter and cannot be read",
            unread.clone(),
        );
        let gauge = |family: &Family<Labels<1>, Gauge>, name, value| {
            (value, family.get_or_create_owned(&[(name, value)]))
        };
        Self {
            levels: LEVELS.map(|level| gauge(&levels, "level", level)),
            reached: REACHED.map(|level| gauge(&reached, "level", level)),
            unfit: unfit.into_iter().map(|reason| gauge(&wrong, "reason", reason)).collect(),
            unread,
        }
    }

    /// It is this one: `fsync`, `replicas` or `memory`.
    pub fn is(&self, level: &str) {
        set(&self.levels, |name| name == level);
    }

    /// The store does this: one of these, or `less`, or `unknown`.
    pub fn reaches(&self, level: &str) {
        set(&self.reached, |name| name == level);
    }

    /// These things are wrong with it, and so many settings are not known.
    pub fn found(&self, unfit: &[&str], unread: usize) {
        set(&self.unfit, |reason| unfit.contains(&reason));
        self.unread.set(i64::try_from(unread).unwrap_or(i64::MAX));
    }
}

fn set(gauges: &[(&'static str, Gauge)], is_so: impl Fn(&str) -> bool) {
    for (name, gauge) in gauges {
        gauge.set(i64::from(is_so(name)));
    }
}
