//! Says what a shared store was found to be: how durable its writes are, and what is wrong with it although it is used (R1).

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    ops::{metrics::DurabilityMetrics, readiness::Readiness},
    store::{Feed, Found, Kept, UnfitKind},
};

const EVERY: Duration = Duration::from_secs(1);

/// Watches one store. The log has it from who looks at the store.
#[derive(Debug)]
pub struct FitnessWatch {
    feed: Arc<dyn Feed>,
    metrics: DurabilityMetrics,
    readiness: Readiness,
    /// What the detail of readiness shows.
    shown: Mutex<BTreeSet<String>>,
}

impl FitnessWatch {
    /// Nothing was said yet.
    pub fn new(feed: Arc<dyn Feed>, metrics: DurabilityMetrics, readiness: Readiness) -> Self {
        Self { feed, metrics, readiness, shown: Mutex::default() }
    }

    /// Looks every second, for as long as it is polled.
    pub async fn run(&self) {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            self.update();
        }
    }

    /// Brings up to date what metrics and readiness say.
    pub fn update(&self) {
        let found = self.feed.found();
        self.metrics.reaches(level(found.kept));
        let kinds: Vec<_> = found.unfit.iter().map(|unfit| unfit.kind.word()).collect();
        self.metrics.found(&kinds, found.unread.len());
        let now = what_is_wrong(&found);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.difference(&now) {
            self.readiness.degraded(gone, false);
        }
        for new in now.difference(&shown) {
            self.readiness.degraded(new, true);
        }
        *shown = now;
    }
}

fn level(kept: Kept) -> &'static str {
    match kept {
        Kept::Unknown => "unknown",
        Kept::Memory => "memory",
        Kept::Replicas(_) => "replicas",
        Kept::Disk => "fsync",
        Kept::Less => "less",
    }
}

/// A setting that cannot be read is no fault of the store's, and only counted.
fn what_is_wrong(found: &Found) -> BTreeSet<String> {
    let wrong = found.unfit.iter().map(|unfit| match unfit.kind {
        UnfitKind::Durability => format!("Redis keeps less than `store.durability` asks for: {}", unfit.what),
        UnfitKind::Login
        | UnfitKind::Permission
        | UnfitKind::Tls
        | UnfitKind::Database
        | UnfitKind::Topology
        | UnfitKind::Replica
        | UnfitKind::Eviction
        | UnfitKind::Version => format!("Redis is not fit to be the store: {}", unfit.what),
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ops::{
            metrics::{exposition, registry},
            readiness::ReadyState,
        },
        store::{
            Unfit,
            testing::shared::{Server, Shared},
        },
    };

    fn unfit(kind: UnfitKind, what: &str) -> Unfit {
        Unfit { node: "node".to_owned(), kind, what: what.to_owned(), advice: String::new() }
    }

    #[test]
    fn what_was_found_is_shown_until_it_is_mended() {
        let (server, readiness, mut registry) = (Server::start(), Readiness::default(), registry());
        let metrics = DurabilityMetrics::register(&mut registry, UnfitKind::ALL.map(UnfitKind::word));
        let link = server.replica();
        let watch = FitnessWatch::new(Arc::<Shared>::clone(&link), metrics, readiness.clone());
        drop(readiness.register("start"));
        let counts = |sample: &str| {
            let text = exposition(&registry);
            assert!(text.lines().any(|line| line == format!("countersign_{sample}")), "{sample}\n{text}");
        };
        watch.update();
        counts("store_durability_reached{level=\"unknown\"} 1");
        link.is_found(Found {
            kept: Kept::Less,
            unread: vec!["maxmemory-policy"],
            unfit: vec![unfit(UnfitKind::Durability, "no file"), unfit(UnfitKind::Eviction, "it evicts")],
            ..Found::default()
        });
        watch.update();
        counts("store_durability_reached{level=\"less\"} 1");
        counts("store_durability_reached{level=\"unknown\"} 0");
        counts("store_unfit{reason=\"durability\"} 1");
        counts("store_unfit{reason=\"eviction\"} 1");
        counts("store_settings_unread 1");
        let shown = [
            "Redis is not fit to be the store: it evicts",
            "Redis keeps less than `store.durability` asks for: no file",
        ];
        assert_eq!(readiness.state(), ReadyState::Ready(shown.map(str::to_owned).to_vec()));
        link.is_found(Found { kept: Kept::Replicas(2), ..Found::default() });
        watch.update();
        counts("store_durability_reached{level=\"replicas\"} 1");
        counts("store_unfit{reason=\"eviction\"} 0");
        counts("store_settings_unread 0");
        assert_eq!(readiness.state(), ReadyState::Ready(vec![]));
    }
}
