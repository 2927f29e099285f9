//! Everything around the token service: sockets, health, limits, the admin port.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    StartError,
    bound::{Bound, Serving},
    keys::{Followers, KeyHolder},
    reload::Controls,
};
use crate::{
    api::{
        LimitSettings, ListenAddress, ServerSettings,
        grpc::{
            health::Health,
            limits::LimitsLayer,
            methods,
            server::{NoSessions, Services},
        },
        http::{
            Forwarded,
            admin::{Admin, MetricsReaders, ScrapeHook},
            check::CheckApi,
        },
        listener::{BindError, Listener},
    },
    config::Config,
    ops::{
        drain::Tasks,
        metrics::{self, Registry, RequestMetrics, SpanMetrics},
        readiness::{Guard, Readiness},
    },
    proto::server::{session_service_server::SessionService, token_service_server::TokenService},
    service::check::Checker,
};

/// Bound sockets without a service behind them. The sockets come first, so that a taken port is found before anything
/// else is started.
#[derive(Debug)]
pub struct Shell {
    listeners: Vec<Listener>,
    admin: Option<Listener>,
    metrics_readers: MetricsReaders,
    http: Option<Listener>,
    /// Whose words count there.
    forwarded: Option<Forwarded>,
    server: ServerSettings,
    limits: LimitSettings,
    registry: Registry,
    readiness: Readiness,
    /// "The listeners stand". From the beginning, so that nothing which is done early makes the process ready.
    standing: Guard,
    refreshes: Tasks,
    background: Tasks,
    before_scrape: Vec<ScrapeHook>,
}

impl Shell {
    /// Binds `listen`, `admin.listen` and `http.listen`.
    pub async fn bind(config: &Config) -> Result<Self, StartError> {
        let mut listeners = Vec::with_capacity(config.listen.len());
        for address in &config.listen {
            listeners.push(Listener::bind(address).await?);
        }
        let admin = bind(config.admin.as_ref()).await?;
        let http = bind(config.http.listen.as_ref()).await?;
        let readiness = Readiness::default();
        Ok(Self {
            listeners,
            admin,
            metrics_readers: config.metrics,
            http,
            forwarded: config.http.forwarded,
            server: config.server,
            limits: config.limits,
            registry: metrics::registry(),
            standing: readiness.register("listeners"),
            readiness,
            refreshes: Tasks::default(),
            background: Tasks::default(),
            before_scrape: Vec::new(),
        })
    }

    /// Where refreshes go, which outlive their callers: they have `limits.drain` to end, as calls have.
    pub(super) fn refreshes(&self) -> &Tasks {
        &self.refreshes
    }

    /// Where tasks go that work for calls: they are stopped when the last call has ended.
    pub fn background(&self) -> &Tasks {
        &self.background
    }

    /// Where the parts behind the listeners say what start-up waits for.
    pub(super) fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Where the parts behind the listeners register their metrics.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// `hook` brings metrics up to date that change with time alone.
    pub fn before_scrape(&mut self, hook: impl Fn() + Send + Sync + 'static) {
        self.before_scrape.push(ScrapeHook::new(hook));
    }

    /// Puts the services behind the sockets.
    pub async fn serving<T: TokenService>(
        self,
        token: T,
        holders: Vec<KeyHolder>,
    ) -> Result<Bound<T>, StartError> {
        let (bound, _controls) = self.serving_with_controls(token, NoSessions, None, holders).await?;
        Ok(bound)
    }

    /// The same, and what can be set while they serve.
    pub(super) async fn serving_with_controls<T: TokenService>(
        mut self,
        token: T,
        sessions: impl SessionService,
        checker: Option<Arc<Checker>>,
        holders: Vec<KeyHolder>,
    ) -> Result<(Bound<T>, Controls), StartError> {
        let calls = Tasks::default();
        let names = holders.iter().map(|holder| holder.name().to_owned()).collect();
        let health = Health::new(names).await;
        SpanMetrics::of_process().register(&mut self.registry);
        let requests = RequestMetrics::register(&mut self.registry, methods::names());
        let limits = LimitsLayer::new(self.limits.max_concurrent, requests, calls.clone());
        let http = self.http.zip(checker.clone()).map(|(listener, checker)| {
            (listener, CheckApi::new(checker, limits.clone(), self.forwarded, &self.server))
        });
        let services = Services::new(token, sessions, checker, &health, self.server.reflection)?;
        let followers = Followers::start(holders, &self.readiness, &health, &self.background);
        let (set_drain, drain) = watch::channel(self.limits.drain);
        let controls = Controls {
            limits: limits.clone(),
            drain: set_drain,
            followers,
            readiness: self.readiness.clone(),
        };
        let bound = Bound::new(Serving {
            admin: Admin::new(
                self.readiness.clone(),
                self.metrics_readers,
                self.registry,
                self.before_scrape,
            ),
            listeners: self.listeners,
            admin_listener: self.admin,
            http,
            services,
            server: self.server,
            limits,
            drain,
            health,
            readiness: self.readiness,
            standing: self.standing,
            calls,
            refreshes: self.refreshes,
            background: self.background,
        });
        Ok((bound, controls))
    }
}

async fn bind(address: Option<&ListenAddress>) -> Result<Option<Listener>, BindError> {
    match address {
        Some(address) => Listener::bind(address).await.map(Some),
        None => Ok(None),
    }
}
