//! How old is what this replica knows of revocations, if others write to its store, too (R7).
//!
//! Contact is a write that the store acknowledged, and that everything which was recorded before it has arrived here. What is
//! known is as old as the last such write was when it was sent.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::revocations::Reached;
use crate::{domain::time::UnixTime, store::Revision};

/// More acknowledged writes than this do not wait for what was recorded before them: the oldest is the first to be of no use.
const AWAITED: usize = 64;

/// When a write was sent, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// For answers.
    pub as_of: UnixTime,
    /// For ages.
    pub at: Instant,
}

/// The last contact with the store's feed.
#[derive(Debug)]
pub struct Contact {
    start: Instant,
    /// In milliseconds from `start`; negative: never.
    heard: AtomicI64,
    /// In milliseconds since 1970.
    as_of: AtomicI64,
    /// `revocation.max_staleness` in milliseconds.
    max_staleness: AtomicU64,
    last: watch::Sender<Option<Sent>>,
    awaited: Mutex<VecDeque<(Revision, Sent)>>,
    asked: Notify,
}

impl Contact {
    /// There was none yet. What is known is stale at this age.
    pub fn new(max_staleness: Duration) -> Self {
        let contact = Self {
            start: Instant::now(),
            heard: AtomicI64::new(-1),
            as_of: AtomicI64::new(0),
            max_staleness: AtomicU64::new(0),
            last: watch::Sender::new(None),
            awaited: Mutex::default(),
            asked: Notify::new(),
        };
        contact.set_max_staleness(max_staleness);
        contact
    }

    /// From now on what is known is stale at this age.
    pub fn set_max_staleness(&self, max_staleness: Duration) {
        self.max_staleness.store(u64::try_from(millis(max_staleness)).unwrap_or(0), Ordering::Relaxed);
    }

    /// A write was acknowledged that was sent then, when so much had been recorded.
    pub fn acknowledged(&self, revision: Revision, sent: Sent) {
        let mut awaited = self.awaited();
        if awaited.len() >= AWAITED {
            awaited.pop_front();
        }
        awaited.push_back((revision, sent));
    }

    /// The set holds so much. Whether that makes what is known younger.
    pub fn reached(&self, reached: &Reached) -> bool {
        let mut awaited = self.awaited();
        let mut newest = None;
        // A write of another epoch than the set's says nothing: what came with its epoch is still to be read.
        let here = |it: &Revision| it.epoch == reached.revision().epoch && reached.covers(*it);
        while let Some(at) = awaited.iter().position(|(revision, _)| here(revision)) {
            newest = awaited.drain(..=at).next_back().map(|(_, sent)| sent);
        }
        drop(awaited);
        newest.is_some_and(|sent| self.heard(sent))
    }

    fn heard(&self, sent: Sent) -> bool {
        self.last.send_if_modified(|last| {
            if last.is_some_and(|last| last.at >= sent.at) {
                return false;
            }
            *last = Some(sent);
            self.as_of.store(sent.as_of.as_millis(), Ordering::Relaxed);
            self.heard.store(millis(sent.at.saturating_duration_since(self.start)), Ordering::Relaxed);
            true
        })
    }

    /// When everything that is known was all there was; 1970 before the first contact.
    pub fn as_of(&self) -> UnixTime {
        UnixTime::from_millis(self.as_of.load(Ordering::Relaxed))
    }

    /// How long ago that was; before the first contact, since the process started.
    pub fn age(&self) -> Duration {
        let heard = u64::try_from(self.heard.load(Ordering::Relaxed)).unwrap_or(0);
        self.start.elapsed().saturating_sub(Duration::from_millis(heard))
    }

    /// Whether that is longer than `revocation.max_staleness`.
    pub fn is_stale(&self) -> bool {
        self.age() > Duration::from_millis(self.max_staleness.load(Ordering::Relaxed))
    }

    /// Whether there was any that was sent at this time or later.
    pub fn was_heard_since(&self, time: Instant) -> bool {
        self.last.borrow().is_some_and(|last| last.at >= time)
    }

    /// Asks for a contact now, and returns after one that was sent at this time or later. All who wait share it.
    pub async fn hear_since(&self, time: Instant) {
        let mut last = self.last.subscribe();
        self.asked.notify_one();
        // An error is a sender that is gone, and this holds it.
        drop(last.wait_for(|last| last.is_some_and(|last| last.at >= time)).await);
    }

    /// Returns when somebody wants a contact now.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Asks for a contact now.
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    fn awaited(&self) -> MutexGuard<'_, VecDeque<(Revision, Sent)>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::state::revocations::Revocations;

    fn at(sequence: u64) -> Revision {
        Revision { epoch: 1, sequence }
    }

    fn sent(seconds: i64) -> Sent {
        Sent { as_of: UnixTime::from_secs(seconds), at: Instant::now() }
    }

    fn reached(sequence: u64) -> Reached {
        let set = Revocations::followed(1);
        set.end_reading(at(sequence), &[]);
        set.reached().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn r7_what_is_known_is_as_old_as_the_write_that_it_goes_up_to() {
        let contact = Contact::new(Duration::from_secs(3));
        assert_eq!(contact.as_of(), UnixTime::from_secs(0));
        contact.acknowledged(at(5), sent(100));
        advance(Duration::from_secs(1)).await;
        contact.acknowledged(at(9), sent(101));
        advance(Duration::from_secs(1)).await;
        assert!(!contact.reached(&reached(4)), "what was recorded before the write has not arrived");
        assert!(contact.reached(&reached(8)));
        assert_eq!((contact.as_of(), contact.age()), (UnixTime::from_secs(100), Duration::from_secs(2)));
        advance(Duration::from_secs(1)).await;
        assert!(!contact.is_stale(), "at the limit");
        advance(Duration::from_millis(1)).await;
        assert!(contact.is_stale());
        assert!(contact.reached(&reached(9)) && !contact.is_stale());
        contact.set_max_staleness(Duration::from_secs(2));
        assert!(contact.is_stale());
    }

    #[tokio::test(start_paused = true)]
    async fn r12_a_write_in_another_epoch_is_no_contact_before_that_is_read() {
        let contact = Contact::new(Duration::from_secs(3));
        contact.acknowledged(Revision { epoch: 2, sequence: 1 }, sent(100));
        assert!(!contact.reached(&reached(99)));
    }
}
