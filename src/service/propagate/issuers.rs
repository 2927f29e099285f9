//! The issuers that can be told, as the configuration has them now.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;

use crate::issuer::{HttpClient, IssuerSettings, Revoker};

/// By `iss`.
#[derive(Debug)]
pub(super) struct Issuers {
    http: HttpClient,
    by_issuer: ArcSwap<HashMap<String, Arc<Revoker>>>,
}

impl Issuers {
    /// These.
    pub(super) fn new(http: HttpClient, settings: &[IssuerSettings]) -> Self {
        let issuers = Self { http, by_issuer: ArcSwap::default() };
        issuers.replace(settings);
        issuers
    }

    /// From now on these. One whose settings stay keeps what it knows about its endpoints.
    pub(super) fn replace(&self, settings: &[IssuerSettings]) {
        let known = self.by_issuer.load();
        let revoker = |settings: &IssuerSettings| {
            let known = known.get(&settings.policy.issuer).filter(|it| it.settings() == settings);
            known.map_or_else(|| Arc::new(Revoker::new(settings.clone(), self.http.clone())), Arc::clone)
        };
        let all = settings.iter().map(|it| (it.policy.issuer.clone(), revoker(it))).collect();
        self.by_issuer.store(Arc::new(all));
    }

    /// The one with this `iss`.
    pub(super) fn find(&self, issuer: &str) -> Option<Arc<Revoker>> {
        self.by_issuer.load().get(issuer).cloned()
    }

    /// Its name in logs; for one that is not configured any more, its `iss`.
    pub(super) fn name(&self, issuer: &str) -> String {
        self.find(issuer).map_or_else(|| issuer.to_owned(), |it| it.settings().policy.name.clone())
    }
}
