//! The development issuer behind `countersign dev`: a small identity provider, so that everything can be tried on one
//! machine without an account anywhere.
//!
//! It answers on loopback only, forgets everything when it stops, and lets anybody on this machine log in as anybody.
//! `serve` never reaches this room.

pub mod banner;
mod client;
pub mod config;
mod error;
mod form;
mod grants;
mod guard;
mod http;
mod keys;
mod random;
mod tokens;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::TcpListener;

use crate::{
    domain::time::{Clock, UnixTime},
    ops::drain::Tasks,
};

use client::Client;
use grants::Grants;
use keys::{Generation, PublishedKeys};
use tokens::{Login, Minted};

pub use keys::SigningAlgorithm;

/// The audience of every access token that it issues.
pub const AUDIENCE: &str = "countersign-dev";

/// How to start a development issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevOptions {
    /// Where to listen; must be a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for DevOptions {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) }
    }
}

/// Why there is no development issuer, or no token from it.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// Anybody who reaches it can log in as anybody.
    #[error("the development issuer listens on loopback addresses only, and {0} is none")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("the development issuer cannot listen on {address}; is the port taken?")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Making keys, signing or drawing random bytes failed.
    #[error("the cryptography library failed")]
    Crypto,
}

/// What a login hands out.
#[expect(missing_debug_implementations, reason = "it holds tokens")]
#[expect(clippy::struct_field_names, reason = "named as in RFC 6749 section 5.1")]
pub struct DevTokens {
    /// A JWT of RFC 9068, for [`AUDIENCE`].
    pub access_token: String,
    /// Opaque; good for one use.
    pub refresh_token: String,
    /// A JWT of OpenID Connect Core section 2.
    pub id_token: String,
}

/// A running development issuer. It stops with the [`Tasks`] it was started on.
pub struct DevIssuer {
    shared: Arc<Shared>,
}

/// What all requests share. Nothing awaits while it holds the lock.
struct Shared {
    /// The address that is listened on, as in `Host`.
    authority: SocketAddr,
    issuer: String,
    client: Client,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    keys: PublishedKeys,
    grants: Grants,
}

impl DevIssuer {
    /// Listens and answers until `tasks` stop.
    pub async fn start(options: DevOptions, clock: Arc<dyn Clock>, tasks: &Tasks) -> Result<Self, DevError> {
        if !options.listen.ip().is_loopback() {
            return Err(DevError::NotLoopback(options.listen));
        }
        let bind = |source| DevError::Bind { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(bind)?;
        let authority = listener.local_addr().map_err(bind)?;
        let shared = Arc::new(Shared::new(authority, clock, Generation::generate_off_thread().await?)?);
        let stopping = tasks.stopping().clone();
        let server = axum::serve(listener, http::router(Arc::clone(&shared)));
        tasks.spawn(async move {
            let outcome = server.with_graceful_shutdown(stopping.cancelled_owned()).await;
            if let Err(error) = outcome {
                tracing::error!(error.message = %error, "the development issuer stopped");
            }
        });
        Ok(Self { shared })
    }

    /// The issuer, as in `iss`: `http://127.0.0.1:PORT`.
    pub fn issuer_url(&self) -> &str {
        &self.shared.issuer
    }

    /// The only client.
    #[expect(clippy::unused_self, reason = "it belongs to this issuer as much as the secret does")]
    pub fn client_id(&self) -> &'static str {
        client::ID
    }

    /// Its secret, new at every start.
    pub fn client_secret(&self) -> &str {
        self.shared.client.expose_secret()
    }

    /// Logs the default user in, as `POST /dev/login` does.
    pub fn login(&self) -> Result<DevTokens, DevError> {
        let shared = &self.shared;
        let (tokens, refresh_token) =
            shared.state().log_in(&shared.issuer, Login::default(), shared.now())?;
        Ok(DevTokens {
            access_token: tokens.access_token,
            refresh_token,
            id_token: tokens.id_token.unwrap_or_default(),
        })
    }
}

impl fmt::Debug for DevIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevIssuer").field("issuer", &self.shared.issuer).finish_non_exhaustive()
    }
}

impl Shared {
    fn new(authority: SocketAddr, clock: Arc<dyn Clock>, keys: Generation) -> Result<Self, DevError> {
        Ok(Self {
            authority,
            issuer: format!("http://{authority}"),
            client: Client::generate()?,
            clock,
            state: Mutex::new(State { keys: PublishedKeys::new(keys), grants: Grants::default() }),
        })
    }

    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// A panic elsewhere leaves nothing half done that would matter here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins a session: its first tokens, and the refresh token that begins its family.
    fn log_in(&mut self, issuer: &str, login: Login, now: UnixTime) -> Result<(Minted, String), DevError> {
        let session = login.begin(now)?;
        let tokens = tokens::for_session(&self.keys, issuer, &session, &session.scopes, now)?;
        let refresh_token = self.grants.begin(session)?;
        Ok((tokens, refresh_token))
    }
}

#[cfg(test)]
mod tests;
