//! How a replica keeps up with a store that others write to, too.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Counter, Labels, counter};

/// Why the store's copy is read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadReason {
    /// The process has just started.
    Start,
    /// An order is missing in the feed.
    Gap,
    /// The store's primary began another life, or lost everything.
    Epoch,
    /// The feed is silent about what was recorded.
    Silent,
    /// Less is recorded than there was.
    WentBack,
    /// Tokens may live longer than before.
    LongerLives,
}

/// What came of comparing what is here with what the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same.
    Same,
    /// Something was missing on one side, and is there now.
    Differed,
    /// The store did not answer.
    Failed,
}

/// Tells of it. Every counter is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct FeedMetrics {
    age: Gauge<f64, AtomicU64>,
    lost: Gauge,
    lag: Gauge,
    entries: Counter,
    reads: [(ReadReason, Counter); ReadReason::ALL.len()],
    pushed_back: Counter,
    compared: [(Compared, Counter); 3],
}

impl ReadReason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Gap, Self::Epoch, Self::Silent, Self::WentBack, Self::LongerLives];

    /// The stable name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Gap => "gap",
            Self::Epoch => "epoch",
            Self::Silent => "silent",
            Self::WentBack => "went_back",
            Self::LongerLives => "longer_lives",
        }
    }
}

impl Compared {
    fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differed => "differed",
            Self::Failed => "failed",
        }
    }
}

impl FeedMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let (age, lost, lag) = (Gauge::default(), Gauge::default(), Gauge::default());
        let (entries, pushed_back) = (Counter::default(), Counter::default());
        let reads = Family::<Labels<1>, Counter>::default();
        let comparisons = Family::<Labels<1>, Counter>::default();
        registry.register(
            "revocations_age_seconds",
            "How old what is known of revocations is",
            Gauge::clone(&age),
        );
        registry.register("feed_contact_lost", "1 while that is older than heartbeats make it", lost.clone());
        registry.register("feed_lag", "Recorded orders that have not arrived here", lag.clone());
        registry.register("feed_entries", "Recorded orders that have arrived here", entries.clone());
        registry.register("feed_reads", "Times that the store's copy was read whole, by why", reads.clone());
        registry.register(
            "revocations_pushed_back",
            "Revocations that the store had lost and was given again",
            pushed_back.clone(),
        );
        registry.register(
            "feed_comparisons",
            "Times that what is here was compared with the store's copy",
            comparisons.clone(),
        );
        let read = |reason: ReadReason| (reason, counter(&reads, [("reason", reason.as_str())]));
        let compared = |result: Compared| (result, counter(&comparisons, [("result", result.as_str())]));
        Self {
            age,
            lost,
            lag,
            entries,
            reads: ReadReason::ALL.map(read),
            pushed_back,
            compared: [Compared::Same, Compared::Differed, Compared::Failed].map(compared),
        }
    }

    /// What is known is so old, and so many orders behind.
    pub fn stands(&self, age: Duration, lag: u64) {
        self.age.set(age.as_secs_f64());
        self.lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
    }

    /// Whether there is no contact.
    pub fn lost(&self, is_lost: bool) {
        self.lost.set(i64::from(is_lost));
    }

    /// So many orders arrived.
    pub fn applied(&self, orders: usize) {
        self.entries.inc_by(u64::try_from(orders).unwrap_or(u64::MAX));
    }

    /// The copy was read whole.
    pub fn read(&self, reason: ReadReason) {
        self.reads.iter().filter(|(it, _)| *it == reason).for_each(|(_, counter)| {
            counter.inc();
        });
    }

    /// The store was given so many again.
    pub fn pushed_back(&self, revocations: usize) {
        self.pushed_back.inc_by(u64::try_from(revocations).unwrap_or(u64::MAX));
    }

    /// What is here was compared with the copy.
    pub fn compared(&self, result: Compared) {
        self.compared.iter().filter(|(it, _)| *it == result).for_each(|(_, counter)| {
            counter.inc();
        });
    }
}
