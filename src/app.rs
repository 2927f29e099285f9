//! The composition root: configuration in, bound process out. It alone names concrete stores, issuers and transports
//! together.

mod bound;
mod keys;
mod refresh;
mod reload;
mod revocation;
mod shell;

use std::sync::Arc;

use crate::{
    api::{
        grpc::{
            server::ReflectionError,
            session::SessionApi,
            token::{self, TokenApi},
        },
        listener::BindError,
    },
    config::Config,
    domain::{key::UnusableKey, time::Clock},
    issuer::{HttpClient, Issuer, IssuerSettings, KeyMetrics, NoHttpClient, Surroundings},
    ops::metrics::{CheckMetrics, ReloadMetrics, ValidationMetrics},
    service::{check::Checker, loading::NotLoaded, trust::Trust, validate::Validator},
    state::{cache::TokenCache, digest::NoRandomness},
    store::{self, StoreError},
};

use self::{
    refresh::refresher,
    reload::{Issuers, Reloader},
    revocation::{Revocation, revocation_sources},
};

pub use self::{
    bound::{Bound, Exit},
    keys::KeyHolder,
    reload::ConfigFile,
    shell::Shell,
};

/// The process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is taken or may not be used.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// A bug: the descriptors that were compiled in do not fit together.
    #[error(transparent)]
    Reflection(#[from] ReflectionError),
    /// The store's file or the key ring's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is revoked cannot be read, or not for as long as tokens live.
    #[error(transparent)]
    Revocations(#[from] NotLoaded),
    /// The client for the identity providers cannot be made.
    #[error(transparent)]
    Http(#[from] NoHttpClient),
    /// The system gives no random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A bug: the configuration was checked and holds a secret that its algorithms cannot use.
    #[error("issuer {issuer}: the shared secret cannot be used")]
    Secret {
        /// Its name.
        issuer: String,
        /// Why.
        source: UnusableKey,
    },
}

/// Binds every listener, then starts what works behind them. Nothing is answered before [`Bound::run`].
pub async fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Bound, StartError> {
    let mut shell = Shell::bind(&config).await?;
    let store = store::open(&config.store).await?;
    let http = HttpClient::new()?;
    let around = Surroundings {
        http: http.clone(),
        store: Some(Arc::clone(&store.key_sets)),
        clock: Arc::clone(&clock),
        metrics: KeyMetrics::register(shell.registry()),
        tasks: shell.background().clone(),
    };
    let (sources, loader) = revocation_sources(&config, &store, &mut shell, Arc::clone(&clock)).await?;
    let issuers = Issuers::start(config.issuers.clone(), around)?;
    let validator = Arc::new(Validator::new(
        Trust::new(issuers.all(), config.limits.max_token_bytes),
        sources.clone(),
        TokenCache::new(config.cache)?,
        token::encode,
        Arc::clone(&clock),
        ValidationMetrics::register(shell.registry()),
    ));
    validator.replace_early(config.refresh.early);
    let (swept, stopping) = (Arc::clone(&validator), shell.background().stopping().clone());
    shell.background().spawn(async move { stopping.run_until_cancelled(swept.sweep_cache()).await });
    let scraped = Arc::clone(&validator);
    shell.before_scrape(move || scraped.update_metrics());
    let reloads = ReloadMetrics::register(shell.registry());
    let holders = issuers.all().into_iter().map(holder).collect();
    let knowing = (&validator, sources, loader);
    let outside = (http, clock);
    let revocation = Revocation::start(&config, &store, &mut shell, knowing, outside.clone())?;
    let refresher = refresher(&config, &store, &mut shell, (&validator, &revocation), outside)?;
    let token =
        TokenApi::new(Arc::clone(&validator), Arc::clone(&revocation.revoker), Arc::clone(&refresher));
    let checks = CheckMetrics::register(shell.registry());
    let settings = config.ext_authz.clone();
    let checker = Arc::new(Checker::new(Arc::clone(&validator), settings, shell.readiness().clone(), checks));
    let (bound, controls) = shell
        .serving_with_controls(
            token,
            SessionApi::new(Arc::clone(&refresher)),
            Some(Arc::clone(&checker)),
            holders,
        )
        .await?;
    let told = (revocation, refresher, checker);
    let reloader = Reloader::new(config, issuers, validator, told, reloads, controls);
    Ok(bound.holding(store).reloadable(reloader))
}

/// Starts keeping an issuer's keys, in place of an `old` one if there is one.
pub fn start_issuer(
    old: Option<(&IssuerSettings, &Issuer)>,
    settings: IssuerSettings,
    around: &Surroundings,
) -> Result<Arc<Issuer>, StartError> {
    let name = settings.policy.name.clone();
    let issuer = match old {
        Some(old) => Issuer::start_in_place_of(old, settings, around),
        None => Issuer::start(settings, around),
    };
    issuer.map(Arc::new).map_err(|source| StartError::Secret { issuer: name, source })
}

fn holder(issuer: Arc<Issuer>) -> KeyHolder {
    let first = Arc::clone(&issuer);
    KeyHolder::new(issuer.policy().name.clone(), async move { first.wait_first_attempt().await }, move || {
        issuer.has_usable_keys()
    })
}
