//! A store in memory that several replicas share, for tests of what follows one. It can lose what it acknowledged.
//! For tests with `start_paused = true` only: an answer takes its time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use crate::{
    domain::{
        revocation::{Revocation, Target},
        time::UnixTime,
    },
    store::{
        Answer, Beat, Delivery, End, Entry, Feed, Found, Hour, Order, Page, Place, Position, Recorded,
        Revision, SessionRecord, Sight, Snapshot, Store, StoreError, Tally,
    },
};

const PAGE: usize = 7;

/// The one server.
#[derive(Debug)]
pub(crate) struct Server {
    kept: Mutex<Kept>,
    is_down: AtomicBool,
    recorded: watch::Sender<u64>,
    pages: AtomicUsize,
}

/// One replica's way to it.
#[derive(Debug)]
pub(crate) struct Shared {
    server: Arc<Server>,
    is_cut_off: AtomicBool,
    writes_fail: AtomicBool,
    hangs: watch::Sender<bool>,
    found: Mutex<Found>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    /// `None`: the counter is missing.
    epoch: Option<u64>,
    sequence: u64,
    predecessors: Vec<Revision>,
    copy: BTreeMap<Target, Revocation>,
    feed: Vec<(u64, Revision, Vec<Revocation>)>,
    /// Rises for ever, whatever is lost.
    id: u64,
    epochs: u64,
    restarted: bool,
}

impl Server {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            is_down: AtomicBool::new(false),
            recorded: watch::Sender::new(0),
            pages: AtomicUsize::new(0),
        })
    }

    pub(crate) fn replica(self: &Arc<Self>) -> Arc<Shared> {
        let hangs = watch::Sender::new(false);
        let [is_cut_off, writes_fail] = [(); 2].map(|()| AtomicBool::new(false));
        Arc::new(Shared { server: Arc::clone(self), is_cut_off, writes_fail, hangs, found: Mutex::default() })
    }

    pub(crate) fn down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Everything is gone, the counter included.
    pub(crate) fn empty(&self) {
        let mut kept = self.kept();
        let (id, epochs) = (kept.id, kept.epochs);
        *kept = Kept { id, epochs, ..Kept::default() };
    }

    /// What is there now, for [`Server::fail_over_to`].
    pub(crate) fn backup(&self) -> Backup {
        Backup(self.kept().clone())
    }

    /// Another process takes over that has only this.
    pub(crate) fn fail_over_to(&self, backup: Backup) {
        let mut kept = self.kept();
        let (id, epochs) = (kept.id, kept.epochs);
        *kept = Kept { id, epochs, restarted: true, ..backup.0 };
    }

    /// The same process goes on from an earlier state, which no sound store does.
    pub(crate) fn go_back_to(&self, backup: Backup) {
        let mut kept = self.kept();
        let id = kept.id;
        *kept = Kept { id, ..backup.0 };
    }

    /// The feed forgets all but its last entries.
    pub(crate) fn trim(&self, left: usize) {
        let mut kept = self.kept();
        let from = kept.feed.len().saturating_sub(left);
        kept.feed.drain(..from);
    }

    /// Loses one revocation from the copy, in silence.
    pub(crate) fn lose(&self, target: &Target) {
        self.kept().copy.remove(target);
    }

    /// Holds one that the feed never told of.
    pub(crate) fn slip_in(&self, revocation: Revocation) {
        self.kept().copy.insert(revocation.target, revocation);
    }

    pub(crate) fn holds(&self, target: &Target) -> bool {
        self.kept().copy.contains_key(target)
    }

    pub(crate) fn len(&self) -> usize {
        self.kept().copy.len()
    }

    /// How many parts of the copy were read.
    pub(crate) fn pages(&self) -> usize {
        self.pages.load(Ordering::SeqCst)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

/// A state of the server.
#[derive(Clone, Debug)]
pub(crate) struct Backup(Kept);

impl Kept {
    fn revision(&self) -> Revision {
        Revision { epoch: self.epoch.unwrap_or(0), sequence: self.sequence }
    }

    /// What the scripts do before they write.
    fn begin_writing(&mut self) {
        let ended = self.epoch.map(|epoch| Revision { epoch, sequence: self.sequence });
        if ended.is_none() || self.restarted {
            self.epochs += 1;
            self.epoch = Some(self.epochs);
            self.predecessors.splice(0..0, ended);
            self.restarted = false;
        }
    }

    fn record(&mut self, order: Order) -> Recorded {
        self.begin_writing();
        self.sequence += 1;
        self.id += 1;
        let mut changed = Vec::new();
        for revocation in order.revocations {
            let kept = self.copy.entry(revocation.target).or_insert(revocation);
            *kept = kept.merge(revocation);
            changed.push(*kept);
        }
        let (id, revision) = (self.id, self.revision());
        self.feed.push((id, revision, changed));
        Recorded { revision, ended: Vec::new() }
    }

    fn behind(&self, position: &Position) -> Vec<Entry> {
        let from: u64 = position.id.parse().unwrap();
        let behind = self.feed.iter().filter(|(id, ..)| *id > from);
        behind
            .map(|(id, revision, revocations)| Entry {
                position: Position { id: id.to_string(), revision: *revision },
                revocations: revocations.clone(),
            })
            .collect()
    }

    fn tallies(&self, from: Hour) -> Vec<Tally> {
        let mut tallies = HashMap::new();
        for revocation in self.copy.values() {
            let hour = Hour::of(revocation.until);
            if hour >= from {
                tallies.entry(hour).or_insert_with(|| Tally::empty(hour)).add(revocation);
            }
        }
        tallies.into_values().collect()
    }
}

impl Shared {
    /// From now on nothing reaches the server, or does again.
    pub(crate) fn cut_off(&self, is_cut_off: bool) {
        self.is_cut_off.store(is_cut_off, Ordering::SeqCst);
    }

    /// From now on no heartbeat is acknowledged to it, or is again.
    pub(crate) fn writes_fail(&self, fail: bool) {
        self.writes_fail.store(fail, Ordering::SeqCst);
    }

    /// Nothing is answered from now on, or is again.
    pub(crate) fn hang(&self, hangs: bool) {
        self.hangs.send_replace(hangs);
    }

    fn check(&self) -> Result<(), StoreError> {
        let away = self.is_cut_off.load(Ordering::SeqCst) || self.server.is_down.load(Ordering::SeqCst);
        if away { Err(StoreError::Random) } else { Ok(()) }
    }

    async fn ask<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> Result<T, StoreError> {
        // A millisecond's way, so that virtual time passes.
        tokio::time::sleep(Duration::from_millis(1)).await;
        drop(self.hangs.subscribe().wait_for(|hangs| !hangs).await);
        self.check()?;
        Ok(work(&mut self.server.kept()))
    }
}

impl Store for Shared {
    fn record(&self, order: Order) -> Answer<'_, Recorded> {
        Box::pin(async move {
            let recorded = self.ask(|kept| kept.record(order)).await?;
            self.server.recorded.send_modify(|count| *count += 1);
            Ok(recorded)
        })
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        Box::pin(self.ask(|kept| Snapshot {
            revision: kept.revision(),
            revocations: kept.copy.values().copied().collect(),
        }))
    }

    fn sight<'s>(&'s self, _session: Option<Target>, targets: &'s [Target]) -> Answer<'s, Sight> {
        Box::pin(self.ask(|kept| Sight {
            session: None,
            revocations: targets.iter().filter_map(|target| kept.copy.get(target).copied()).collect(),
        }))
    }

    fn remember_sessions(&self, _sessions: Vec<SessionRecord>) -> Answer<'_, ()> {
        Box::pin(self.ask(|_| ()))
    }

    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        Box::pin(self.ask(|_| Vec::new()))
    }

    fn postpone(&self, _delivery: Delivery) -> Answer<'_, ()> {
        Box::pin(self.ask(|_| ()))
    }

    fn settle(&self, _delivery: [u8; 16]) -> Answer<'_, ()> {
        Box::pin(self.ask(|_| ()))
    }

    fn sweep(&self, now: UnixTime) -> Answer<'_, ()> {
        Box::pin(self.ask(move |kept| kept.copy.retain(|_, revocation| now < revocation.kept_until)))
    }
}

impl Shared {
    /// What it is like, as this replica sees it.
    pub(crate) fn is_found(&self, found: Found) {
        *self.found.lock().unwrap() = found;
    }
}

impl Feed for Shared {
    fn found(&self) -> Found {
        self.found.lock().unwrap().clone()
    }

    fn beat(&self) -> Answer<'_, Beat> {
        Box::pin(async {
            if self.writes_fail.load(Ordering::SeqCst) {
                return Err(StoreError::Random);
            }
            let beat = |kept: &mut Kept| {
                kept.begin_writing();
                Beat { revision: kept.revision(), predecessors: kept.predecessors.clone() }
            };
            self.ask(beat).await
        })
    }

    fn end(&self) -> Answer<'_, End> {
        Box::pin(self.ask(|kept| End {
            position: Position { id: kept.id.to_string(), revision: kept.revision() },
            predecessors: kept.predecessors.clone(),
        }))
    }

    fn page(&self, place: Option<Place>) -> Answer<'_, Page> {
        let from: usize = place.map_or(0, |place| place.0.parse().unwrap());
        self.server.pages.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.ask(move |kept| {
            let next = (from + PAGE < kept.copy.len()).then(|| Place((from + PAGE).to_string()));
            // What comes in between pushes others behind: a target that was there is in one of the parts all the same.
            let start = from.saturating_sub(PAGE);
            Page { revocations: kept.copy.values().skip(start).take(3 * PAGE).copied().collect(), next }
        }))
    }

    fn follow<'f>(&'f self, position: &'f Position, wait: Duration) -> Answer<'f, Vec<Entry>> {
        Box::pin(async move {
            let mut recorded = self.server.recorded.subscribe();
            let entries = self.ask(|kept| kept.behind(position)).await?;
            if !entries.is_empty() {
                return Ok(entries);
            }
            drop(timeout(wait, recorded.changed()).await);
            self.ask(|kept| kept.behind(position)).await
        })
    }

    fn tallies(&self, from: Hour) -> Answer<'_, Vec<Tally>> {
        Box::pin(self.ask(move |kept| kept.tallies(from)))
    }

    fn of_hour(&self, hour: Hour) -> Answer<'_, Vec<Revocation>> {
        Box::pin(
            self.ask(move |kept| {
                kept.copy.values().filter(|it| Hour::of(it.until) == hour).copied().collect()
            }),
        )
    }
}
