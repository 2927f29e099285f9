//! The gRPC server: which services, behind which limits, on which connections.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{
        Server,
        server::{Connected, Router},
    },
};
use tower::layer::util::{Identity, Stack};

use super::{
    direct::DirectLayer, ext_authz::ExtAuthz, health::Health, limits::LimitsLayer, trace::TraceLayer,
};
use crate::{
    api::{
        ServerSettings,
        connection::Connection,
        listener::{Listener, Peer},
    },
    proto::{
        DESCRIPTORS,
        server::{
            session_service_server::{SessionService, SessionServiceServer},
            token_service_server::{TokenService, TokenServiceServer},
        },
    },
    service::check::Checker,
};

/// Longer messages, in or out, are OUT_OF_RANGE. A batch of a thousand tokens fits.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Streams that one connection may always have open, however few calls the process may work on: health checks and
/// watchers need room besides them. More wait at the client, unseen.
const MIN_STREAMS: usize = 256;

/// What part of `limits.max_concurrent` one connection may have, so that no peer alone can take every place.
const SHARE: usize = 4;

/// How long a peer has to answer a keepalive ping.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Where there are no sessions, every method answers UNIMPLEMENTED.
#[derive(Clone, Copy, Debug)]
pub struct NoSessions;

impl SessionService for NoSessions {}

/// The descriptors do not fit together.
#[derive(Debug, thiserror::Error)]
#[error("the reflection service cannot be built")]
pub struct ReflectionError(#[from] tonic_reflection::server::Error);

/// Every service of this process, with a `T` for `TokenService`.
#[derive(Debug)]
pub struct Services<T> {
    token: DirectLayer<T>,
    others: Routes,
}

impl<T: TokenService> Services<T> {
    /// `token` and `sessions` beside health checks, Envoy's questions if somebody answers them, and reflection if it is wanted.
    pub fn new(
        token: T,
        sessions: impl SessionService,
        checker: Option<Arc<Checker>>,
        health: &Health,
        reflection: bool,
    ) -> Result<Self, ReflectionError> {
        let token = TokenServiceServer::new(token)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let edge = checker.map(|checker| ExtAuthz::new(checker, MAX_MESSAGE_BYTES));
        Ok(Self { token: DirectLayer::new(token, edge), others: others(sessions, health, reflection)? })
    }
}

impl<T> Clone for Services<T> {
    fn clone(&self) -> Self {
        Self { token: self.token.clone(), others: self.others.clone() }
    }
}

fn others(
    sessions: impl SessionService,
    health: &Health,
    reflection: bool,
) -> Result<Routes, ReflectionError> {
    let sessions = SessionServiceServer::new(sessions)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let routes = Routes::new(sessions).add_service(health.service());
    if !reflection {
        return Ok(routes);
    }
    let describe = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(routes.add_service(describe().build_v1()?).add_service(describe().build_v1alpha()?))
}

/// Serves one listener until `draining` is cancelled and the last call on it has ended.
pub async fn serve<T: TokenService>(
    listener: Listener,
    services: Services<T>,
    settings: ServerSettings,
    limits: LimitsLayer,
    draining: CancellationToken,
) {
    let address = listener.address().clone();
    let served = router(services, settings, limits)
        .serve_with_incoming_shutdown(listener.beginning_soon(draining.clone()), draining.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(server.address = %address, error.message = %error, "a listener failed");
    }
}

/// What each call passes, the innermost first.
type Layers<T> = Stack<DirectLayer<T>, Stack<LimitsLayer, Stack<TraceLayer, Identity>>>;

fn router<T: TokenService>(
    services: Services<T>,
    settings: ServerSettings,
    limits: LimitsLayer,
) -> Router<Layers<T>> {
    let max_streams = MIN_STREAMS.max(limits.max_concurrent() / SHARE);
    let max_streams = u32::try_from(max_streams).unwrap_or(u32::MAX);
    let mut server = Server::builder()
        .max_concurrent_streams(max_streams)
        .http2_keepalive_interval(settings.keepalive)
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(settings.max_header_bytes);
    if let Some(age) = settings.max_connection_age {
        // Never with max_connection_age_grace: tonic 0.14.9 then cuts calls instead of sending GOAWAY.
        server = server.max_connection_age(age);
    }
    server.layer(TraceLayer).layer(limits).layer(services.token).add_routes(services.others)
}

/// [`Peer`] is among the extensions of every request.
impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer()
    }
}
