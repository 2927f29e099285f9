//! The real parts, with a clock and a store that obey the simulation.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use countersign::{
    config::{Config, Environment},
    domain::{
        decide::Requirements,
        kind::TokenKind,
        reason::Reason,
        revocation::{self, CLOCK_SET_BACK},
        time::{Clock, UnixTime},
    },
    issuer::HttpClient,
    ops::{
        drain::Tasks,
        metrics::{self, RevokeMetrics},
    },
    service::{
        propagate::{self, PropagationMetrics, Propagator},
        revoke::{self, Aim, Demand, Named, NotRevoked, Revoker},
        validate::Question,
    },
    store::{
        Answer, Delivery, Order, Recorded, SessionRecord, Sight, Snapshot, Store, StoreError, StoreSettings,
    },
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::model::{Target, Token};
use crate::{
    support::{
        inprocess::{self, InProcess},
        tokens::Signer,
    },
    table::mint::ManualClock,
};

const ISSUER: &str = "https://issuer.example.test";
const SECRET: &str = "a-made-up-secret-that-protects-nothing";
const START: i64 = 1_800_000_000;
const CONFIG: &str = "
issuers:
  - issuer: https://issuer.example.test
    audiences: [api]
    secret: {env: SHARED}
    algorithms: [HS256]
    leeway: 60s
    max_token_lifetime: 1h
    max_session_lifetime: 24h
revocation: { on_stale: refuse, issuer_clock_ahead: 2s }
";

/// What a validation said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Good,
    Revoked,
    Refused(Reason),
    CannotTell,
}

/// What became of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Stored,
    Unstored,
    /// Nothing was done.
    Refused,
}

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    directory: TempDir,
    signer: Signer,
    fails: Arc<AtomicBool>,
    /// Since the process started: it leaves a store alone for a second that did not answer.
    has_failed: AtomicBool,
    running: Option<Running>,
}

struct Running {
    inner: InProcess,
    revoker: Arc<Revoker>,
    store: Arc<dyn Store>,
    tasks: Tasks,
}

impl World {
    pub(super) async fn start() -> Self {
        let mut world = Self {
            clock: Arc::new(ManualClock::at(START)),
            directory: tempfile::tempdir().unwrap(),
            signer: Signer::shared("HS256", SECRET.as_bytes()),
            fails: Arc::new(AtomicBool::new(false)),
            has_failed: AtomicBool::new(false),
            running: None,
        };
        world.running = Some(world.run().await);
        world
    }

    async fn run(&self) -> Running {
        let environment = Environment::from_iter([("SHARED", SECRET)]);
        let config = Config::parse(CONFIG, &environment, Path::new("")).unwrap().config;
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let tasks = Tasks::default();
        let settings = StoreSettings::embedded(self.directory.path().join("countersign.redb"));
        let fails = Arc::clone(&self.fails);
        let faulty = move |inner| -> Arc<dyn Store> { Arc::new(Faulty { inner, fails }) };
        // A process starts with a store that works, or not at all.
        let was_failing = self.fails.swap(false, Ordering::SeqCst);
        let inner =
            inprocess::validator_over(config.clone(), Arc::clone(&clock), &tasks, &settings, faulty).await;
        self.fails.store(was_failing, Ordering::SeqCst);
        let store = Arc::clone(&inner.kept);
        let mut registry = metrics::registry();
        let around = propagate::Surroundings {
            store: Arc::clone(&store),
            is_shared: false,
            http: HttpClient::new().unwrap(),
            clock: Arc::clone(&clock),
            metrics: PropagationMetrics::register(&mut registry),
            tasks: tasks.clone(),
        };
        let propagator = Arc::new(Propagator::new(around, &[]).unwrap());
        let around = revoke::Surroundings {
            validator: Arc::clone(&inner.validator),
            revocations: Arc::clone(&inner.revocations),
            sessions: Arc::clone(&inner.sessions),
            store: Arc::clone(&store),
            propagator,
            clock,
            tasks: tasks.clone(),
            metrics: RevokeMetrics::register(&mut registry),
        };
        let revoker = Arc::new(Revoker::new(around, config.revocation));
        Running { inner, revoker, store, tasks }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    /// Ends the process, as it should or at once, and starts it again. Whether everything was stored before.
    pub(super) async fn restart(&mut self, cleanly: bool) -> bool {
        let stored = cleanly && !self.is_faulty();
        self.end(cleanly).await;
        self.running = Some(self.run().await);
        self.has_failed.store(self.is_faulty(), Ordering::SeqCst);
        stored
    }

    pub(super) async fn stop(&mut self) {
        self.end(false).await;
    }

    async fn end(&mut self, cleanly: bool) {
        let Running { inner, revoker, store, tasks } = self.running.take().expect("it runs");
        if cleanly {
            revoker.store_or_give_up().await;
        } else {
            // What waits to be written is lost.
            let fails = self.fails.swap(true, Ordering::SeqCst);
            tasks.stop().await;
            self.fails.store(fails, Ordering::SeqCst);
        }
        tasks.stop().await;
        drop((revoker, store, inner));
    }

    pub(super) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
        self.has_failed.fetch_or(fails, Ordering::SeqCst);
    }

    /// Whether a token may be answered with "cannot tell".
    pub(super) fn has_been_faulty(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    pub(super) fn is_faulty(&self) -> bool {
        self.fails.load(Ordering::SeqCst)
    }

    /// As the sweeper does it while its clock is right.
    pub(super) async fn sweep(&self) {
        let now = self.clock.now();
        self.running().inner.revocations.sweep(now);
        // A store that fails removes nothing.
        drop(self.running().store.sweep(now.minus(CLOCK_SET_BACK)).await);
    }

    pub(super) async fn validate(&self, _number: usize, token: &Token) -> Said {
        let text = self.text(token);
        let question = Question {
            token: text.as_bytes(),
            requirements: Requirements::of_kind(TokenKind::Access),
            min_revision: None,
            max_staleness: None,
        };
        match self.running().inner.validator.validate(&question, |_pass| ()).await {
            Err(_fault) => Said::CannotTell,
            Ok(verdict) => match verdict.outcome {
                Ok(()) => Said::Good,
                Err(refusal) if refusal.reason() == Reason::Revoked => Said::Revoked,
                Err(refusal) => Said::Refused(refusal.reason()),
            },
        }
    }

    pub(super) async fn revoke(&self, target: &Target) -> Done {
        let now = self.clock.now().as_secs();
        let (session, subject, client, except, text, id);
        let aim = match target {
            Target::Token(token) => {
                text = self.text(token);
                Aim::Token(&text)
            }
            Target::TokenId(token) => {
                id = token.id.clone().unwrap();
                Aim::Named(Named::TokenId(&id))
            }
            Target::Session(number) => {
                session = session_id(*number);
                Aim::Named(Named::Session(&session))
            }
            Target::Subject { subject: number, .. } => {
                subject = subject_id(*number);
                Aim::Named(Named::Subject(&subject))
            }
            Target::Client { client: number, .. } => {
                client = client_id(*number);
                Aim::Named(Named::Client(&client))
            }
            Target::Issuer => Aim::Named(Named::AllOfIssuer),
        };
        let (not_before, spared) = match target {
            Target::Subject { not_before, except, .. } => (*not_before, *except),
            Target::Client { not_before, .. } => (*not_before, None),
            Target::Token(_) | Target::TokenId(_) | Target::Session(_) | Target::Issuer => (None, None),
        };
        except = spared.map(session_id).unwrap_or_default();
        let demand = Demand {
            aim,
            issuer: "",
            not_before: not_before.map(|ago| UnixTime::from_secs(now - ago)),
            except_session_id: &except,
            reason: "",
            propagate: false,
        };
        match self.running().revoker.revoke(&demand, "the simulation").await {
            Ok(_) => Done::Stored,
            Err(NotRevoked::NotStored) => Done::Unstored,
            Err(NotRevoked::Field(_) | NotRevoked::Fault(_) | NotRevoked::Full) => Done::Refused,
        }
    }

    fn text(&self, token: &Token) -> String {
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", json!(ISSUER));
        put("aud", json!("api"));
        put("sub", json!(subject_id(token.subject)));
        put("client_id", json!(client_id(token.client)));
        put("exp", json!(token.expires_at));
        // Makes those without an id differ.
        put("number", json!(token.number));
        if let Some(id) = &token.id {
            put("jti", json!(id));
        }
        if let Some(session) = token.session {
            put("sid", json!(session_id(session)));
        }
        if let Some(issued_at) = token.issued_at {
            put("iat", json!(issued_at));
        }
        if let Some(login) = token.login {
            put("auth_time", json!(login));
        }
        self.signer.access_token(&Value::Object(claims))
    }
}

fn subject_id(number: u8) -> String {
    format!("subject-{number}")
}

fn session_id(number: u8) -> String {
    format!("session-{number}")
}

fn client_id(number: u8) -> String {
    format!("client-{number}")
}

/// The embedded store, which fails when it is told to.
#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn Store>,
    fails: Arc<AtomicBool>,
}

impl Faulty {
    fn unless_it_fails<'s, T: Send + 's>(&'s self, answer: impl FnOnce() -> Answer<'s, T>) -> Answer<'s, T> {
        if self.fails.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::Random) });
        }
        answer()
    }
}

impl Store for Faulty {
    fn record(&self, order: Order) -> Answer<'_, Recorded> {
        self.unless_it_fails(|| self.inner.record(order))
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        self.unless_it_fails(|| self.inner.snapshot())
    }

    fn sight<'s>(
        &'s self,
        session: Option<revocation::Target>,
        targets: &'s [revocation::Target],
    ) -> Answer<'s, Sight> {
        self.unless_it_fails(|| self.inner.sight(session, targets))
    }

    fn remember_sessions(&self, sessions: Vec<SessionRecord>) -> Answer<'_, ()> {
        self.unless_it_fails(|| self.inner.remember_sessions(sessions))
    }

    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        self.unless_it_fails(|| self.inner.deliveries())
    }

    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()> {
        self.unless_it_fails(|| self.inner.postpone(delivery))
    }

    fn settle(&self, delivery: [u8; 16]) -> Answer<'_, ()> {
        self.unless_it_fails(|| self.inner.settle(delivery))
    }

    fn sweep(&self, now: UnixTime) -> Answer<'_, ()> {
        self.unless_it_fails(|| self.inner.sweep(now))
    }
}
