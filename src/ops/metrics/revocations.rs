//! How many revocations are in memory, and how long it took to read them.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Labels;
use crate::domain::revocation::TargetKind;

/// Tells of the set. Every gauge is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct RevocationMetrics {
    entries: [(TargetKind, Gauge); TargetKind::ALL.len()],
    capacity: Gauge,
    nearly_full: Gauge,
    load: Gauge<f64, AtomicU64>,
}

impl RevocationMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let entries = Family::<Labels<1>, Gauge>::default();
        let (capacity, nearly_full, load) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register(
            "revocation_entries",
            "Revocations in memory, by what they are about",
            entries.clone(),
        );
        registry.register(
            "revocation_capacity",
            "At how many revocations in memory single ones are refused",
            capacity.clone(),
        );
        registry.register(
            "revocation_nearly_full",
            "1 while 80 percent of that is taken",
            nearly_full.clone(),
        );
        registry.register(
            "revocation_load_seconds",
            "How long it took to read the revocations from the store, the last time",
            load.clone(),
        );
        let of = |kind: TargetKind| (kind, entries.get_or_create_owned(&[("kind", kind.as_str())]));
        Self { entries: TargetKind::ALL.map(of), capacity, nearly_full, load }
    }

    /// So many are held of each kind, and so many may be in all.
    pub fn holds(&self, count: impl Fn(TargetKind) -> u64, capacity: u64) {
        for (kind, gauge) in &self.entries {
            gauge.set(i64::try_from(count(*kind)).unwrap_or(i64::MAX));
        }
        self.capacity.set(i64::try_from(capacity).unwrap_or(i64::MAX));
    }

    /// Whether that is too much for comfort.
    pub fn nearly_full(&self, is_nearly_full: bool) {
        self.nearly_full.set(i64::from(is_nearly_full));
    }

    /// They were read, and how long that took.
    pub fn loaded(&self, taken: Duration) {
        self.load.set(taken.as_secs_f64());
    }
}
