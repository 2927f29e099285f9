//! What the log says about telling identity providers: each change once, repetitions at `debug`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::issuers::Issuers;
use crate::{issuer::NotTold, store::Delivery};

/// What was said last.
#[derive(Debug)]
pub(super) struct Report {
    issuers: Arc<Issuers>,
    /// Why an issuer could not be told, by its `iss`.
    failing: HashMap<String, &'static str>,
    /// What an issuer has been seen to refuse.
    refused: HashSet<(String, &'static str)>,
}

impl Report {
    pub(super) fn new(issuers: Arc<Issuers>) -> Self {
        Self { issuers, failing: HashMap::new(), refused: HashSet::new() }
    }

    /// It answered.
    pub(super) fn answered(&mut self, issuer: &str) {
        if self.failing.remove(issuer).is_some() {
            tracing::info!(
                token.issuer = self.issuers.name(issuer),
                "the identity provider can be told of revocations again"
            );
        }
    }

    /// It could not be told.
    pub(super) fn not_told(&mut self, delivery: &Delivery, why: &NotTold) {
        let issuer = self.issuers.name(&delivery.issuer);
        let kind = why.trouble().kind();
        let first = match why {
            NotTold::Unsupported(_) | NotTold::Refused(_) => {
                self.refused.insert((delivery.issuer.clone(), kind))
            }
            NotTold::Misconfigured(_) | NotTold::Unavailable { .. } => {
                self.failing.insert(delivery.issuer.clone(), kind) != Some(kind)
            }
        };
        if !first {
            tracing::debug!(
                token.issuer = issuer,
                error.type = kind,
                error.message = %why,
                "telling the identity provider of a revocation failed again"
            );
            return;
        }
        match why {
            NotTold::Misconfigured(_) => tracing::error!(
                token.issuer = issuer,
                error.type = kind,
                error.message = %why,
                "the identity provider cannot be told of revocations as it is configured"
            ),
            NotTold::Unavailable { .. } => tracing::warn!(
                token.issuer = issuer,
                error.type = kind,
                error.message = %why,
                "the identity provider cannot be told of revocations now; they are kept and tried again"
            ),
            NotTold::Unsupported(_) | NotTold::Refused(_) => tracing::warn!(
                token.issuer = issuer,
                error.type = kind,
                error.message = %why,
                "the identity provider does not take a revocation; it counts here only"
            ),
        }
    }

    /// Nobody would care any more.
    pub(super) fn gave_up(&self, delivery: &Delivery) {
        tracing::error!(
            token.issuer = self.issuers.name(&delivery.issuer),
            delivery.attempts = delivery.attempts,
            "gave up telling the identity provider of a revocation"
        );
    }
}
