//! What became of requests to revoke.

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Counter, Labels, counter};

/// What can be revoked, and what a request without a readable target counts as.
const TARGETS: [&str; 7] = ["token", "token_id", "session", "subject", "client", "issuer", "none"];

/// What can become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    /// Stored, and refused here.
    Stored,
    /// Refused here; the store did not take it yet.
    Unstored,
    /// Nothing had to be done for it.
    Dead,
    /// The caller's mistake.
    Invalid,
    /// Our trouble, and nothing was done.
    Fault,
}

impl RevokeOutcome {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Stored, "stored"),
        (Self::Unstored, "unstored"),
        (Self::Dead, "dead"),
        (Self::Invalid, "invalid"),
        (Self::Fault, "fault"),
    ];
}

/// Counts them. Every counter is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct RevokeMetrics {
    requests: Vec<(&'static str, RevokeOutcome, Counter)>,
    unstored: Gauge,
}

impl RevokeMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let family = Family::<Labels<2>, Counter>::default();
        let unstored = Gauge::default();
        registry.register(
            "revoke_requests",
            "Requests to revoke, by what was to be revoked and what became of it",
            family.clone(),
        );
        registry.register(
            "unstored_revocations",
            "Orders to revoke that count on this replica and that the store did not take yet",
            unstored.clone(),
        );
        let of_target = |target| {
            let family = &family;
            RevokeOutcome::ALL.map(|(outcome, name)| {
                (target, outcome, counter(family, [("target", target), ("outcome", name)]))
            })
        };
        Self { requests: TARGETS.into_iter().flat_map(of_target).collect(), unstored }
    }

    /// A request ended so.
    pub fn ended(&self, target: &'static str, outcome: RevokeOutcome) {
        let mut counters = self.requests.iter();
        if let Some((.., counter)) = counters.find(|(of, with, _)| (*of, *with) == (target, outcome)) {
            counter.inc();
        }
    }

    /// How many orders are to be stored.
    pub fn unstored(&self, orders: usize) {
        self.unstored.set(i64::try_from(orders).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::metrics::{exposition, registry};

    #[test]
    fn each_target_and_outcome_counts_under_its_own_labels() {
        let mut registry = registry();
        let metrics = RevokeMetrics::register(&mut registry);
        for target in TARGETS {
            for (outcome, _) in RevokeOutcome::ALL {
                metrics.ended(target, outcome);
            }
        }
        metrics.unstored(3);
        let text = exposition(&registry);
        let counted = text.lines().filter(|line| line.starts_with("countersign_revoke_requests_total{"));
        assert_eq!(counted.filter(|line| line.ends_with(" 1")).count(), 35, "{text}");
        assert!(text.contains("countersign_unstored_revocations 3"), "{text}");
    }
}
