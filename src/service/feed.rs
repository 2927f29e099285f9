//! Keeps a replica's set up with a store that others write to, too (R6, R7, R8, R12).
//!
//! The store's copy is read whole at the start; from then on the feed tells what is recorded, each order numbered, so that none
//! is missed in silence. Whatever looks like a hole is answered by reading all again, and by giving the store again what it lacks
//! and this replica remembers. Three things go on side by side: following, a heartbeat each second, and saying how old is what is
//! known.

mod beats;
mod compare;
mod follow;
mod pause;
mod push;
mod read;
mod report;

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use self::{
    pause::{Backoff, Chance},
    push::PushBack,
    report::Report,
};
use super::bounded::BoundedClock;
use crate::{
    domain::{revocation::Revocation, time::Clock},
    ops::{
        metrics::{FeedMetrics, ReadReason, RevocationMetrics},
        readiness::{Guard, Readiness},
    },
    state::{contact::Contact, revocations::Revocations},
    store::{Beat, Feed, Store, StoreError},
};

/// How long the store may take for an answer.
const TO_ANSWER: Duration = Duration::from_secs(2);
/// How long somebody waits for the copy to be read again.
const TO_READ: Duration = Duration::from_secs(10);
/// Who reads all again sooner than this after the last time waits a bit longer each time.
const RARELY: Duration = Duration::from_secs(10);

/// What a follower works with.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is its type")]
pub struct Surroundings {
    pub feed: Arc<dyn Feed>,
    pub store: Arc<dyn Store>,
    pub revocations: Arc<Revocations>,
    pub contact: Arc<Contact>,
    pub clock: Arc<dyn Clock>,
    pub metrics: FeedMetrics,
    pub loading: RevocationMetrics,
    pub readiness: Readiness,
}

/// Follows one store.
#[derive(Debug)]
pub struct Follower {
    around: Surroundings,
    /// For what is over: a clock that is ahead for a moment is no reason to leave out what counts again when it is put right.
    bounded: BoundedClock,
    /// "The revocations are read", until they are (R6).
    first: Guard,
    chance: Chance,
    report: Report,
    last_beat: Mutex<Option<Beat>>,
    /// Less was recorded than there had been.
    went_back: AtomicBool,
    compare_soon: AtomicBool,
    /// Comparing goes on beside following, so that nobody who waits for a revision has to wait for it.
    compare_now: Notify,
    /// What comparing found to be gone from the store.
    gone: Mutex<Vec<Revocation>>,
    /// How many readings were asked for, and which of them are done.
    wanted: watch::Sender<u64>,
    done: watch::Sender<u64>,
}

/// The store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no answer within {0:?}")]
    Silent(Duration),
    #[error("the primary began another life while its copy was read")]
    OtherLife,
}

/// The copy could not be read again in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store's revocations could not be read again within {TO_READ:?}, which longer tokens need")]
pub struct NotRead;

impl Follower {
    /// Follows nothing yet. `first` is done when the copy was read for the first time.
    pub fn new(around: Surroundings, first: Guard) -> Self {
        let report = Report::new(&around);
        let bounded = BoundedClock::new(Arc::clone(&around.clock));
        Self {
            around,
            bounded,
            first,
            chance: Chance::fresh(),
            report,
            last_beat: Mutex::default(),
            went_back: AtomicBool::new(false),
            compare_soon: AtomicBool::new(false),
            compare_now: Notify::new(),
            gone: Mutex::default(),
            wanted: watch::Sender::new(0),
            done: watch::Sender::new(0),
        }
    }

    /// Follows for as long as it is polled.
    pub async fn run(&self) {
        tokio::join!(
            self.beat_each_second(),
            self.say_how_old(),
            self.read_and_follow(),
            self.compare_when_asked()
        );
    }

    async fn read_and_follow(&self) {
        let (mut reason, mut backoff, mut push) =
            (ReadReason::Start, Backoff::default(), PushBack::default());
        loop {
            let mut began = tokio::time::Instant::now();
            match self.read_all(reason, &mut push).await {
                Ok(position) => {
                    began = tokio::time::Instant::now();
                    reason = self.follow(position, &mut push).await;
                    tracing::warn!(
                        feed.reason = reason.as_str(),
                        "what is revoked has to be read from the store again"
                    );
                }
                Err(trouble) => self.report.trouble(&trouble),
            }
            if began.elapsed() >= RARELY {
                backoff = Backoff::default();
            }
            tokio::time::sleep(backoff.next(&self.chance)).await;
        }
    }

    /// Has the copy read again, and returns when it was. Before it was read once there is nothing to wait for: that will be soon
    /// enough.
    ///
    /// # Errors
    /// If the store does not answer. It is read all the same when it does.
    pub async fn read_again(&self) -> Result<(), NotRead> {
        let mut mine = 0;
        self.wanted.send_modify(|wanted| {
            *wanted = wanted.saturating_add(1);
            mine = *wanted;
        });
        if !self.around.revocations.is_loaded() {
            return Ok(());
        }
        let mut done = self.done.subscribe();
        match timeout(TO_READ, done.wait_for(|done| *done >= mine)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotRead),
        }
    }

    /// Why what is known has to be read again, whatever the feed says.
    fn doubt(&self) -> Option<ReadReason> {
        if self.went_back.swap(false, Ordering::Relaxed) {
            return Some(ReadReason::WentBack);
        }
        (*self.wanted.borrow() > *self.done.borrow()).then_some(ReadReason::LongerLives)
    }

    /// Brings up to date what depends on it how much has arrived.
    fn arrived(&self) {
        if let Some(beat) = &*self.last_beat() {
            self.around.revocations.goes_on_from(beat.revision.epoch, &beat.predecessors);
        }
        if let Some(reached) = self.around.revocations.reached() {
            self.around.contact.reached(&reached);
        }
    }

    fn last_beat(&self) -> MutexGuard<'_, Option<Beat>> {
        self.last_beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer in time.
async fn within<T>(
    bound: Duration,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Trouble> {
    match timeout(bound, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(Trouble::Silent(bound)),
    }
}

#[cfg(test)]
mod tests;
