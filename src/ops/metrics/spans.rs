//! What became of spans.

use std::sync::LazyLock;

use prometheus_client::{metrics::family::Family, registry::Registry};

use super::{Counter, Labels, counter};

/// Of the process, like the spans: the exporter starts with the log, before there is a registry.
static SPANS: LazyLock<SpanMetrics> = LazyLock::new(SpanMetrics::new);

/// Counts spans.
#[derive(Clone, Debug)]
pub struct SpanMetrics {
    family: Family<Labels<1>, Counter>,
    ended: Counter,
    exported: Counter,
    failed: Counter,
}

impl SpanMetrics {
    fn new() -> Self {
        let family = Family::default();
        let of = |state| counter(&family, [("state", state)]);
        let (ended, exported, failed) = (of("ended"), of("exported"), of("failed"));
        Self { family, ended, exported, failed }
    }

    /// Those of this process.
    pub fn of_process() -> &'static Self {
        &SPANS
    }

    /// Registers them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "spans",
            "Recorded spans that ended, and those that were handed to the collector or could not be",
            self.family.clone(),
        );
    }

    /// A span ended.
    pub(in crate::ops) fn ended(&self) {
        self.ended.inc();
    }

    /// The collector has them.
    pub(in crate::ops) fn exported(&self, spans: usize) {
        self.exported.inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
    }

    /// They are lost.
    pub(in crate::ops) fn failed(&self, spans: usize) {
        self.failed.inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
    }
}
