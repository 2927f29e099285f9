//! Replicas that follow one store, in virtual time: for tests with `start_paused = true` only.

use std::{sync::atomic::AtomicU64, time::Duration};

use tokio::{task::JoinHandle, time::Instant};

use super::super::*;
use crate::{
    domain::{
        revocation::{Reach, Revocation, Target, check::Known as _},
        time::UnixTime,
    },
    ops::{
        drain::Tasks,
        metrics::{Registry, exposition, registry},
    },
    store::{
        Order, Revision,
        testing::shared::{Server, Shared},
    },
};

pub(super) const START: i64 = 1_800_000_000;

/// A wall clock that goes with virtual time.
#[derive(Debug)]
pub(super) struct Wall {
    start: Instant,
    /// How many seconds it is ahead.
    ahead: AtomicU64,
}

impl Clock for Wall {
    fn now(&self) -> UnixTime {
        let ahead = Duration::from_secs(self.ahead.load(Ordering::Relaxed));
        UnixTime::from_secs(START).plus(self.start.elapsed()).plus(ahead)
    }
}

pub(super) struct Replica {
    pub(super) link: Arc<Shared>,
    pub(super) set: Arc<Revocations>,
    pub(super) contact: Arc<Contact>,
    pub(super) readiness: Readiness,
    pub(super) follower: Arc<Follower>,
    clock: Arc<Wall>,
    registry: Registry,
    running: JoinHandle<()>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Replica {
    pub(super) fn start(server: &Arc<Server>, seed: u64) -> Self {
        let link = server.replica();
        let clock = Arc::new(Wall { start: Instant::now(), ahead: AtomicU64::new(0) });
        let (set, readiness) = (Arc::new(Revocations::followed(1000)), Readiness::default());
        set.lengthen(Duration::from_hours(24));
        let contact = Arc::new(Contact::new(Duration::from_mins(1)));
        let mut registry = registry();
        let around = Surroundings {
            feed: Arc::<Shared>::clone(&link),
            store: Arc::<Shared>::clone(&link),
            revocations: Arc::clone(&set),
            contact: Arc::clone(&contact),
            clock: Arc::<Wall>::clone(&clock),
            metrics: FeedMetrics::register(&mut registry),
            loading: RevocationMetrics::register(&mut registry),
            readiness: readiness.clone(),
        };
        let first = readiness.register("revocations read from the store");
        let mut follower = Follower::new(around, first);
        follower.chance = Chance::from_seed(seed);
        let follower = Arc::new(follower);
        let runs = Arc::clone(&follower);
        let running = Tasks::default().spawn(async move { runs.run().await });
        Self { link, set, contact, readiness, follower, clock, registry, running }
    }

    /// From now on its clock is so far ahead.
    pub(super) fn clock_is_ahead(&self, by: Duration) {
        self.clock.ahead.store(by.as_secs(), Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// As Revoke does: here first, then in the store, and its caller hears of no other revision than the store's.
    pub(super) async fn revoke(&self, name: &str) -> Option<Revision> {
        let revocation = self.revocation(name);
        self.set.insert(&[revocation]).unwrap();
        let order = Order { revocations: vec![revocation], ..Order::default() };
        let recorded = timeout(Duration::from_secs(5), self.link.record(order)).await.ok()?.ok()?;
        self.set.recorded(recorded.revision);
        Some(recorded.revision)
    }

    pub(super) fn revocation(&self, name: &str) -> Revocation {
        let (made_at, until) = (self.now(), self.now().plus(Duration::from_hours(24)));
        Revocation { target: session(name), reach: Reach::All, made_at, until, kept_until: until }
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.set.at(self.now()).find(&session(name)).is_some()
    }

    pub(super) fn counted(&self, sample: &str) -> bool {
        let text = exposition(&self.registry);
        text.lines().any(|line| line == format!("countersign_{sample}"))
    }

    pub(super) fn covers(&self, revision: Revision) -> bool {
        self.set.reached().is_some_and(|reached| reached.covers(revision))
    }
}

pub(super) fn session(name: &str) -> Target {
    Target::session("i", name)
}

pub(super) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// So many replicas that have read what there is.
pub(super) async fn replicas<const N: usize>(server: &Arc<Server>) -> [Replica; N] {
    let mut seed = 0;
    let all = [(); N].map(|()| {
        seed += 1;
        Replica::start(server, seed)
    });
    pass(2).await;
    assert!(all.iter().all(|it| it.set.is_loaded()));
    all
}
