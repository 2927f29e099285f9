//! The whole room on virtual time, with a provider that does what each test says.

mod changes;
mod ends;
mod handover;
mod log;
mod lookups;
mod stored;

use std::sync::atomic::{AtomicI64, Ordering};

use prometheus_client::registry::Registry;
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, advance, timeout},
};

use super::*;
use crate::{
    domain::{
        algorithm::AllowedAlgorithms,
        secret::Secret,
        time::{Clock, UnixTime},
    },
    issuer::{
        KeyMetrics, Surroundings,
        fetch::{FetchError, KeyFetch},
        freshness::Trigger,
        http::{Answer, HttpClient, HttpError, Validators},
        settings::KeySource,
        start::Begin,
        testing::{document, ec_jwk, settings},
    },
    ops::drain::Tasks,
    store::KeySetStore,
};

const SECOND: Duration = Duration::from_secs(1);
const MIN_REFETCH: Duration = Duration::from_secs(30);
const REFRESH_AFTER: Duration = Duration::from_mins(5);
const MAX_AGE: Duration = Duration::from_hours(1);
const URI: &str = "https://idp.example/keys";

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// A provider whose every answer the test gives.
struct Scripted(mpsc::UnboundedSender<Call>);

struct Call {
    reply: oneshot::Sender<Result<Answer, FetchError>>,
}

impl KeyFetch for Scripted {
    async fn fetch(&mut self, _trigger: Trigger, _known: Option<&Validators>) -> Result<Answer, FetchError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Call { reply }).unwrap();
        answer.await.expect("a dropped call is a fetch that panics")
    }
}

impl Call {
    fn keys(self, keys: &[&Value]) {
        self.answer(Ok(Answer::Document { bytes: document(keys), validators: None, lifetime: None }));
    }

    fn not_modified(self) {
        self.answer(Ok(Answer::NotModified { lifetime: None }));
    }

    fn fail(self) {
        self.answer(Err(HttpError::Timeout.into()));
    }

    fn answer(self, answer: Result<Answer, FetchError>) {
        self.reply.send(answer).unwrap();
    }
}

struct Room {
    issuer: Arc<Issuer>,
    calls: mpsc::UnboundedReceiver<Call>,
    tasks: Tasks,
    around: Surroundings,
    registry: Registry,
}

impl Room {
    fn open() -> Self {
        Self::with_store(None, 0)
    }

    fn with_store(store: Option<Arc<KeySetStore>>, wall_seconds: i64) -> Self {
        Self::begin(None, store, wall_seconds)
    }

    fn begin(handed_over: Option<HandedOver>, store: Option<Arc<KeySetStore>>, wall_seconds: i64) -> Self {
        let mut registry = crate::ops::metrics::registry();
        let (calls_in, calls) = mpsc::unbounded_channel();
        let around = Surroundings {
            http: HttpClient::new().unwrap(),
            store,
            clock: Arc::new(TestClock(AtomicI64::new(wall_seconds))),
            metrics: KeyMetrics::register(&mut registry),
            tasks: Tasks::default(),
        };
        let settings = settings(KeySource::Discovery, AllowedAlgorithms::asymmetric());
        let begin = Begin { handed_over, around: &around };
        let issuer = Arc::new(Issuer::kept(settings, Scripted(calls_in), Some(URI.to_owned()), begin));
        Self { issuer, calls, tasks: around.tasks.clone(), around, registry }
    }

    /// A room whose first fetch brought these keys.
    async fn with(keys: &[&Value]) -> Self {
        let mut room = Self::open();
        room.call().await.keys(keys);
        room.first_attempt().await;
        room
    }

    async fn first_attempt(&self) {
        timeout(MAX_AGE, self.issuer.wait_first_attempt()).await.expect("nobody announces the first attempt");
    }

    /// The next call to the provider; virtual time passes until it comes.
    async fn call(&mut self) -> Call {
        timeout(MAX_AGE, self.calls.recv()).await.expect("the provider is not called").unwrap()
    }

    fn no_call_yet(&mut self) {
        assert!(self.calls.try_recv().is_err(), "the provider was called");
    }

    fn start_lookup(&self, key_id: &str) -> JoinHandle<Lookup> {
        let (issuer, key_id) = (Arc::clone(&self.issuer), key_id.to_owned());
        self.tasks.spawn(async move { issuer.lookup(Some(&key_id), Algorithm::ES256).await })
    }

    /// A lookup that must not wait for anything.
    async fn lookup_now(&self, key_id: &str) -> Lookup {
        let lookup = self.issuer.lookup(Some(key_id), Algorithm::ES256);
        timeout(Duration::ZERO, lookup).await.expect("the lookup waits")
    }

    fn counted(&self, sample: &str) -> bool {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        assert!(text.contains(sample.split(' ').next().unwrap()), "{text}");
        text.lines().any(|line| line == sample)
    }

    fn generation(&self) -> u64 {
        self.issuer.current().unwrap().generation
    }
}

/// What a lookup comes to; it must, whatever the provider does.
async fn end(lookup: JoinHandle<Lookup>) -> Lookup {
    timeout(MAX_AGE, lookup).await.expect("the lookup waits").unwrap()
}

/// Lets every other task run until it waits.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn is_found(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Found(_))
}

fn is_unknown(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Unknown)
}

fn is_unavailable(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Unavailable)
}
