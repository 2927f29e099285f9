//! What became of requests to refresh, and of what was sent for them.

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Counter, Labels, counter};

/// What can become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// Tokens that were obtained for it.
    Refreshed,
    /// Tokens that an earlier one obtained, or that are held.
    Replayed,
    /// The refresh token, or its session, is refused.
    Refused,
    /// The caller's mistake.
    Invalid,
    /// Our trouble, or the provider's.
    Fault,
}

/// What can come of sending a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamOutcome {
    /// Tokens.
    Granted,
    /// `invalid_grant`.
    InvalidGrant,
    /// For certain nothing.
    NotProcessed,
    /// Nobody knows.
    Unknown,
    /// This service's own client was refused.
    ClientRejected,
    /// `invalid_scope`.
    ScopeRefused,
    /// Any other refusal.
    Refused,
}

impl RefreshOutcome {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Refreshed, "refreshed"),
        (Self::Replayed, "replayed"),
        (Self::Refused, "refused"),
        (Self::Invalid, "invalid"),
        (Self::Fault, "fault"),
    ];
}

impl UpstreamOutcome {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Granted, "granted"),
        (Self::InvalidGrant, "invalid_grant"),
        (Self::NotProcessed, "not_processed"),
        (Self::Unknown, "unknown"),
        (Self::ClientRejected, "client_rejected"),
        (Self::ScopeRefused, "scope_refused"),
        (Self::Refused, "refused"),
    ];
}

/// Counts them. Every counter is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct RefreshMetrics {
    requests: Vec<(RefreshOutcome, Counter)>,
    exchanges: Vec<(UpstreamOutcome, Counter)>,
    reused: Counter,
    unstored: Gauge,
}

impl RefreshMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let requests = Family::<Labels<1>, Counter>::default();
        let exchanges = Family::<Labels<1>, Counter>::default();
        let (reused, unstored) = (Counter::default(), Gauge::default());
        registry.register(
            "refresh_requests",
            "Requests to refresh, by what became of them",
            requests.clone(),
        );
        registry.register(
            "refresh_exchanges",
            "Refresh tokens sent to a token endpoint, by what came of it",
            exchanges.clone(),
        );
        registry.register(
            "refresh_tokens_reused",
            "Spent refresh tokens that were presented although their successor was in use: sessions ended for that",
            reused.clone(),
        );
        registry.register(
            "unstored_refreshes",
            "Refreshed tokens that are in this process only, because the store did not take them yet",
            unstored.clone(),
        );
        Self {
            requests: RefreshOutcome::ALL
                .map(|(outcome, name)| (outcome, counter(&requests, [("outcome", name)])))
                .to_vec(),
            exchanges: UpstreamOutcome::ALL
                .map(|(outcome, name)| (outcome, counter(&exchanges, [("outcome", name)])))
                .to_vec(),
            reused,
            unstored,
        }
    }

    /// A request ended so.
    pub fn ended(&self, outcome: RefreshOutcome) {
        if let Some((_, counter)) = self.requests.iter().find(|(of, _)| *of == outcome) {
            counter.inc();
        }
    }

    /// A token was sent, and this came of it.
    pub fn upstream(&self, outcome: UpstreamOutcome) {
        if let Some((_, counter)) = self.exchanges.iter().find(|(of, _)| *of == outcome) {
            counter.inc();
        }
    }

    /// A spent token was presented by somebody who must not have it.
    pub fn reused(&self) {
        self.reused.inc();
    }

    /// How many answers are to be stored.
    pub fn unstored(&self, answers: usize) {
        self.unstored.set(i64::try_from(answers).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::metrics::{exposition, registry};

    #[test]
    fn each_outcome_counts_under_its_own_label() {
        let mut registry = registry();
        let metrics = RefreshMetrics::register(&mut registry);
        for (outcome, _) in RefreshOutcome::ALL {
            metrics.ended(outcome);
        }
        for (outcome, _) in UpstreamOutcome::ALL {
            metrics.upstream(outcome);
        }
        metrics.reused();
        metrics.unstored(3);
        let text = exposition(&registry);
        let counted =
            |name: &str| text.lines().filter(|line| line.starts_with(name) && line.ends_with(" 1")).count();
        assert_eq!(counted("countersign_refresh_requests_total{"), 5, "{text}");
        assert_eq!(counted("countersign_refresh_exchanges_total{"), 7, "{text}");
        assert_eq!(counted("countersign_refresh_tokens_reused_total"), 1, "{text}");
        assert!(text.contains("countersign_unstored_refreshes 3"), "{text}");
    }
}
