//! What revocations need besides validation: the store's copy at the start, who revokes, who tells the identity providers,
//! and the tasks that store what could not be stored and remove what is over.

use std::{sync::Arc, time::Duration};

use super::{StartError, shell::Shell};
use crate::{
    config::Config,
    domain::time::Clock,
    issuer::HttpClient,
    ops::metrics::{DurabilityMetrics, FeedMetrics, RevocationMetrics, RevokeMetrics, SightMetrics},
    service::{
        capacity::CapacityWatch,
        feed::{self, Follower},
        fitness::FitnessWatch,
        loading::Loader,
        propagate::{self, PropagationMetrics, Propagator},
        revoke::{self, Revoker},
        sweep::Sweeper,
        validate::{RevocationSources, Validator},
    },
    state::{contact::Contact, revocations::Revocations, sessions::Sessions},
    store::{Durability, OpenedStore, StoreKind, UnfitKind},
};

/// Whom a reload of the configuration tells of what concerns revocations.
#[derive(Debug)]
pub(super) struct Revocation {
    pub(super) revoker: Arc<Revoker>,
    pub(super) propagator: Arc<Propagator>,
    pub(super) revocations: Arc<Revocations>,
    validator: Arc<Validator>,
    contact: Option<Arc<Contact>>,
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
                is_shared: store.feed.is_some(),
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
        let sweeper = Sweeper::new(Arc::clone(&store.revocations), Arc::clone(&revocations), clock);
        let sweeper = if store.feed.is_some() { sweeper.among_others() } else { sweeper };
        let stopping = tasks.stopping().clone();
        tasks.spawn(async move { stopping.run_until_cancelled(sweeper.run()).await });
        let contact = sources.contact;
        Ok(Self { revoker, propagator, revocations, validator: Arc::clone(validator), contact, loader })
    }

    /// Has what is revoked at hand for tokens that live as long as a changed configuration allows. To be called before it counts.
    pub(super) async fn prepare(&mut self, config: &Config) -> Result<(), StartError> {
        Ok(self.loader.load_for(longest_life(config)).await?)
    }

    /// What a changed configuration says counts from the next call on.
    pub(super) fn replace(&self, config: &Config) {
        self.revoker.replace_settings(config.revocation);
        self.validator.replace_on_stale(config.revocation.on_stale);
        self.validator.replace_early(config.refresh.early);
        if let Some(contact) = &self.contact {
            contact.set_max_staleness(config.revocation.max_staleness);
        }
        self.propagator.replace_issuers(&config.issuers);
    }
}

/// What is revoked, read from the store before anything is served (R6). With a store of its own: a record that cannot be read
/// is a token that would pass, so it stops the start. A store that others use, too, may be away for the moment: the process
/// starts, is not ready, and becomes so by itself.
pub(super) async fn revocation_sources(
    config: &Config,
    store: &OpenedStore,
    shell: &mut Shell,
    clock: Arc<dyn Clock>,
) -> Result<(RevocationSources, Loader), StartError> {
    let metrics = RevocationMetrics::register(shell.registry());
    let feed_metrics = FeedMetrics::register(shell.registry());
    say_durability(config, store, shell);
    let kept = Arc::clone(&store.revocations);
    let max_entries = config.revocation.max_entries;
    let (revocations, contact, follower, mut loader) = if let Some(feed) = &store.feed {
        let revocations = Arc::new(Revocations::followed(max_entries));
        let contact = Arc::new(Contact::new(config.revocation.max_staleness));
        let around = feed::Surroundings {
            feed: Arc::clone(feed),
            store: Arc::clone(&kept),
            revocations: Arc::clone(&revocations),
            contact: Arc::clone(&contact),
            clock,
            metrics: feed_metrics,
            loading: metrics.clone(),
            readiness: shell.readiness().clone(),
        };
        let first = shell.readiness().register("revocations read from the store");
        let follower = Arc::new(Follower::new(around, first));
        let loader = Loader::following(Arc::clone(&revocations), Arc::clone(&follower));
        (revocations, Some(contact), Some(follower), loader)
    } else {
        let revocations = Arc::new(Revocations::new(max_entries));
        let loader = Loader::new(Arc::clone(&revocations), Arc::clone(&kept), clock, metrics.clone());
        (revocations, None, None, loader)
    };
    loader.load_for(longest_life(config)).await?;
    if let Some(follower) = follower {
        follow(&follower, shell);
    }
    let watch = Arc::new(CapacityWatch::new(Arc::clone(&revocations), metrics));
    let (scraped, stopping) = (Arc::clone(&watch), shell.background().stopping().clone());
    shell.before_scrape(move || scraped.update());
    shell.background().spawn(async move { stopping.run_until_cancelled(watch.run()).await });
    let metrics = SightMetrics::register(shell.registry());
    let sessions = Arc::new(Sessions::start(kept, Arc::clone(&revocations), metrics, shell.background()));
    Ok((RevocationSources { revocations, contact, sessions, on_stale: config.revocation.on_stale }, loader))
}

/// Starts following a store.
fn follow(follower: &Arc<Follower>, shell: &mut Shell) {
    let (running, scraped) = (Arc::clone(follower), Arc::clone(follower));
    let stopping = shell.background().stopping().clone();
    shell.background().spawn(async move { stopping.run_until_cancelled(running.run()).await });
    shell.before_scrape(move || scraped.update());
}

/// When a revocation counts as stored, and whether the store does that.
fn say_durability(config: &Config, store: &OpenedStore, shell: &mut Shell) {
    let metrics = DurabilityMetrics::register(shell.registry(), UnfitKind::ALL.map(UnfitKind::word));
    let durability = match &config.store.kind {
        StoreKind::Embedded { .. } => Durability::Fsync,
        StoreKind::Redis(redis) => redis.durability,
    };
    metrics.is(match durability {
        Durability::Fsync => "fsync",
        Durability::Replicas(_) => "replicas",
        Durability::Memory => "memory",
    });
    let Some(feed) = &store.feed else {
        // A file of our own does what it is asked.
        metrics.reaches("fsync");
        return;
    };
    let watch = Arc::new(FitnessWatch::new(Arc::clone(feed), metrics, shell.readiness().clone()));
    let (scraped, stopping) = (Arc::clone(&watch), shell.background().stopping().clone());
    shell.before_scrape(move || scraped.update());
    shell.background().spawn(async move { stopping.run_until_cancelled(watch.run()).await });
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
