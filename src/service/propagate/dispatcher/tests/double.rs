//! A store in memory, providers that are functions, and a clock that follows the runtime's.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::ready;
use tokio::sync::watch;

use super::*;
use crate::{
    domain::{revocation::Target, secret::Secret},
    issuer::{HttpClient, Trouble},
    ops::{
        drain::Tasks,
        metrics::{self, Registry},
    },
    service::propagate::{Propagator, Surroundings},
    store::{Answer, Order, Recorded, SessionRecord, Sight, Snapshot, Store, StoreError},
};

pub(super) const ACME: &str = "https://acme.example";
pub(super) const OTHER: &str = "https://other.example";

fn start() -> UnixTime {
    UnixTime::from_secs(1_795_168_800)
}

/// The wall's time after so much of a test.
pub(super) fn wall(at: Duration) -> UnixTime {
    start().plus(at)
}

pub(super) fn delivery(id: u8, issuer: &str) -> Delivery {
    let what = crate::issuer::Revocable::Session { session_id: "s" };
    Delivery {
        id: [id; 16],
        issuer: issuer.to_owned(),
        content: content::write(&what, start()).unwrap_or_else(|| Secret::new(vec![])),
        attempts: 0,
        due_at: start(),
        not_after: start().plus(Duration::from_hours(24)),
    }
}

fn trouble() -> Trouble {
    NotTold::unreadable().trouble().clone()
}

pub(super) fn unavailable() -> NotTold {
    NotTold::Unavailable { trouble: trouble(), retry_after: None }
}

pub(super) fn busy(wait: Duration) -> NotTold {
    NotTold::Unavailable { trouble: trouble(), retry_after: Some(wait) }
}

pub(super) fn misconfigured() -> NotTold {
    NotTold::Misconfigured(trouble())
}

pub(super) fn refused() -> NotTold {
    NotTold::Refused(trouble())
}

pub(super) fn unsupported() -> NotTold {
    NotTold::Unsupported(trouble())
}

/// Keeps deliveries, and notes what it is asked.
#[derive(Debug, Default)]
pub(super) struct Memory {
    deliveries: Mutex<BTreeMap<Id, Delivery>>,
    postponed: Mutex<Vec<Delivery>>,
    /// What was settled, in this order.
    settled: watch::Sender<Vec<Id>>,
    fails: AtomicBool,
    slow: AtomicBool,
}

impl Memory {
    pub(super) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// From now on it takes a second until what was read arrives.
    pub(super) fn be_slow(&self) {
        self.slow.store(true, Ordering::SeqCst);
    }

    pub(super) fn keep(&self, delivery: Delivery) {
        self.deliveries.lock().unwrap().insert(delivery.id, delivery);
    }

    pub(super) fn has(&self, id: u8) -> bool {
        self.deliveries.lock().unwrap().contains_key(&[id; 16])
    }

    pub(super) fn postponed(&self) -> Vec<Delivery> {
        self.postponed.lock().unwrap().clone()
    }

    fn answer<T: Send + 'static>(&self, answer: impl FnOnce() -> T) -> Answer<'_, T> {
        let fails = self.fails.load(Ordering::SeqCst);
        ready(if fails { Err(StoreError::Forged) } else { Ok(answer()) }).boxed()
    }
}

impl Store for Memory {
    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        let read = self.answer(|| self.deliveries.lock().unwrap().values().cloned().collect());
        let by = if self.slow.load(Ordering::SeqCst) { Duration::from_secs(1) } else { Duration::ZERO };
        sleep_until(Instant::now() + by).then(|()| read).boxed()
    }

    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()> {
        self.answer(|| {
            if let Some(kept) = self.deliveries.lock().unwrap().get_mut(&delivery.id) {
                *kept = delivery.clone();
            }
            self.postponed.lock().unwrap().push(delivery);
        })
    }

    fn settle(&self, delivery: Id) -> Answer<'_, ()> {
        self.answer(|| {
            self.deliveries.lock().unwrap().remove(&delivery);
            self.settled.send_modify(|settled| settled.push(delivery));
        })
    }

    fn record(&self, _: Order) -> Answer<'_, Recorded> {
        unreachable!("the revocation is recorded already")
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        unreachable!("deliveries are no revocations")
    }

    fn sight<'s>(&'s self, _: Option<Target>, _: &'s [Target]) -> Answer<'s, Sight> {
        unreachable!("deliveries are no revocations")
    }

    fn remember_sessions(&self, _: Vec<SessionRecord>) -> Answer<'_, ()> {
        unreachable!("deliveries are no sessions")
    }

    fn sweep(&self, _: UnixTime) -> Answer<'_, ()> {
        unreachable!("deliveries end otherwise")
    }
}

/// Follows the runtime's virtual time.
#[derive(Debug)]
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> UnixTime {
        start().plus(self.0.elapsed())
    }
}

/// What a provider answers, and when; by the delivery and how often it has been told with this attempt.
type Provider = dyn Fn(&Delivery, u32) -> (Duration, Result<(), NotTold>) + Send + Sync;

/// A propagator at work whose providers are functions.
pub(super) struct Bench {
    propagator: Propagator,
    pub(super) store: Arc<Memory>,
    pub(super) metrics: PropagationMetrics,
    registry: Registry,
    tasks: Tasks,
    began: Instant,
    tellings: watch::Receiver<Vec<(u8, Duration)>>,
}

impl Bench {
    pub(super) async fn start(
        stored: Vec<Delivery>,
        provider: impl Fn(&Delivery, u32) -> Result<(), NotTold> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with_store(stored, false, provider).await
    }

    pub(super) async fn start_with_store(
        stored: Vec<Delivery>,
        store_fails: bool,
        provider: impl Fn(&Delivery, u32) -> Result<(), NotTold> + Send + Sync + 'static,
    ) -> Self {
        let at_once = move |delivery: &Delivery, times| (Duration::ZERO, provider(delivery, times));
        Self::start_with(stored, store_fails, Arc::new(at_once)).await
    }

    /// Providers that take this long.
    pub(super) async fn start_slow(by: Duration) -> Self {
        Self::start_with(vec![], false, Arc::new(move |_, _| (by, Ok(())))).await
    }

    /// One that takes for ever.
    pub(super) async fn start_hanging(stored: Vec<Delivery>, issuer: &'static str) -> Self {
        let hangs = move |delivery: &Delivery, _| {
            let by = if delivery.issuer == issuer { Duration::from_hours(48) } else { Duration::ZERO };
            (by, Ok(()))
        };
        Self::start_with(stored, false, Arc::new(hangs)).await
    }

    async fn start_with(stored: Vec<Delivery>, store_fails: bool, provider: Arc<Provider>) -> Self {
        let began = Instant::now();
        let store = Arc::new(Memory::default());
        for delivery in stored {
            store.keep(delivery);
        }
        store.fail(store_fails);
        Self::at_work(store, began, None, provider).await
    }

    /// One of several replicas on this store, by its number.
    pub(super) async fn replica(
        store: &Arc<Memory>,
        number: u8,
        provider: impl Fn(&Delivery, u32) -> Result<(), NotTold> + Send + Sync + 'static,
    ) -> Self {
        let at_once = move |delivery: &Delivery, times| (Duration::ZERO, provider(delivery, times));
        Self::at_work(Arc::clone(store), Instant::now(), Some(number), Arc::new(at_once)).await
    }

    async fn at_work(
        store: Arc<Memory>,
        began: Instant,
        replica: Option<u8>,
        provider: Arc<Provider>,
    ) -> Self {
        let mut registry = metrics::registry();
        let metrics = PropagationMetrics::register(&mut registry);
        let tasks = Tasks::default();
        let (told, tellings) = watch::channel(Vec::new());
        let propagator =
            propagator(&store, &metrics, &tasks, (began, replica), telling(provider, told, began));
        propagator.start();
        // What the store has is read before anything new comes.
        tokio::task::yield_now().await;
        Self { propagator, store, metrics, registry, tasks, began, tellings }
    }

    pub(super) async fn deliver_now(&self, delivery: Delivery) -> Upstream {
        self.propagated(delivery, Duration::from_mins(1)).await
    }

    pub(super) async fn propagated(&self, delivery: Delivery, within: Duration) -> Upstream {
        self.propagator.deliver_now(delivery, within).await
    }

    pub(super) fn deliver_later(&self, delivery: Delivery) {
        self.propagator.deliver_later(delivery);
    }

    /// Waits until the store was asked to forget this.
    pub(super) async fn settled(&self, id: u8) {
        let mut settled = self.store.settled.subscribe();
        settled.wait_for(|settled| settled.contains(&[id; 16])).await.unwrap();
    }

    /// Waits until so many attempts were begun.
    pub(super) async fn told(&self, count: usize) {
        self.tellings.clone().wait_for(|tellings| tellings.len() >= count).await.unwrap();
    }

    pub(super) async fn stop(&self) {
        self.tasks.stop().await;
    }

    /// Which was told when.
    pub(super) fn tellings(&self) -> Vec<(u8, Duration)> {
        self.tellings.borrow().clone()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn exposition(&self) -> String {
        self.propagator.update_metrics();
        metrics::exposition(&self.registry)
    }
}

fn propagator(
    store: &Arc<Memory>,
    metrics: &PropagationMetrics,
    tasks: &Tasks,
    (began, replica): (Instant, Option<u8>),
    tell: Tell,
) -> Propagator {
    let around = Surroundings {
        store: Arc::<Memory>::clone(store),
        is_shared: replica.is_some(),
        http: HttpClient::new().unwrap(),
        clock: Arc::new(VirtualClock(began)),
        metrics: metrics.clone(),
        tasks: tasks.clone(),
    };
    Propagator::telling(around, &[], Draws::from_seed([replica.unwrap_or(7); 32]), |_, _| tell)
}

fn telling(provider: Arc<Provider>, told: watch::Sender<Vec<(u8, Duration)>>, began: Instant) -> Tell {
    let times = Mutex::new(HashMap::<Id, u32>::new());
    Arc::new(move |delivery| {
        told.send_modify(|told| told.push((delivery.id[0], began.elapsed())));
        let times = {
            let mut all = times.lock().unwrap();
            let times = all.entry(delivery.id).or_default();
            *times += 1;
            *times
        };
        let provider = Arc::clone(&provider);
        async move {
            let (by, answer) = provider(&delivery, times);
            // Virtual time.
            sleep_until(Instant::now() + by).await;
            answer
        }
        .boxed()
    })
}
