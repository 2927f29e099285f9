//! A store in memory, for tests of what uses one. It can be told to fail, or to be slow.

mod rotations;

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use self::rotations::Families;
use crate::{
    domain::{
        revocation::{Reach, Revocation, Target},
        time::UnixTime,
    },
    store::{
        Answer, Delivery, Ending, Order, Recorded, Revision, SessionRecord, Sight, Snapshot, Store,
        StoreError, rotations::Limits,
    },
};

/// The only history that a store in memory has.
const EPOCH: u64 = 7;

/// Forgets everything at its end.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    kept: Mutex<Kept>,
    fails: AtomicBool,
    hangs: watch::Sender<bool>,
    sights: AtomicUsize,
    limits: Limits,
}

#[derive(Debug, Default)]
struct Kept {
    sequence: u64,
    revocations: HashMap<Target, Revocation>,
    sessions: HashMap<Target, SessionRecord>,
    deliveries: HashMap<[u8; 16], Delivery>,
    families: Families,
    sweeps: Vec<UnixTime>,
    attempts: usize,
}

impl MemoryStore {
    /// From now on takes and gives nothing, or does again.
    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// Does not answer from now on, or does again: also what it was asked meanwhile.
    pub(crate) fn hang(&self, hangs: bool) {
        self.hangs.send_replace(hangs);
    }

    /// How often it was asked about a session.
    pub(crate) fn sights(&self) -> usize {
        self.sights.load(Ordering::SeqCst)
    }

    /// Keeps these, as if they had been recorded.
    pub(crate) fn keep(&self, revocations: &[Revocation]) {
        let mut kept = self.kept();
        for revocation in revocations {
            kept.merge(*revocation);
        }
    }

    /// How often it was asked to record something, also in vain.
    pub(crate) fn attempts(&self) -> usize {
        self.kept().attempts
    }

    /// How many orders it has recorded.
    pub(crate) fn sequence(&self) -> u64 {
        self.kept().sequence
    }

    /// What it keeps of this target.
    pub(crate) fn revocation(&self, target: &Target) -> Option<Revocation> {
        self.kept().revocations.get(target).copied()
    }

    /// What it keeps of this session.
    pub(crate) fn session(&self, target: &Target) -> Option<SessionRecord> {
        self.kept().sessions.get(target).cloned()
    }

    /// The times that it was told to sweep at.
    pub(crate) fn sweeps(&self) -> Vec<UnixTime> {
        self.kept().sweeps.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    fn answer<'s, T: Send + 's>(&'s self, work: impl FnOnce(&mut Kept) -> T + Send + 's) -> Answer<'s, T> {
        Box::pin(async move {
            // An error is a sender that is gone, and this store holds it.
            drop(self.hangs.subscribe().wait_for(|hangs| !hangs).await);
            if self.fails.load(Ordering::SeqCst) {
                return Err(StoreError::Random);
            }
            Ok(work(&mut self.kept()))
        })
    }
}

impl Kept {
    fn revision(&self) -> Revision {
        Revision { epoch: EPOCH, sequence: self.sequence }
    }

    fn record(&mut self, order: Order) -> Recorded {
        self.sequence += 1;
        let Order { revocations, ending, deliveries } = order;
        let ended = ending.map(|ending| self.end(&ending)).unwrap_or_default();
        for revocation in revocations {
            self.merge(revocation);
        }
        for delivery in deliveries {
            self.deliveries.entry(delivery.id).or_insert(delivery);
        }
        Recorded { revision: self.revision(), ended }
    }

    fn end(&mut self, ending: &Ending) -> Vec<SessionRecord> {
        let mut ended = Vec::new();
        for (target, session) in &mut self.sessions {
            let meant = [*target, session.subject_target()].contains(&ending.of)
                && session.ended_at.is_none()
                && session.began_at <= ending.begun_up_to
                && ending.except != Some(*target);
            if meant {
                session.ended_at = Some(ending.at);
                session.kept_until = session.kept_until.max(ending.kept_until);
                ended.push(session.clone());
            }
        }
        for session in &ended {
            self.merge(Revocation {
                target: session.target(),
                reach: Reach::All,
                made_at: ending.at,
                until: ending.until,
                kept_until: ending.kept_until,
            });
        }
        ended
    }

    fn merge(&mut self, revocation: Revocation) {
        if let Some(session) = self.sessions.get_mut(&revocation.target) {
            *session = session.clone().ended_by(&revocation);
        }
        let kept = self.revocations.entry(revocation.target).or_insert(revocation);
        *kept = kept.merge(revocation);
    }
}

impl Store for MemoryStore {
    fn record(&self, order: Order) -> Answer<'_, Recorded> {
        self.kept().attempts += 1;
        self.answer(move |kept| kept.record(order))
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        self.answer(|kept| Snapshot {
            revision: kept.revision(),
            revocations: kept.revocations.values().copied().collect(),
        })
    }

    fn sight<'s>(&'s self, session: Option<Target>, targets: &'s [Target]) -> Answer<'s, Sight> {
        self.sights.fetch_add(1, Ordering::SeqCst);
        self.answer(move |kept| Sight {
            session: session.and_then(|session| kept.sessions.get(&session).cloned()),
            revocations: targets.iter().filter_map(|target| kept.revocations.get(target).copied()).collect(),
        })
    }

    fn remember_sessions(&self, sessions: Vec<SessionRecord>) -> Answer<'_, ()> {
        self.answer(move |kept| {
            for session in sessions {
                let target = session.target();
                let merged = match kept.sessions.remove(&target) {
                    Some(known) => known.merge(&session),
                    None => session,
                };
                let revoked = kept.revocations.get(&target);
                let merged = match revoked {
                    Some(revocation) if merged.ended_at.is_none() => merged.ended_by(revocation),
                    _not_revoked_or_ended => merged,
                };
                kept.sessions.insert(target, merged);
            }
        })
    }

    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        self.answer(|kept| kept.deliveries.values().cloned().collect())
    }

    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()> {
        self.answer(move |kept| {
            if let Some(known) = kept.deliveries.get_mut(&delivery.id) {
                *known = Delivery { content: known.content.clone(), ..delivery };
            }
        })
    }

    fn settle(&self, delivery: [u8; 16]) -> Answer<'_, ()> {
        self.answer(move |kept| {
            kept.deliveries.remove(&delivery);
        })
    }

    fn sweep(&self, now: UnixTime) -> Answer<'_, ()> {
        self.answer(move |kept| {
            kept.sweeps.push(now);
            kept.revocations.retain(|_, revocation| now < revocation.kept_until);
            kept.sessions.retain(|_, session| now < session.kept_until);
            kept.deliveries.retain(|_, delivery| now < delivery.not_after);
            kept.families.sweep(now);
        })
    }
}

mod tests {
    use std::sync::Arc;

    use futures_util::future::BoxFuture;

    use super::{
        super::contract::{Everything, Subject, check_contract},
        MemoryStore,
    };

    struct Memory(Arc<MemoryStore>);

    impl Subject for Memory {
        fn open(&self) -> BoxFuture<'_, Arc<dyn Everything>> {
            let store: Arc<dyn Everything> = Arc::<MemoryStore>::clone(&self.0);
            Box::pin(async { store })
        }
    }

    check_contract!(Memory(Arc::default()));
}
