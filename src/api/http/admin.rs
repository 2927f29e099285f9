//! The admin port: `/livez`, `/readyz`, `/metrics`.
//!
//! It may listen anywhere, so a stranger (a peer that is not on this machine) gets a status code and nothing else, unless
//! `admin.metrics` says that metrics are for the network.

use std::{fmt, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, State, connect_info::Connected},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
    serve::IncomingStream,
};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{
        connection::Connection,
        listener::{Listener, Peer},
    },
    ops::{
        metrics::{Registry, exposition},
        readiness::{Readiness, ReadyState},
    },
};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long a connection may last: enough for any answer here, and nobody can keep many open. Scrapers that keep one for
/// the next scrape open another.
const CONNECTION_LIFE: Duration = Duration::from_secs(30);

/// Who may read `/metrics` (`admin.metrics`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsReaders {
    /// Peers on this machine.
    Local,
    /// Whoever reaches the port. They tell how much of what is done, and nothing of whose.
    Network,
}

/// What the admin port tells about.
#[derive(Clone, Debug)]
pub struct Admin {
    readiness: Readiness,
    readers: MetricsReaders,
    registry: Arc<Registry>,
    before_scrape: Arc<[ScrapeHook]>,
}

/// Brings metrics up to date that change with time alone.
pub struct ScrapeHook(Box<dyn Fn() + Send + Sync>);

impl ScrapeHook {
    /// Called before each exposition.
    pub fn new(hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Box::new(hook))
    }
}

impl fmt::Debug for ScrapeHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScrapeHook")
    }
}

impl Admin {
    /// The registry is complete: nothing can be registered any more.
    pub fn new(
        readiness: Readiness,
        readers: MetricsReaders,
        registry: Registry,
        before_scrape: Vec<ScrapeHook>,
    ) -> Self {
        Self { readiness, readers, registry: Arc::new(registry), before_scrape: before_scrape.into() }
    }

    /// Serves until `stopping` is cancelled and the requests then in flight are answered.
    pub async fn serve(self, listener: Listener, stopping: CancellationToken) {
        let app = self.router().into_make_service_with_connect_info::<Peer>();
        let served = axum::serve(listener, app).with_graceful_shutdown(stopping.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(error.message = %error, "the admin port failed");
        }
    }

    fn router(self) -> Router {
        Router::new()
            .route("/livez", get(async || "alive\n"))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self)
    }
}

async fn readyz(State(admin): State<Admin>, ConnectInfo(peer): ConnectInfo<Peer>) -> Response {
    let (code, bare, detail) = match admin.readiness.state() {
        ReadyState::Ready(degraded) => {
            let lines: Vec<_> = degraded.iter().map(|what| format!("degraded: {what}\n")).collect();
            (StatusCode::OK, "ready\n", lines.concat())
        }
        ReadyState::Starting(pending) => {
            let lines = format!("waiting for: {}\n", pending.join(", "));
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n", lines)
        }
        ReadyState::Draining => {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n", "shutting down\n".to_owned())
        }
    };
    let detail = if peer.is_local() { detail } else { String::new() };
    (code, format!("{bare}{detail}")).into_response()
}

async fn metrics(State(admin): State<Admin>, ConnectInfo(peer): ConnectInfo<Peer>) -> Response {
    if admin.readers == MetricsReaders::Local && !peer.is_local() {
        return (StatusCode::FORBIDDEN, "metrics are told to peers on this machine only (`admin.metrics`)\n")
            .into_response();
    }
    for hook in &*admin.before_scrape {
        (hook.0)();
    }
    ([(CONTENT_TYPE, OPENMETRICS)], exposition(&admin.registry)).into_response()
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = Peer;

    async fn accept(&mut self) -> (Connection, Peer) {
        let (connection, peer) = Self::accept(self).await;
        (connection.for_at_most(CONNECTION_LIFE), peer)
    }

    /// axum wants this for logs of its own, which are not on.
    fn local_addr(&self) -> io::Result<Peer> {
        Ok(match self.address() {
            crate::api::ListenAddress::Tcp(address) => Peer::Tcp(*address),
            crate::api::ListenAddress::Unix(_) => Peer::Unix,
        })
    }
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        *stream.remote_addr()
    }
}

#[cfg(test)]
mod tests;
