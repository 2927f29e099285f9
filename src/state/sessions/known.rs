//! What is known of one session.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use crate::domain::{revocation::check::SessionStanding, time::UnixTime, verify::VerifiedToken};

/// More subjects and clients than this no session has; what comes on top is looked up each time.
const MOST: usize = 32;

/// Nobody has said when it began.
const NOT_KNOWN: i64 = i64::MAX;

/// A session, whoever its tokens are for: at a provider with single sign-on all of a user's clients share one.
#[derive(Debug)]
pub(super) struct Known {
    /// In milliseconds, like a [`UnixTime`]. It only ever falls.
    began_at: Arc<AtomicI64>,
    /// Whether the session itself is known to have ended: for everybody, and for good.
    has_ended: AtomicBool,
    /// What the store said, for each subject and client that it was asked about.
    sights: Mutex<Vec<(Holder, Arc<Tracked>)>>,
    /// Held by who asks the store: everybody else waits for the answer.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// Whom a token of a session is about and for.
#[derive(Debug)]
struct Holder {
    subject: Box<str>,
    client: Box<str>,
}

/// What the store said about a session, as far as tokens of one subject and client are concerned.
#[derive(Debug)]
pub struct Tracked {
    began_at: Arc<AtomicI64>,
    /// The beginning by which `has_ended` was decided.
    judged_by: UnixTime,
    has_ended: bool,
    /// When the store was asked, and when it is to be asked again: what was revoked since is in the set until long after.
    asked_at: UnixTime,
    until: UnixTime,
}

impl Holder {
    fn of(token: &VerifiedToken) -> Self {
        Self { subject: token.claims().subject().into(), client: token.claims().client_id().into() }
    }

    fn holds(&self, token: &VerifiedToken) -> bool {
        *self.subject == *token.claims().subject() && *self.client == *token.claims().client_id()
    }
}

impl Tracked {
    /// As it is now; `None` if it is to be looked up again: its time is over, or the session began earlier than was known when
    /// the store was asked, so that an older cut-off may reach it.
    pub fn standing(&self, now: UnixTime) -> Option<SessionStanding> {
        let standing = self.last_standing();
        let is_of_now = self.asked_at <= now && now < self.until && standing.began_at == self.judged_by;
        (self.has_ended || is_of_now).then_some(standing)
    }

    /// The same, whenever the store was asked.
    pub fn last_standing(&self) -> SessionStanding {
        SessionStanding {
            began_at: UnixTime::from_millis(self.began_at.load(Ordering::Relaxed)),
            has_ended: self.has_ended,
        }
    }
}

impl Known {
    /// Nobody has said yet when it began.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            began_at: Arc::new(AtomicI64::new(NOT_KNOWN)),
            has_ended: AtomicBool::new(false),
            sights: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// The earliest that was seen.
    pub(super) fn began_at(&self) -> UnixTime {
        UnixTime::from_millis(self.began_at.load(Ordering::Relaxed))
    }

    /// The store said that the session itself has ended.
    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    /// Whether it ever did.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// It began no later than this. Whether that is earlier than what was known before.
    pub(super) fn began_by(&self, begin: UnixTime) -> bool {
        let known = self.began_at.fetch_min(begin.as_millis(), Ordering::Relaxed);
        begin.as_millis() < known && known != NOT_KNOWN
    }

    /// What the store said to who holds such a token, if that still counts.
    pub(super) fn sight(&self, token: &VerifiedToken, now: UnixTime) -> Option<Arc<Tracked>> {
        let sights = self.sights();
        let (_, tracked) = sights.iter().find(|(of, _)| of.holds(token))?;
        // The issuer's tokens may live shorter now than when the store was asked.
        let is_due = now >= tracked.asked_at.plus(token.policy().max_token_lifetime / 2);
        (tracked.has_ended || !is_due).then(|| tracked.standing(now))??;
        Some(Arc::clone(tracked))
    }

    /// What the store says now.
    pub(super) fn saw(
        &self,
        token: &VerifiedToken,
        (judged_by, has_ended): (UnixTime, bool),
        now: UnixTime,
    ) -> Arc<Tracked> {
        let until = now.plus(token.policy().max_token_lifetime / 2);
        let tracked = Arc::new(Tracked {
            began_at: Arc::clone(&self.began_at),
            judged_by,
            has_ended,
            asked_at: now,
            until,
        });
        let holder = Holder::of(token);
        let mut sights = self.sights();
        sights.retain(|(of, sight)| !of.holds(token) && sight.standing(now).is_some());
        if sights.len() < MOST {
            sights.push((holder, Arc::clone(&tracked)));
        }
        tracked
    }

    fn sights(&self) -> MutexGuard<'_, Vec<(Holder, Arc<Tracked>)>> {
        // Whoever panicked with it has left whole values.
        self.sights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
