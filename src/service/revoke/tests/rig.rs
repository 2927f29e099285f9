//! A revoker over a store in memory, with a clock that can be moved.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    app,
    config::{Config, Environment},
    domain::{
        revocation::{Reach, Target, check::Known as _},
        time::{Clock, UnixTime},
    },
    issuer::{self, HttpClient, KeyMetrics},
    ops::{
        drain::Tasks,
        metrics::{self, Registry, RevokeMetrics, SightMetrics, ValidationMetrics},
    },
    service::{
        propagate::{self, PropagationMetrics, Propagator},
        revoke::{Demand, NotRevoked, Revoked, Revoker, Surroundings},
        trust::Trust,
        validate::{RevocationSources, Validator},
    },
    state::{cache::TokenCache, revocations::Revocations, sessions::Sessions},
    store::{SessionRecord, Store, testing::memory::MemoryStore},
};

pub(super) const ISSUER: &str = "https://a.example";
pub(super) const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a-made-up-secret-that-protects-nothing";
const YAML: &str = "
issuers:
  - { issuer: https://a.example, audiences: [api], secret: { env: SECRET }, max_token_lifetime: 1h }
  - { issuer: https://b.example, audiences: [api], secret: { env: SECRET } }
revocation: { max_entries: 1000 }
";

#[derive(Debug)]
pub(super) struct Wall(AtomicI64);

impl Clock for Wall {
    fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub(super) struct Rig {
    pub(super) store: Arc<MemoryStore>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) revoker: Arc<Revoker>,
    pub(super) wall: Arc<Wall>,
    registry: Registry,
}

impl Rig {
    pub(super) async fn start() -> Self {
        // Whoever comes second finds the provider installed; it is the same one.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let environment = Environment::from_iter([("SECRET", SECRET)]);
        let config = Config::parse(YAML, &environment, Path::new("")).unwrap().config;
        let wall = Arc::new(Wall(AtomicI64::new(NOW * 1000)));
        let clock: Arc<dyn Clock> = Arc::<Wall>::clone(&wall);
        let store = Arc::new(MemoryStore::default());
        let kept: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
        let (mut registry, tasks, http) = (metrics::registry(), Tasks::default(), HttpClient::new().unwrap());
        let revocations = Arc::new(Revocations::new(config.revocation.max_entries));
        revocations.load(kept.snapshot().await.unwrap(), Duration::ZERO, clock.now());
        let sights = SightMetrics::register(&mut registry);
        let sessions = Arc::new(Sessions::start(Arc::clone(&kept), Arc::clone(&revocations), sights, &tasks));
        let sources = RevocationSources {
            revocations: Arc::clone(&revocations),
            contact: None,
            sessions: Arc::clone(&sessions),
            on_stale: config.revocation.on_stale,
        };
        let around = issuer::Surroundings {
            http: http.clone(),
            store: None,
            clock: Arc::clone(&clock),
            metrics: KeyMetrics::register(&mut registry),
            tasks: tasks.clone(),
        };
        let start = |settings| app::start_issuer(None, settings, &around).unwrap();
        let issuers = config.issuers.iter().cloned().map(start).collect();
        let validator = Validator::new(
            Trust::new(issuers, 16 * 1024),
            sources,
            TokenCache::new(config.cache).unwrap(),
            crate::api::grpc::token::encode,
            Arc::clone(&clock),
            ValidationMetrics::register(&mut registry),
        );
        let telling = propagate::Surroundings {
            store: Arc::clone(&kept),
            is_shared: false,
            http,
            clock: Arc::clone(&clock),
            metrics: PropagationMetrics::register(&mut registry),
            tasks: tasks.clone(),
        };
        let around = Surroundings {
            validator: Arc::new(validator),
            revocations: Arc::clone(&revocations),
            sessions,
            store: kept,
            propagator: Arc::new(Propagator::new(telling, &config.issuers).unwrap()),
            clock,
            tasks,
            metrics: RevokeMetrics::register(&mut registry),
        };
        let revoker = Arc::new(Revoker::new(around, config.revocation));
        Self { store, revocations, revoker, wall, registry }
    }

    pub(super) async fn revoke(&self, demand: Demand<'_>) -> Result<Revoked, NotRevoked> {
        self.revoker.revoke(&demand, "192.0.2.1:5").await
    }

    /// What this replica refuses.
    /// How far the stored revocation of this target reaches.
    pub(super) fn stored(&self, target: &Target) -> Option<Reach> {
        self.store.revocation(target).map(|kept| kept.reach)
    }

    pub(super) fn known(&self, target: &Target) -> Option<Reach> {
        self.revocations.at(self.wall.now()).find(target)
    }

    pub(super) fn set_millis(&self, millis: i64) {
        self.wall.0.store(millis, Ordering::SeqCst);
    }

    /// Sessions that were seen, each begun so long ago.
    pub(super) async fn saw(&self, sessions: &[(&str, &str, u64)]) {
        let record = |(session_id, subject, age): &(&str, &str, u64)| SessionRecord {
            issuer: ISSUER.to_owned(),
            session_id: (*session_id).to_owned(),
            subject: (*subject).to_owned(),
            client_id: "app".to_owned(),
            began_at: self.wall.now().minus(Duration::from_secs(*age)),
            ended_at: None,
            kept_until: self.wall.now().plus(Duration::from_hours(24)),
        };
        self.store.remember_sessions(sessions.iter().map(record).collect()).await.unwrap();
    }

    pub(super) fn has_counted(&self, sample: &str) -> bool {
        metrics::exposition(&self.registry).lines().any(|line| line == sample)
    }
}

/// A token of the first issuer, changed.
pub(super) fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": "api", "client_id": "app", "jti": "t-1", "iat": NOW, "exp": NOW + 600,
    });
    change(&mut claims);
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let input = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"at+jwt"}"#), encode(&claims.to_string()));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}
