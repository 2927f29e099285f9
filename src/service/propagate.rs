//! Telling an identity provider about a revocation (`propagate`).
//!
//! What has to be told is planned before the revocation is recorded, recorded with it, tried at once, and then again until
//! the provider has answered or nobody would care any more.

mod content;
mod dispatcher;
mod issuers;
mod lane;
mod metrics;
mod notes;
mod orphans;
mod pause;
mod report;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    domain::{
        secret::Secret,
        time::{Clock, UnixTime},
        token::RawToken,
    },
    issuer::{HttpClient, IssuerSettings, Never, NotTold, Revocable, TokenType},
    ops::{drain::Tasks, trace::Cause},
    state::digest::NoRandomness,
    store::{Delivery, Store},
};

use super::draws::Draws;

use self::{
    dispatcher::{Dispatcher, Errand, State, Tell},
    issuers::Issuers,
    notes::Notes,
    report::Report,
};

pub use self::metrics::PropagationMetrics;

/// The longest that a caller waits for the first attempt.
const FIRST_ATTEMPT: Duration = Duration::from_secs(3);
/// Sessions are worth ending for so long.
const SESSIONS_FOR: Duration = Duration::from_hours(24);

/// A delivery's.
type Id = [u8; 16];

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
    /// A refresh token that nobody may use any more.
    RefreshToken {
        /// Whose.
        issuer: &'a str,
        /// Itself.
        token: &'a Secret,
        /// The client that it was issued to.
        client_id: &'a str,
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
    /// Whether other replicas have the store, too, and deliver what is theirs.
    pub is_shared: bool,
    pub http: HttpClient,
    pub clock: Arc<dyn Clock>,
    pub metrics: PropagationMetrics,
    pub tasks: Tasks,
}

/// Tells the identity providers.
pub struct Propagator {
    issuers: Arc<Issuers>,
    clock: Arc<dyn Clock>,
    metrics: PropagationMetrics,
    tasks: Tasks,
    draws: Arc<Draws>,
    errands: mpsc::UnboundedSender<Errand>,
    /// Until it is started.
    dispatcher: Mutex<Option<Dispatcher>>,
}

impl fmt::Debug for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Propagator").finish_non_exhaustive()
    }
}

impl Propagator {
    /// One that knows these issuers until it is told of others.
    pub fn new(around: Surroundings, issuers: &[IssuerSettings]) -> Result<Self, NoRandomness> {
        Ok(Self::telling(around, issuers, Draws::fresh()?, tell))
    }

    /// The same with another way to tell, and other chance.
    fn telling(
        around: Surroundings,
        issuers: &[IssuerSettings],
        draws: Draws,
        tell: impl FnOnce(Arc<Issuers>, Arc<dyn Clock>) -> Tell,
    ) -> Self {
        let Surroundings { store, is_shared, http, clock, metrics, tasks } = around;
        let draws = Arc::new(draws);
        let issuers = Arc::new(Issuers::new(http, issuers));
        let (errands, inbox) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher {
            tell: tell(Arc::clone(&issuers), Arc::clone(&clock)),
            inbox,
            notes: Notes::new(store, Arc::clone(&draws)),
            is_shared,
            clock: Arc::clone(&clock),
            draws: Arc::clone(&draws),
            metrics: metrics.clone(),
            report: Report::new(Arc::clone(&issuers)),
            state: State::default(),
        };
        let dispatcher = Mutex::new(Some(dispatcher));
        Self { issuers, clock, metrics, tasks, draws, errands, dispatcher }
    }

    /// From now on knows these. What is still to be delivered to others waits for them until it is given up.
    pub fn replace_issuers(&self, issuers: &[IssuerSettings]) {
        self.issuers.replace(issuers);
    }

    /// Begins to deliver, first of all what the store still has, in the background, until the process drains. What is not
    /// delivered by then stays in the store. Of a shared store, only what no other replica delivers, and that again and again. A
    /// second call does nothing.
    pub fn start(&self) {
        let dispatcher = self.dispatcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(dispatcher) = dispatcher {
            self.tasks.spawn(dispatcher.run(self.tasks.stopping().clone()));
        }
    }

    /// What telling the provider comes to. Waits for nothing: whether the provider can be told may turn out later.
    pub fn plan(&self, ask: &Ask<'_>, now: UnixTime) -> Plan {
        match *ask {
            Ask::Token { issuer, token, client_id, expires_at } => {
                let token = content::kept(token);
                let what = Revocable::Token { token: &token, token_type: TokenType::Access, client_id };
                self.plan_for(issuer, &what, now, expires_at)
            }
            Ask::RefreshToken { issuer, token, client_id } => {
                let client_id = Some(client_id);
                let what = Revocable::Token { token, token_type: TokenType::Refresh, client_id };
                self.plan_for(issuer, &what, now, now.plus(SESSIONS_FOR))
            }
            Ask::Session { issuer, session_id } => {
                self.plan_for(issuer, &Revocable::Session { session_id }, now, now.plus(SESSIONS_FOR))
            }
            Ask::Subject { issuer, subject, except, up_to } => {
                let what = Revocable::SessionsOf { subject, except, up_to };
                self.plan_for(issuer, &what, now, now.plus(SESSIONS_FOR))
            }
            // RFC 7009 needs the token itself, and nothing knows of clients and issuers.
            Ask::TokenId | Ask::Client | Ask::Issuer => Plan::Nothing(Upstream::NothingToSend),
        }
    }

    fn plan_for(&self, issuer: &str, what: &Revocable<'_>, now: UnixTime, worth_until: UnixTime) -> Plan {
        let Some(revoker) = self.issuers.find(issuer) else { return Plan::Nothing(Upstream::Unsupported) };
        match revoker.consider(what) {
            Ok(()) => {}
            Err(Never::Unsupported) => return Plan::Nothing(Upstream::Unsupported),
            Err(Never::NothingToSend) => return Plan::Nothing(Upstream::NothingToSend),
        }
        let not_after = worth_until.plus(revoker.settings().policy.leeway);
        match content::write(what, now) {
            Some(_) if not_after <= now => Plan::Nothing(Upstream::NothingToSend),
            None => Plan::Nothing(Upstream::NothingToSend),
            Some(content) => Plan::Deliver(Delivery {
                id: self.draws.id(),
                issuer: issuer.to_owned(),
                content,
                attempts: 0,
                due_at: now,
                not_after,
            }),
        }
    }

    /// Delivers what has been recorded, and waits for the first attempt, but no longer than `within` and at most 3 s. Giving
    /// up waiting cancels nothing.
    pub async fn deliver_now(&self, delivery: Delivery, within: Duration) -> Upstream {
        let (waiter, told) = oneshot::channel();
        self.hand_over(delivery, Some(waiter));
        match timeout(within.min(FIRST_ATTEMPT), told).await {
            Ok(Ok(upstream)) => upstream,
            // Too slow, or the process drains: then it stays in the store.
            Ok(Err(_)) | Err(_) => Upstream::Queued,
        }
    }

    /// Delivers what has been recorded, without waiting for it.
    pub fn deliver_later(&self, delivery: Delivery) {
        self.hand_over(delivery, None);
    }

    fn hand_over(&self, delivery: Delivery, waiter: Option<oneshot::Sender<Upstream>>) {
        // Where nobody takes it any more, the process drains, and it stays in the store.
        drop(self.errands.send(Errand { delivery, waiter, cause: Cause::current() }));
    }

    /// Brings the gauges up to date that change with time alone. Called on each scrape.
    pub fn update_metrics(&self) {
        self.metrics.update(self.clock.now());
    }
}

/// Tells an issuer what was recorded.
fn tell(issuers: Arc<Issuers>, clock: Arc<dyn Clock>) -> Tell {
    Arc::new(move |delivery: Delivery| {
        let revoker = issuers.find(&delivery.issuer);
        let now = clock.now();
        async move {
            let revoker = revoker.ok_or_else(NotTold::unknown_issuer)?;
            let content = content::read(&delivery.content).ok_or_else(NotTold::unreadable)?;
            revoker.tell(&content.revocable(), now).await
        }
        .boxed()
    })
}
