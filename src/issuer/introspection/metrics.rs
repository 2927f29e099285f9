//! What is counted of questions to introspection endpoints. Names and labels are API (docs/metrics.md).

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::issuer::metrics::Labels;

/// The metric family of all issuers that are asked.
#[derive(Clone, Debug)]
pub struct IntrospectionMetrics {
    introspections: Family<Labels, Counter>,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::issuer) enum Outcome {
    /// The issuer says yes, which may not be enough.
    Active,
    /// It says no.
    Inactive,
    /// It does not say.
    Failed,
    /// It does not take this service's credentials, or has no endpoint.
    Misconfigured,
    /// It was not asked, because it is asked too much.
    Limited,
}

/// One issuer's counters.
#[derive(Clone, Debug)]
pub struct IssuerIntrospectionMetrics([Counter; Outcome::ALL.len()]);

impl Outcome {
    const ALL: [Self; 5] = [Self::Active, Self::Inactive, Self::Failed, Self::Misconfigured, Self::Limited];

    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::Misconfigured => "misconfigured",
            Self::Limited => "limited",
        }
    }

    fn labels(self, issuer: &str) -> Labels {
        vec![("issuer", issuer.to_owned()), ("outcome", self.as_str().to_owned())]
    }
}

impl IntrospectionMetrics {
    pub(in crate::issuer) fn register(registry: &mut Registry) -> Self {
        let introspections = Family::default();
        registry.register(
            "introspections",
            "Questions about opaque tokens that an issuer was asked, or would have been, by outcome",
            introspections.clone(),
        );
        Self { introspections }
    }

    /// One issuer's part, all at zero.
    pub fn for_issuer(&self, name: &str) -> IssuerIntrospectionMetrics {
        let counter = |outcome: Outcome| self.introspections.get_or_create_owned(&outcome.labels(name));
        IssuerIntrospectionMetrics(Outcome::ALL.map(counter))
    }

    pub(in crate::issuer) fn forget_issuer(&self, name: &str) {
        for outcome in Outcome::ALL {
            self.introspections.remove(&outcome.labels(name));
        }
    }
}

impl IssuerIntrospectionMetrics {
    pub(in crate::issuer) fn count(&self, outcome: Outcome) {
        let counters = Outcome::ALL.iter().zip(&self.0);
        if let Some((_, counter)) = counters.into_iter().find(|(known, _)| **known == outcome) {
            counter.inc();
        }
    }
}
