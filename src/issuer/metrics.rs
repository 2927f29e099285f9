//! What the key keepers count. Names and labels are API (docs/metrics.md).

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{freshness::Trigger, introspection::IntrospectionMetrics};

pub(super) type Labels = Vec<(&'static str, String)>;

const TRIGGERS: [&str; 2] = ["scheduled", "demand"];
const OUTCOMES: [&str; 3] = ["ok", "not_modified", "failed"];
const STORE_TROUBLES: [&str; 2] = ["forged", "io"];

/// The metric families of all issuers.
#[derive(Clone, Debug)]
pub struct KeyMetrics {
    fetches: Family<Labels, Counter>,
    suppressed: Family<Labels, Counter>,
    unknown_key_ids: Family<Labels, Counter>,
    age_seconds: Family<Labels, Gauge<f64, AtomicU64>>,
    keys: Family<Labels, Gauge>,
    unusable: Family<Labels, Gauge>,
    store_errors: Family<Labels, Counter>,
    introspections: IntrospectionMetrics,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    NotModified,
    Failed,
}

/// What went wrong with the stored copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreTrouble {
    /// Somebody else wrote it.
    Forged,
    /// It could not be read or written.
    Io,
}

impl KeyMetrics {
    /// Registers the families.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            fetches: Family::default(),
            suppressed: Family::default(),
            unknown_key_ids: Family::default(),
            age_seconds: Family::default(),
            keys: Family::default(),
            unusable: Family::default(),
            store_errors: Family::default(),
            introspections: IntrospectionMetrics::register(registry),
        };
        let m = &metrics;
        registry.register("key_fetches", "Attempts to fetch a key set", m.fetches.clone());
        registry.register(
            "key_fetches_suppressed",
            "Demand fetches that were wanted within min_refetch of the last one and not made",
            m.suppressed.clone(),
        );
        registry.register(
            "unknown_key_ids",
            "Tokens refused because their issuer publishes no such key",
            m.unknown_key_ids.clone(),
        );
        registry.register(
            "key_set_age_seconds",
            "Time since the held key set was last known to be the published one; NaN: none held",
            m.age_seconds.clone(),
        );
        registry.register("keys", "Keys that verify now", m.keys.clone());
        registry.register(
            "unusable_keys",
            "Published signing keys that this service cannot or must not use",
            m.unusable.clone(),
        );
        registry.register(
            "key_store_errors",
            "Stored key sets that were forged, or could not be read or written",
            m.store_errors.clone(),
        );
        metrics
    }

    /// Exports nothing about this issuer any more: it is gone. What it still counts is counted for nobody.
    pub fn forget_issuer(&self, name: &str) {
        let issuer = || ("issuer", name.to_owned());
        for (trigger, outcome) in TRIGGERS.into_iter().flat_map(|it| OUTCOMES.map(|outcome| (it, outcome))) {
            let labels = vec![issuer(), ("trigger", trigger.to_owned()), ("outcome", outcome.to_owned())];
            self.fetches.remove(&labels);
        }
        for kind in STORE_TROUBLES {
            self.store_errors.remove(&vec![issuer(), ("kind", kind.to_owned())]);
        }
        let only_issuer = vec![issuer()];
        for counters in [&self.suppressed, &self.unknown_key_ids] {
            counters.remove(&only_issuer);
        }
        self.age_seconds.remove(&only_issuer);
        for gauges in [&self.keys, &self.unusable] {
            gauges.remove(&only_issuer);
        }
        self.introspections.forget_issuer(name);
    }

    /// What is counted of introspections.
    pub fn introspections(&self) -> &IntrospectionMetrics {
        &self.introspections
    }

    /// One issuer's part of them, all at zero.
    pub fn for_issuer(&self, name: &str) -> IssuerKeyMetrics {
        let issuer = || ("issuer", name.to_owned());
        let fetches = |trigger: &str, outcome: &str| {
            let labels = vec![issuer(), ("trigger", trigger.to_owned()), ("outcome", outcome.to_owned())];
            self.fetches.get_or_create_owned(&labels)
        };
        let [ok, not_modified, failed] = OUTCOMES;
        let by_outcome = |trigger| FetchCounters {
            ok: fetches(trigger, ok),
            not_modified: fetches(trigger, not_modified),
            failed: fetches(trigger, failed),
        };
        let store_errors =
            |kind: &str| self.store_errors.get_or_create_owned(&vec![issuer(), ("kind", kind.to_owned())]);
        let ([scheduled, demand], [forged, io]) = (TRIGGERS, STORE_TROUBLES);
        let only_issuer = vec![issuer()];
        IssuerKeyMetrics {
            scheduled: by_outcome(scheduled),
            demand: by_outcome(demand),
            suppressed: self.suppressed.get_or_create_owned(&only_issuer),
            unknown_key_ids: self.unknown_key_ids.get_or_create_owned(&only_issuer),
            age_seconds: self.age_seconds.get_or_create_owned(&only_issuer),
            keys: self.keys.get_or_create_owned(&only_issuer),
            unusable: self.unusable.get_or_create_owned(&only_issuer),
            forged: store_errors(forged),
            store_io: store_errors(io),
        }
    }
}

/// One issuer's handles.
#[derive(Clone, Debug)]
pub struct IssuerKeyMetrics {
    scheduled: FetchCounters,
    demand: FetchCounters,
    pub(super) suppressed: Counter,
    pub(super) unknown_key_ids: Counter,
    pub(super) age_seconds: Gauge<f64, AtomicU64>,
    pub(super) keys: Gauge,
    pub(super) unusable: Gauge,
    forged: Counter,
    store_io: Counter,
}

#[derive(Clone, Debug)]
struct FetchCounters {
    ok: Counter,
    not_modified: Counter,
    failed: Counter,
}

impl IssuerKeyMetrics {
    pub(super) fn fetched(&self, trigger: Trigger, outcome: Outcome) {
        let counters = match trigger {
            Trigger::Scheduled => &self.scheduled,
            Trigger::Demand => &self.demand,
        };
        match outcome {
            Outcome::Ok => counters.ok.inc(),
            Outcome::NotModified => counters.not_modified.inc(),
            Outcome::Failed => counters.failed.inc(),
        };
    }

    pub(super) fn store_trouble(&self, trouble: StoreTrouble) {
        match trouble {
            StoreTrouble::Forged => self.forged.inc(),
            StoreTrouble::Io => self.store_io.inc(),
        };
    }
}

/// How many, as a gauge counts.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::introspection;
    use crate::ops::metrics::{exposition, registry};

    #[test]
    fn nothing_is_exported_about_an_issuer_that_is_gone() {
        let mut registry = registry();
        let metrics = KeyMetrics::register(&mut registry);
        let before = exposition(&registry);
        let gone = metrics.for_issuer("gone");
        assert_eq!(exposition(&registry).matches(r#"issuer="gone""#).count(), 13);
        let asked = metrics.introspections().for_issuer("gone");
        assert_eq!(exposition(&registry).matches(r#"issuer="gone""#).count(), 18);
        metrics.forget_issuer("gone");
        gone.suppressed.inc();
        asked.count(introspection::CountedOutcome::Active);
        assert_eq!(exposition(&registry), before);
    }
}
