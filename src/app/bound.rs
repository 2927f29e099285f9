//! A process whose sockets are bound: running it, and its end.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::reload::{ConfigFile, Reloader, Watcher};
use crate::{
    api::{
        ListenAddress, ServerSettings,
        grpc::{
            health::Health,
            limits::LimitsLayer,
            server::{self, Services},
            token::TokenApi,
        },
        http::admin::Admin,
        listener::Listener,
    },
    ops::{
        drain::Tasks,
        readiness::{Guard, Readiness},
    },
    proto::server::token_service_server::TokenService,
    store::OpenedStore,
};

/// What is left to tasks that no caller waits for, once the calls have ended.
const WIND_UP: Duration = Duration::from_secs(2);

/// Ready to run.
#[derive(Debug)]
pub struct Bound<T = TokenApi> {
    serving: Serving<T>,
    /// Locked as long as the process lives, whether or not an issuer keeps something in it.
    store: Option<OpenedStore>,
    reloading: Reloading,
}

/// Whether the configuration can change.
#[derive(Debug)]
enum Reloading {
    /// There is nothing to change.
    Never,
    /// It could; it was not said from where.
    Possible(Box<Reloader>),
    Watched(Box<Watcher>),
}

/// The parts of a [`Bound`].
#[derive(Debug)]
pub(super) struct Serving<T> {
    pub(super) listeners: Vec<Listener>,
    pub(super) admin_listener: Option<Listener>,
    pub(super) admin: Admin,
    pub(super) services: Services<T>,
    pub(super) server: ServerSettings,
    pub(super) limits: LimitsLayer,
    /// `limits.drain`.
    pub(super) drain: watch::Receiver<Duration>,
    pub(super) health: Health,
    pub(super) readiness: Readiness,
    /// "The listeners stand", until they do.
    pub(super) standing: Guard,
    /// The listeners and the connections behind them.
    pub(super) calls: Tasks,
    /// Exchanges at providers, which nobody may be waiting for any more.
    pub(super) refreshes: Tasks,
    /// Whatever works for calls.
    pub(super) background: Tasks,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the exit code comes from it"]
pub enum Exit {
    /// Every call was answered.
    Clean,
    /// This many calls were cut, because `limits.drain` was over or somebody insisted.
    Cut(usize),
}

impl<T: TokenService> Bound<T> {
    pub(super) fn new(serving: Serving<T>) -> Self {
        Self { serving, store: None, reloading: Reloading::Never }
    }

    /// Lets this change the configuration, once it is said from where.
    pub(super) fn reloadable(self, reloader: Reloader) -> Self {
        Self { reloading: Reloading::Possible(Box::new(reloader)), ..self }
    }

    /// From now on takes another configuration when `file` changes, or at once when `asked`.
    #[must_use]
    pub fn reloading(self, file: ConfigFile, asked: Arc<Notify>) -> Self {
        let reloading = match self.reloading {
            Reloading::Possible(reloader) => {
                Reloading::Watched(Box::new(Watcher::new(file, asked, *reloader)))
            }
            other @ (Reloading::Never | Reloading::Watched(_)) => other,
        };
        Self { reloading, ..self }
    }

    /// Holds this store to the end.
    pub(super) fn holding(self, store: OpenedStore) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Where gRPC is served, with real ports, in the order of the configuration.
    pub fn addresses(&self) -> Vec<ListenAddress> {
        self.serving.listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// Where the admin port is, if it is on.
    pub fn admin_address(&self) -> Option<ListenAddress> {
        self.serving.admin_listener.as_ref().map(|listener| listener.address().clone())
    }

    /// Serves until `shutdown`, then drains for `limits.drain` at most.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Exit {
        self.run_until(shutdown, std::future::pending()).await
    }

    /// Like [`Bound::run`], but `force` ends the drain at once.
    ///
    /// The order of the end: say so (readiness, health), so that nobody sends more; close the listeners and send GOAWAY;
    /// end streams; let calls finish, and refreshes, whoever waits for them; stop the tasks that worked for them; and only then the admin port, which has told
    /// how it went up to then.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        force: impl Future<Output = ()>,
    ) -> Exit {
        let Self { serving, store: _held, reloading } = self;
        let Serving { readiness, health, limits, calls, refreshes, background, drain, .. } = &serving;
        let (readiness, health, limits) = (readiness.clone(), health.clone(), limits.clone());
        let (calls, refreshes) = (calls.clone(), refreshes.clone());
        let (background, drain) = (background.clone(), drain.clone());
        let admin = serving.start();
        if let Reloading::Watched(watcher) = reloading {
            // A process that drains changes no more.
            let draining = calls.stopping().clone();
            background.spawn(async move { draining.run_until_cancelled(Box::pin(watcher.run())).await });
        }

        shutdown.await;
        tracing::info!(call.in_flight = limits.in_flight(), "shutting down");
        readiness.drain();
        health.drain().await;
        let drain = *drain.borrow();
        let all = async {
            calls.stop().await;
            refreshes.stop().await;
        };
        let ended = tokio::select! {
            ended = timeout(drain, all) => ended.is_ok(),
            () = force => false,
        };
        // Connections without a call on them may be cut without anybody's loss.
        let cut = if ended { 0 } else { limits.in_flight() };
        wind_up(&refreshes, "refreshes").await;
        wind_up(&background, "background tasks").await;
        wind_up(&admin, "the admin port").await;
        if cut == 0 {
            tracing::info!("shut down");
            Exit::Clean
        } else {
            tracing::error!(call.cut = cut, "shut down, cutting calls that had not ended");
            Exit::Cut(cut)
        }
    }
}

impl<T: TokenService> Serving<T> {
    /// Starts serving. Returns the admin port's tasks.
    fn start(self) -> Tasks {
        let admin = Tasks::default();
        if let Some(listener) = self.admin_listener {
            tracing::info!(server.address = %listener.address(), "the admin port listens");
            admin.spawn(self.admin.serve(listener, admin.stopping().clone()));
        }
        for listener in self.listeners {
            tracing::info!(server.address = %listener.address(), "listening");
            let draining = self.calls.stopping().clone();
            let (services, limits) = (self.services.clone(), self.limits.clone());
            self.calls.spawn(server::serve(listener, services, self.server, limits, draining));
        }
        let (readiness, health, stopping) = (self.readiness, self.health, self.background.stopping().clone());
        self.background.spawn(async move {
            stopping
                .run_until_cancelled(async {
                    readiness.ready().await;
                    health.ready().await;
                    tracing::info!("ready");
                })
                .await;
        });
        drop(self.standing);
        admin
    }
}

async fn wind_up(tasks: &Tasks, what: &'static str) {
    if timeout(WIND_UP, tasks.stop()).await.is_err() {
        tracing::warn!(task.name = what, "something did not stop in time and is cut");
    }
}
