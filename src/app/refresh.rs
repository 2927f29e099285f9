//! What refreshing needs, put together.

use std::sync::Arc;

use super::{StartError, revocation::Revocation, shell::Shell};
use crate::{
    config::Config,
    domain::time::Clock,
    issuer::HttpClient,
    ops::metrics::RefreshMetrics,
    service::{
        refresh::{Refresher, Surroundings},
        validate::Validator,
    },
    store::OpenedStore,
};

/// Who refreshes at the configured issuers.
pub(super) fn refresher(
    config: &Config,
    store: &OpenedStore,
    shell: &mut Shell,
    (validator, revocation): (&Arc<Validator>, &Revocation),
    (http, clock): (HttpClient, Arc<dyn Clock>),
) -> Result<Arc<Refresher>, StartError> {
    let around = Surroundings {
        rotations: Arc::clone(&store.rotations),
        store: Arc::clone(&store.revocations),
        validator: Arc::clone(validator),
        revoker: Arc::clone(&revocation.revoker),
        revocations: Arc::clone(&revocation.revocations),
        propagator: Arc::clone(&revocation.propagator),
        clock,
        tasks: shell.refreshes().clone(),
        metrics: RefreshMetrics::register(shell.registry()),
    };
    Ok(Arc::new(Refresher::new(around, http, &config.issuers, config.refresh)?))
}
