//! What is counted about telling identity providers. Names and labels are API (docs/metrics.md).

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::domain::time::UnixTime;

/// In the place of a time: nothing waits.
const NOTHING: i64 = -1;

type Labels = Vec<(&'static str, &'static str)>;

/// The counters, all resolved when the process starts.
#[derive(Clone, Debug)]
pub struct PropagationMetrics {
    /// Told.
    pub(super) done: Counter,
    /// Attempts that are repeated.
    pub(super) failed: Counter,
    /// The provider will not, or cannot.
    pub(super) refused: Counter,
    /// Given up.
    pub(super) expired: Counter,
    pending: Gauge,
    oldest_seconds: Gauge<f64, AtomicU64>,
    /// When the oldest was made, in milliseconds since 1970.
    oldest: Arc<AtomicI64>,
}

impl PropagationMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let attempts = Family::<Labels, Counter>::default();
        let (pending, oldest_seconds) = (Gauge::default(), Gauge::default());
        registry.register(
            "upstream_revocations",
            "Times that an identity provider was to be told of a revocation, by outcome",
            attempts.clone(),
        );
        registry.register(
            "upstream_revocations_pending",
            "Revocations that identity providers are still to be told of",
            pending.clone(),
        );
        registry.register(
            "upstream_revocations_oldest_seconds",
            "How long the oldest of them waits",
            oldest_seconds.clone(),
        );
        let outcome = |outcome| attempts.get_or_create_owned(&vec![("outcome", outcome)]);
        Self {
            done: outcome("done"),
            failed: outcome("failed"),
            refused: outcome("refused"),
            expired: outcome("expired"),
            pending,
            oldest_seconds,
            oldest: Arc::new(AtomicI64::new(NOTHING)),
        }
    }

    /// So much waits, the oldest since then.
    pub(super) fn pending(&self, count: i64, oldest: Option<UnixTime>) {
        self.pending.set(count);
        self.oldest.store(oldest.map_or(NOTHING, UnixTime::as_millis), Ordering::Relaxed);
    }

    /// Brings the gauge up to date that changes with time alone.
    pub(super) fn update(&self, now: UnixTime) {
        let age = match self.oldest.load(Ordering::Relaxed) {
            NOTHING => 0.0,
            millis => now.since(UnixTime::from_millis(millis)).as_secs_f64(),
        };
        self.oldest_seconds.set(age);
    }
}
