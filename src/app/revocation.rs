//! What revocations need besides validation: the store's copy at the start, who revokes, who tells the identity providers,
//! and the tasks that store what could not be stored and remove what is over.

use std::{sync::Arc, time::Duration};

use super::{StartError, shell::Shell};
use crate::{
    config::Config,
    domain::time::Clock,
    issuer::HttpClient,
    ops::metrics::{RevocationMetrics, RevokeMetrics, SightMetrics},
    service::{
        capacity::CapacityWatch,
        loading::Loader,
        propagate::{self, PropagationMetrics, Propagator},
        revoke::{self, Revoker},
        sweep::Sweeper,
        validate::{RevocationSources, Validator},
    },
    state::{revocations::Revocations, sessions::Sessions},
    store::OpenedStore,
};

/// Whom a reload of the configuration tells of what concerns revocations.
#[derive(Debug)]
pub(super) struct Revocation {
    pub(super) revoker: Arc<Revoker>,
    propagator: Arc<Propagator>,
    validator: Arc<Validator>,
    loader: Loader,
}

impl Revocation {
    /// Starts what works in the background, too.
    pub(super) fn start(
        config: &Config,
        store: &OpenedStore,
        shell: &mut Shell,
        (validator, sources, loader): (&Arc<Validator>, RevocationSources, Loader),
        (http, clock): (HttpClient, Arc<dyn Clock>),
    ) -> Result<Self, StartError> {
        let tasks = shell.background().clone();
        let propagator = Arc::new(Propagator::new(
            propagate::Surroundings {
                store: Arc::clone(&store.revocations),
                http,
                clock: Arc::clone(&clock),
                metrics: PropagationMetrics::register(shell.registry()),
                tasks: tasks.clone(),
            },
            &config.issuers,
        )?);
        propagator.start();
        let scraped = Arc::clone(&propagator);
        shell.before_scrape(move || scraped.update_metrics());
        let revocations = Arc::clone(&sources.revocations);
        let around = revoke::Surroundings {
            validator: Arc::clone(validator),
            revocations: sources.revocations,
            sessions: sources.sessions,
            store: Arc::clone(&store.revocations),
            propagator: Arc::clone(&propagator),
            clock: Arc::clone(&clock),
            tasks: tasks.clone(),
            metrics: RevokeMetrics::register(shell.registry()),
        };
        let revoker = Arc::new(Revoker::new(around, config.revocation));
        let (storing, stopping) = (Arc::clone(&revoker), tasks.stopping().clone());
        tasks.spawn(async move {
            stopping.run_until_cancelled(storing.store_pending()).await;
            storing.store_or_give_up().await;
        });
        let sweeper = Sweeper::new(Arc::clone(&store.revocations), revocations, clock);
        let stopping = tasks.stopping().clone();
        tasks.spawn(async move { stopping.run_until_cancelled(sweeper.run()).await });
        Ok(Self { revoker, propagator, validator: Arc::clone(validator), loader })
    }

    /// Has what is revoked at hand for tokens that live as long as a changed configuration allows. To be called before it counts.
    pub(super) async fn prepare(&mut self, config: &Config) -> Result<(), StartError> {
        Ok(self.loader.load_for(longest_life(config)).await?)
    }

    /// What a changed configuration says counts from the next call on.
    pub(super) fn replace(&self, config: &Config) {
        self.revoker.replace_settings(config.revocation);
        self.validator.replace_on_stale(config.revocation.on_stale);
        self.propagator.replace_issuers(&config.issuers);
    }
}

/// What is revoked, read from the store before anything is served (R6): a record that cannot be read is a token that would
/// pass, so it stops the start.
pub(super) async fn revocation_sources(
    config: &Config,
    store: &OpenedStore,
    shell: &mut Shell,
    clock: Arc<dyn Clock>,
) -> Result<(RevocationSources, Loader), StartError> {
    let revocations = Arc::new(Revocations::new(config.revocation.max_entries));
    let metrics = RevocationMetrics::register(shell.registry());
    let kept = Arc::clone(&store.revocations);
    let mut loader = Loader::new(Arc::clone(&revocations), Arc::clone(&kept), clock, metrics.clone());
    loader.load_for(longest_life(config)).await?;
    let watch = Arc::new(CapacityWatch::new(Arc::clone(&revocations), metrics));
    let (scraped, stopping) = (Arc::clone(&watch), shell.background().stopping().clone());
    shell.before_scrape(move || scraped.update());
    shell.background().spawn(async move { stopping.run_until_cancelled(watch.run()).await });
    let metrics = SightMetrics::register(shell.registry());
    let sessions = Arc::new(Sessions::start(kept, Arc::clone(&revocations), metrics, shell.background()));
    Ok((
        RevocationSources { revocations, contact: None, sessions, on_stale: config.revocation.on_stale },
        loader,
    ))
}

/// The longest that a token of any issuer may be valid.
fn longest_life(config: &Config) -> Duration {
    let lives = config.issuers.iter().map(|issuer| {
        let policy = &issuer.policy;
        // An issuer's clock may be as far ahead as we tolerate, and a token is accepted for as long after its end.
        policy.max_token_lifetime.saturating_add(policy.leeway * 2)
    });
    lives.max().unwrap_or_default()
}
