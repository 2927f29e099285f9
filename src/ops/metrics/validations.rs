//! What became of validations.

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Counter, Labels, counter};
use crate::domain::reason::Reason;

/// The reasons of our own trouble (docs/errors.md) and their label. A reason that is not here counts as `other`.
const FAULTS: [(&str, &str); 7] = [
    ("KEYS_UNAVAILABLE", "keys_unavailable"),
    ("REVOCATIONS_STALE", "revocations_stale"),
    ("STORE_UNAVAILABLE", "store_unavailable"),
    ("UPSTREAM_UNAVAILABLE", "upstream_unavailable"),
    ("CLIENT_REJECTED", "client_rejected"),
    ("CLIENT_NOT_CONFIGURED", "client_not_configured"),
    ("INTERNAL", "internal"),
];

/// Counts validations and cache lookups. Every counter is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct ValidationMetrics {
    permitted: Counter,
    refused: [Counter; Reason::ALL.len()],
    fault: [Counter; FAULTS.len()],
    other_fault: Counter,
    cache_hit: Counter,
    cache_miss: Counter,
    cache_refusal_hit: Counter,
    cache_tokens: Gauge,
    cache_bytes: Gauge,
}

impl ValidationMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let validations = Family::<Labels<2>, Counter>::default();
        let lookups = Family::<Labels<1>, Counter>::default();
        registry.register(
            "validations",
            "Tokens looked at, each item of a batch counted, by outcome and reason",
            validations.clone(),
        );
        registry.register("cache_lookups", "Lookups in the verified-token cache, by result", lookups.clone());
        let (cache_tokens, cache_bytes) = (Gauge::default(), Gauge::default());
        registry.register("cache_tokens", "Tokens in the verified-token cache", cache_tokens.clone());
        registry.register(
            "cache_bytes",
            "What they take, as counted against cache.max_bytes",
            cache_bytes.clone(),
        );
        let outcome = |outcome, reason| counter(&validations, [("outcome", outcome), ("reason", reason)]);
        let lookup = |result| counter(&lookups, [("result", result)]);
        Self {
            permitted: outcome("permitted", ""),
            refused: Reason::ALL.map(|reason| outcome("refused", reason.as_str())),
            fault: FAULTS.map(|(_, label)| outcome("fault", label)),
            other_fault: outcome("fault", "other"),
            cache_hit: lookup("hit"),
            cache_miss: lookup("miss"),
            cache_refusal_hit: lookup("refusal_hit"),
            cache_tokens,
            cache_bytes,
        }
    }

    /// A token was good.
    pub fn permitted(&self) {
        self.permitted.inc();
    }

    /// A token was refused.
    pub fn refused(&self, reason: Reason) {
        let counters = Reason::ALL.iter().zip(&self.refused);
        if let Some((_, counter)) = counters.into_iter().find(|(known, _)| **known == reason) {
            counter.inc();
        }
    }

    /// Nobody could tell; `reason` as in `ErrorInfo`.
    pub fn fault(&self, reason: &'static str) {
        let known = FAULTS.iter().zip(&self.fault).find(|((name, _), _)| *name == reason);
        known.map_or(&self.other_fault, |(_, counter)| counter).inc();
    }

    /// What the cache holds.
    pub fn cache_holds(&self, tokens: u64, bytes: u64) {
        self.cache_tokens.set(i64::try_from(tokens).unwrap_or(i64::MAX));
        self.cache_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The cache knew the token as verified.
    pub fn cache_hit(&self) {
        self.cache_hit.inc();
    }

    /// The cache did not know the token.
    pub fn cache_miss(&self) {
        self.cache_miss.inc();
    }

    /// The cache knew the token's signature as bad.
    pub fn cache_refusal_hit(&self) {
        self.cache_refusal_hit.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::metrics::{exposition, registry};

    #[test]
    fn each_outcome_counts_under_its_own_labels() {
        let mut registry = registry();
        let metrics = ValidationMetrics::register(&mut registry);
        metrics.permitted();
        for reason in Reason::ALL {
            metrics.refused(reason);
        }
        metrics.fault("KEYS_UNAVAILABLE");
        metrics.fault("A_NEW_ONE");
        metrics.cache_refusal_hit();
        let text = exposition(&registry);
        for line in [
            r#"countersign_validations_total{outcome="permitted",reason=""} 1"#,
            r#"countersign_validations_total{outcome="refused",reason="missing"} 1"#,
            r#"countersign_validations_total{outcome="refused",reason="binding_mismatch"} 1"#,
            r#"countersign_validations_total{outcome="fault",reason="keys_unavailable"} 1"#,
            r#"countersign_validations_total{outcome="fault",reason="revocations_stale"} 0"#,
            r#"countersign_validations_total{outcome="fault",reason="other"} 1"#,
            r#"countersign_cache_lookups_total{result="refusal_hit"} 1"#,
            r#"countersign_cache_lookups_total{result="hit"} 0"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
