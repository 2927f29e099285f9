//! What proxies were answered.

use prometheus_client::{metrics::family::Family, registry::Registry};

use super::{Counter, Labels, counter};
use crate::domain::edge::{
    admission::Admission,
    denial::{Denial, DenialKind},
};

/// Counts checks. Every counter is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct CheckMetrics {
    token: Counter,
    anonymous: Counter,
    preflight: Counter,
    denied: [Counter; DenialKind::ALL.len()],
    cannot_tell: Counter,
}

impl CheckMetrics {
    /// Registers them all, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let checks = Family::<Labels<2>, Counter>::default();
        registry.register("checks", "Requests that proxies asked about, by outcome and why", checks.clone());
        let count = |outcome, why| counter(&checks, [("outcome", outcome), ("why", why)]);
        Self {
            token: count("allowed", "token"),
            anonymous: count("allowed", "anonymous"),
            preflight: count("allowed", "preflight"),
            denied: DenialKind::ALL.map(|kind| count("denied", kind.as_str())),
            cannot_tell: count("cannot_tell", "fault"),
        }
    }

    /// A request may pass.
    pub fn allowed(&self, admission: &Admission<'_>) {
        match admission {
            Admission::Token(_) => &self.token,
            Admission::Anonymous(_) => &self.anonymous,
            Admission::Preflight(_) => &self.preflight,
        }
        .inc();
    }

    /// A request may not pass.
    pub fn denied(&self, denial: &Denial) {
        let kinds = DenialKind::ALL.iter().zip(&self.denied);
        if let Some((_, counter)) = kinds.into_iter().find(|(kind, _)| **kind == denial.kind()) {
            counter.inc();
        }
    }

    /// Nobody can tell.
    pub fn cannot_tell(&self) {
        self.cannot_tell.inc();
    }
}
