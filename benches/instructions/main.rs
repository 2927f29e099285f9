//! `make instructions`: what a validation costs in instructions, counted by callgrind, which no other load on the machine
//! moves. scripts/instructions.sh runs this once for each scene, and compares with benches/instructions.toml.
//!
//! Only what happens inside [`measured`] is counted. The shared secret leaves out what is not ours, the mathematics of
//! signatures, and with it the randomness of keys.
#![allow(
    missing_docs,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program, not the service: it may stop at the first surprise"
)]

mod checked;

use std::{hint::black_box, path::Path, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    api::grpc::token::{TokenApi, encode},
    app,
    config::{Config, Environment},
    domain::{
        decide::Requirements,
        kind::TokenKind,
        refresh::RefreshSettings,
        time::{Clock, UnixTime},
    },
    issuer::{HttpClient, KeyMetrics, Surroundings},
    ops::{
        drain::Tasks,
        metrics::{self, RefreshMetrics, RevokeMetrics, SightMetrics, ValidationMetrics},
    },
    proto::server::{ValidateRequest, token_service_server::TokenService as _, validate_response::Outcome},
    service::{
        propagate::{self, PropagationMetrics, Propagator},
        refresh::{self, Refresher},
        revoke::{self, Revoker},
        trust::Trust,
        validate::{Question, RevocationSources, Validator},
    },
    state::{
        cache::TokenCache,
        revocations::{OnStale, RevocationSettings, Revocations},
        sessions::Sessions,
    },
    store::{self, OpenedStore, StoreSettings},
};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What scripts/instructions.sh divides by.
const CALLS: usize = 1000;
/// Not counted: caches, one-time initialisations.
const WARM_UP: usize = 200;
const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a-made-up-secret-that-protects-nothing";
const CONFIG: &str = "
issuers:
  - issuer: https://issuer.example
    audiences: [https://api.example]
    secret: {env: SHARED}
    algorithms: [HS256]
";

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW)
    }
}

fn main() {
    let scene = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    // `cargo test --benches` runs bench programs without a scene; measuring is not testing.
    let Some(scene) = scene else { return };
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first and only provider");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (validator, sources, store) = runtime.block_on(validator());
    match scene.as_str() {
        "cached" => {
            let token = token(0);
            let tokens = vec![token.as_str(); WARM_UP + CALLS];
            scene_of(&tokens, |tokens| validate(&runtime, &validator, tokens));
        }
        "uncached" => {
            let tokens: Vec<String> = (0..WARM_UP + CALLS).map(token).collect();
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            scene_of(&tokens, |tokens| validate(&runtime, &validator, tokens));
        }
        "answered" => {
            let api = api(validator, sources, store);
            let token = token(0);
            let tokens = vec![token.as_str(); WARM_UP + CALLS];
            scene_of(&tokens, |tokens| answer(&runtime, &api, tokens));
        }
        "checked" => {
            let edge = checked::edge(validator);
            let token = token(0);
            let tokens = vec![token.as_str(); WARM_UP + CALLS];
            scene_of(&tokens, |tokens| checked::check(&runtime, &edge, tokens));
        }
        other => panic!("no such scene: {other}"),
    }
}

fn scene_of(tokens: &[&str], run: impl Fn(&[&str])) {
    let (first, rest) = tokens.split_at(WARM_UP);
    run(first);
    measured(|| run(rest));
}

/// Collection is on in here only. Named in scripts/instructions.sh.
#[inline(never)]
fn measured(run: impl FnOnce()) {
    run();
}

fn validate(runtime: &Runtime, validator: &Validator, tokens: &[&str]) {
    runtime.block_on(async {
        for token in tokens {
            let question = Question {
                token: token.as_bytes(),
                requirements: REQUIREMENTS,
                min_revision: None,
                max_staleness: None,
            };
            let passed =
                validator.validate(black_box(&question), |pass| black_box(pass).should_refresh).await;
            assert!(passed.unwrap().outcome.is_ok_and(|should_refresh| !should_refresh));
        }
    });
}

/// The same question as it comes from the wire, with the answer as it goes there.
fn answer(runtime: &Runtime, api: &TokenApi, tokens: &[&str]) {
    runtime.block_on(async {
        for token in tokens {
            let request = ValidateRequest { token: (*token).to_owned().into(), ..ValidateRequest::default() };
            let answer = api.validate(black_box(tonic::Request::new(request))).await.unwrap();
            assert!(matches!(black_box(answer).into_inner().outcome, Some(Outcome::Token(_))));
        }
    });
}

const REQUIREMENTS: Requirements<'static> = Requirements::of_kind(TokenKind::Access);

/// As `app` wires one.
async fn validator() -> (Arc<Validator>, RevocationSources, OpenedStore) {
    let environment = Environment::from_iter([("SHARED", SECRET)]);
    let config = Config::parse(CONFIG, &environment, Path::new("")).unwrap().config;
    let clock: Arc<dyn Clock> = Arc::new(Stopped);
    let mut registry = metrics::registry();
    let around = Surroundings {
        http: HttpClient::new().unwrap(),
        store: None,
        clock: Arc::clone(&clock),
        metrics: KeyMetrics::register(&mut registry),
        tasks: Tasks::default(),
    };
    let start = |settings| app::start_issuer(None, settings, &around).unwrap();
    let issuers = config.issuers.into_iter().map(start).collect();
    let cache = TokenCache::new(config.cache).unwrap();
    let metrics = ValidationMetrics::register(&mut registry);
    let trust = Trust::new(issuers, config.limits.max_token_bytes);
    let (sources, store) = sources(&mut registry, &*clock).await;
    let validator = Validator::new(trust, sources.clone(), cache, encode, clock, metrics);
    (Arc::new(validator), sources, store)
}

/// Nothing is revoked.
async fn sources(registry: &mut metrics::Registry, clock: &dyn Clock) -> (RevocationSources, OpenedStore) {
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings::embedded(directory.path().join("countersign.redb"));
    let opened = store::open(&settings).await.unwrap();
    let store = Arc::clone(&opened.revocations);
    let revocations = Arc::new(Revocations::new(1000));
    revocations.load(store.snapshot().await.unwrap(), Duration::ZERO, clock.now());
    let sights = SightMetrics::register(registry);
    let kept = Arc::clone(&store);
    let sessions = Arc::new(Sessions::start(kept, Arc::clone(&revocations), sights, &Tasks::default()));
    (RevocationSources { revocations, contact: None, sessions, on_stale: OnStale::Serve }, opened)
}

/// Nobody is revoked, and nothing refreshed.
fn api(validator: Arc<Validator>, sources: RevocationSources, store: OpenedStore) -> TokenApi {
    let mut registry = metrics::registry();
    let (clock, tasks): (Arc<dyn Clock>, _) = (Arc::new(Stopped), Tasks::default());
    let telling = propagate::Surroundings {
        store: Arc::clone(&store.revocations),
        is_shared: false,
        http: HttpClient::new().unwrap(),
        clock: Arc::clone(&clock),
        metrics: PropagationMetrics::register(&mut registry),
        tasks: tasks.clone(),
    };
    let propagator = Arc::new(Propagator::new(telling, &[]).unwrap());
    let around = revoke::Surroundings {
        validator: Arc::clone(&validator),
        revocations: Arc::clone(&sources.revocations),
        sessions: sources.sessions,
        store: Arc::clone(&store.revocations),
        propagator: Arc::clone(&propagator),
        clock: Arc::clone(&clock),
        tasks: tasks.clone(),
        metrics: RevokeMetrics::register(&mut registry),
    };
    let settings = RevocationSettings {
        max_staleness: Duration::from_mins(1),
        on_stale: OnStale::Serve,
        issuer_clock_ahead: Duration::from_secs(2),
        max_entries: 1000,
    };
    let revoker = Arc::new(Revoker::new(around, settings));
    let around = refresh::Surroundings {
        rotations: store.rotations,
        store: store.revocations,
        validator: Arc::clone(&validator),
        revoker: Arc::clone(&revoker),
        revocations: sources.revocations,
        propagator,
        clock,
        tasks,
        metrics: RefreshMetrics::register(&mut registry),
    };
    let http = HttpClient::new().unwrap();
    let refresher = Refresher::new(around, http, &[], RefreshSettings::default()).unwrap();
    TokenApi::new(validator, revoker, Arc::new(refresher))
}

/// A token of 730 bytes, as in `make bench`; `serial` makes it one of a kind.
fn token(serial: usize) -> String {
    let payload = format!(
        "{{\"iss\":\"https://issuer.example\",\"sub\":\"user-4711\",\"aud\":\"https://api.example\",\"exp\":{},\"iat\":{NOW},\
         \"jti\":\"{serial:08}\",\"client_id\":\"web\",\"scope\":\"openid profile orders:read\",\"sid\":\"5b0cbe7a\",\
         \"pad\":\"{}\"}}",
        NOW + 3600,
        "x".repeat(262),
    );
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let input = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"at+jwt"}"#), encode(&payload));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}
