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
    store::{self, OpenedStore, StoreSettings},
};
use tempfile::TempDir;

/// Starts the configured issuers and waits until each has tried to get its keys.
pub(crate) async fn validator(config: Config, clock: Arc<dyn Clock>, tasks: &Tasks) -> InProcess {
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
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("countersign.redb");
    let store = store::open(&StoreSettings { path, key_ring: None }).unwrap();
    let revocations = Arc::new(Revocations::new(config.revocation.max_entries));
    revocations.load(store.revocations.snapshot().await.unwrap(), Duration::ZERO, clock.now());
    let kept = Arc::clone(&store.revocations);
    let sights = SightMetrics::register(&mut registry);
    let sessions = Arc::new(Sessions::start(kept, Arc::clone(&revocations), sights, tasks));
    let sources = RevocationSources { revocations, sessions, on_stale: config.revocation.on_stale };
    let validator = Validator::new(trust, sources, cache, encode, clock, counters);
    InProcess { validator, issuers, around, registry, store, directory }
}

/// A validator and what it counts.
pub(crate) struct InProcess {
    pub(crate) validator: Validator,
    pub(crate) issuers: Vec<Arc<Issuer>>,
    /// To start more of them.
    pub(crate) around: Surroundings,
    registry: Registry,
    pub(crate) store: OpenedStore,
    directory: TempDir,
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
