//! A store that replicas share, in memory, as far as exports and imports need it.

use std::{
    collections::HashMap,
    sync::{Mutex, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

use crate::{
    domain::{
        revocation::{Revocation, Target},
        time::UnixTime,
    },
    store::{
        Answer, Beat, Delivery, End, Entry, Feed, Found, Hour, KeySetOrigin, Order, Page, Place, Position,
        Recorded, SealedKeySet, SessionRecord, Shelf, Sight, Snapshot, Store, StoreError, Tally,
        sealed_delivery::SealedDelivery, testing::memory::MemoryStore, transfer::shared::Shared,
    },
};

/// So many records are in a part.
const PART: usize = 7;

/// What it keeps beside revocations and sessions, and how it is asked.
#[derive(Debug, Default)]
pub(super) struct SharedMemory {
    pub(super) store: MemoryStore,
    sessions: Mutex<Vec<SessionRecord>>,
    deliveries: Mutex<HashMap<[u8; 16], SealedDelivery>>,
    key_sets: Mutex<HashMap<(String, String), SealedKeySet>>,
    /// How many more calls that write are answered.
    pub(super) patience: Option<AtomicUsize>,
    pub(super) writes: AtomicUsize,
}

impl SharedMemory {
    /// Does not take more than so many writes.
    pub(super) fn with_patience(writes: usize) -> Self {
        Self { patience: Some(AtomicUsize::new(writes)), ..Self::default() }
    }

    fn write(&self) -> Result<(), StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let Some(patience) = &self.patience else { return Ok(()) };
        let left = patience.load(Ordering::SeqCst).checked_sub(1).ok_or(StoreError::Random)?;
        patience.store(left, Ordering::SeqCst);
        Ok(())
    }
}

/// The part of these that begins at a place.
fn part<T: Clone>(all: &[T], place: Option<Place>) -> (Vec<T>, Option<Place>) {
    let begin = place.map_or(0, |Place(begin)| begin.parse().unwrap());
    let end = all.len().min(begin + PART);
    (all[begin..end].to_vec(), (end < all.len()).then(|| Place(end.to_string())))
}

fn ready<'s, T: Send + 's>(answer: Result<T, StoreError>) -> Answer<'s, T> {
    Box::pin(async { answer })
}

impl Store for SharedMemory {
    fn record(&self, order: Order) -> Answer<'_, Recorded> {
        Box::pin(async {
            self.write()?;
            self.store.record(order).await
        })
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        self.store.snapshot()
    }

    fn sight<'s>(&'s self, session: Option<Target>, targets: &'s [Target]) -> Answer<'s, Sight> {
        self.store.sight(session, targets)
    }

    fn remember_sessions(&self, sessions: Vec<SessionRecord>) -> Answer<'_, ()> {
        Box::pin(async {
            self.write()?;
            self.store.remember_sessions(sessions.clone()).await?;
            let mut all = self.sessions.lock().unwrap();
            for session in sessions {
                let merged = self.store.session(&session.target()).unwrap();
                all.retain(|known| known.target() != session.target());
                all.push(merged);
            }
            Ok(())
        })
    }

    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        self.store.deliveries()
    }

    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()> {
        self.store.postpone(delivery)
    }

    fn settle(&self, delivery: [u8; 16]) -> Answer<'_, ()> {
        self.store.settle(delivery)
    }

    fn sweep(&self, now: UnixTime) -> Answer<'_, ()> {
        self.store.sweep(now)
    }
}

impl Feed for SharedMemory {
    fn found(&self) -> Found {
        Found::default()
    }

    fn beat(&self) -> Answer<'_, Beat> {
        ready(Err(StoreError::Random))
    }

    fn end(&self) -> Answer<'_, End> {
        Box::pin(async {
            let revision = self.store.snapshot().await?.revision;
            let position = Position { id: revision.to_string(), revision };
            Ok(End { position, predecessors: Vec::new() })
        })
    }

    fn page(&self, place: Option<Place>) -> Answer<'_, Page> {
        Box::pin(async {
            let mut all = self.store.snapshot().await?.revocations;
            all.sort_by_key(|revocation| revocation.target);
            let (revocations, next) = part(&all, place);
            Ok(Page { revocations, next })
        })
    }

    fn follow<'f>(&'f self, _position: &'f Position, _wait: Duration) -> Answer<'f, Vec<Entry>> {
        ready(Err(StoreError::Random))
    }

    fn tallies(&self, _from: Hour) -> Answer<'_, Vec<Tally>> {
        ready(Err(StoreError::Random))
    }

    fn of_hour(&self, _hour: Hour) -> Answer<'_, Vec<Revocation>> {
        ready(Err(StoreError::Random))
    }
}

impl Shelf for SharedMemory {
    fn put(&self, set: SealedKeySet) -> Answer<'_, ()> {
        Box::pin(async {
            self.write()?;
            self.key_sets.lock().unwrap().insert((set.issuer.clone(), set.uri.clone()), set);
            Ok(())
        })
    }

    fn get<'s>(&'s self, origin: KeySetOrigin<'s>) -> Answer<'s, Option<SealedKeySet>> {
        let key = (origin.issuer.to_owned(), origin.uri.to_owned());
        ready(Ok(self.key_sets.lock().unwrap().get(&key).cloned()))
    }
}

impl Shared for SharedMemory {
    fn session_keys(&self) -> Answer<'_, Vec<[u8; 16]>> {
        let sessions = self.sessions.lock().unwrap();
        ready(Ok(sessions.iter().map(|session| *session.target().key()).collect()))
    }

    fn sessions<'s>(&'s self, keys: &'s [[u8; 16]]) -> Answer<'s, Vec<SessionRecord>> {
        let sessions = self.sessions.lock().unwrap();
        let is_asked = |session: &&SessionRecord| keys.contains(session.target().key());
        ready(Ok(sessions.iter().filter(is_asked).cloned().collect()))
    }

    fn sealed_deliveries(&self) -> Answer<'_, Vec<SealedDelivery>> {
        ready(Ok(self.deliveries.lock().unwrap().values().cloned().collect()))
    }

    fn add_deliveries(&self, deliveries: Vec<SealedDelivery>) -> Answer<'_, ()> {
        Box::pin(async {
            self.write()?;
            let mut kept = self.deliveries.lock().unwrap();
            for delivery in deliveries {
                kept.entry(delivery.id).or_insert(delivery);
            }
            Ok(())
        })
    }

    fn key_sets(&self) -> Answer<'_, Vec<SealedKeySet>> {
        ready(Ok(self.key_sets.lock().unwrap().values().cloned().collect()))
    }
}
