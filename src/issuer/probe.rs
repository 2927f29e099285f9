//! Asks an issuer everything at once, as it is now, and says in words what is wrong and what to change.
//!
//! `observe` asks, with the bounds that `serve` has (K6); `judge` is a pure function of what was seen. Nothing here
//! changes anything, neither here nor at the issuer.

mod finding;
mod judge;
mod observe;
mod observed;
#[cfg(test)]
mod tests;
mod words;

pub use finding::{Code, Finding, Severity};

use super::{http::HttpClient, settings::IssuerSettings};
use crate::domain::time::Clock;

/// What was found about one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Its configured name.
    pub name: String,
    /// Its `issuer`.
    pub issuer: String,
    /// In the order in which one thing needs another.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// The worst finding's.
    pub fn severity(&self) -> Severity {
        self.findings.iter().map(|finding| finding.code.severity()).max().unwrap_or(Severity::Ok)
    }
}

/// Probes one issuer. Takes at most `keys.timeout` for each of the discovery document, the key set and all clients.
pub async fn probe(settings: &IssuerSettings, http: &HttpClient, clock: &dyn Clock) -> Diagnosis {
    let seen = observe::observe(settings, http, clock).await;
    Diagnosis {
        name: settings.policy.name.clone(),
        issuer: settings.policy.issuer.clone(),
        findings: judge::judge(settings, &seen),
    }
}
