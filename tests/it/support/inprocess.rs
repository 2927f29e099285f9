//! The validator without a process or a socket around it, for tests that need to move the clock.

use std::{sync::Arc, time::Duration};

use countersign::{
    api::grpc::token::encode,
    app::start_issuer,
    config::Config,
    domain::time::Clock,
    issuer::{HttpClient, Issuer, KeyMetrics, Surroundings},
    ops::{
        drain::Tasks,
        metrics::{self, Registry, SightMetrics, ValidationMetrics},
    },
    service::{
        trust::Trust,
        validate::{RevocationSources, Validator},
    },
    state::{cache::TokenCache, revocations::Revocations, sessions::Sessions},
    store::{self, Store, StoreSettings},
};
use tempfile::TempDir;

/// Starts the configured issuers over a store of their own, and waits until each has tried to get its keys.
pub(crate) async fn validator(config: Config, clock: Arc<dyn Clock>, tasks: &Tasks) -> InProcess {
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings::embedded(directory.path().join("countersign.redb"));
    let mut inner = validator_over(config, clock, tasks, &settings, |store| store).await;
    inner.directory = Some(directory);
    inner
}

/// The same over this store, seen through `through`.
pub(crate) async fn validator_over(
    config: Config,
    clock: Arc<dyn Clock>,
    tasks: &Tasks,
    settings: &StoreSettings,
    through: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
) -> InProcess {
    // Whoever comes second finds the provider installed; it is the same one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let mut registry = metrics::registry();
    let around = Surroundings {
        http: HttpClient::new().unwrap(),
        store: None,
        clock: Arc::clone(&clock),
        metrics: KeyMetrics::register(&mut registry),
        tasks: tasks.clone(),
    };
    let issuers = config.issuers.into_iter().map(|settings| start_issuer(None, settings, &around).unwrap());
    let issuers: Vec<_> = issuers.collect();
    for issuer in &issuers {
        issuer.wait_first_attempt().await;
    }
    let cache = TokenCache::new(config.cache).unwrap();
    let counters = ValidationMetrics::register(&mut registry);
    let trust = Trust::new(issuers.clone(), config.limits.max_token_bytes);
    let store = store::open(settings).await.unwrap();
    let kept = through(Arc::clone(&store.revocations));
    let revocations = Arc::new(Revocations::new(config.revocation.max_entries));
    revocations.load(kept.snapshot().await.unwrap(), Duration::ZERO, clock.now());
    let sights = SightMetrics::register(&mut registry);
    let sessions = Arc::new(Sessions::start(Arc::clone(&kept), Arc::clone(&revocations), sights, tasks));
    let sources = RevocationSources {
        revocations: Arc::clone(&revocations),
        contact: None,
        sessions: Arc::clone(&sessions),
        on_stale: config.revocation.on_stale,
    };
    let validator = Arc::new(Validator::new(trust, sources, cache, encode, clock, counters));
    InProcess { validator, issuers, around, registry, kept, revocations, sessions, directory: None }
}

/// A validator and what it counts.
pub(crate) struct InProcess {
    pub(crate) validator: Arc<Validator>,
    pub(crate) issuers: Vec<Arc<Issuer>>,
    /// To start more of them.
    pub(crate) around: Surroundings,
    registry: Registry,
    /// The store.
    pub(crate) kept: Arc<dyn Store>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) sessions: Arc<Sessions>,
    directory: Option<TempDir>,
}

impl InProcess {
    /// The value of a sample, such as `countersign_cache_lookups_total{result="hit"}`.
    pub(crate) fn counted(&self, sample: &str) -> u64 {
        self.validator.update_metrics();
        let text = metrics::exposition(&self.registry);
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {sample} in {text}")).parse().unwrap()
    }
}
