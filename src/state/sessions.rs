//! When sessions began, and whether they have ended, as far as this replica has seen them (R4, S4, S5).
//!
//! A session is looked up in the store when its first token comes here; from then on this knows it, for a while. What is new
//! to the store is written to it in the background: nobody waits for that.

mod known;
mod recorder;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use crate::{
    domain::{
        revocation::{Revocation, Target, TargetKind, check::SessionStanding},
        time::UnixTime,
        verify::VerifiedToken,
    },
    ops::{drain::Tasks, metrics::SightMetrics},
    state::revocations::Revocations,
    store::{SessionRecord, Sight, Store},
};

pub use self::known::Tracked;
use self::{known::Known, recorder::Recorder};

/// How long a token's first sight may wait for the store (S5).
const SIGHT: Duration = Duration::from_millis(50);
/// While the store does not answer, how long nobody else waits for it.
const REST: Duration = Duration::from_secs(1);
/// How many first sights ask the store at the same time.
const AT_ONCE: usize = 16;
/// How many sessions are known at once; the least recently seen are looked up again. About 400 bytes each.
const KNOWN_SESSIONS: u64 = 100_000;

/// The sessions that are known here.
pub struct Sessions {
    known: Cache<Target, Arc<Known>>,
    store: Arc<dyn Store>,
    /// So many ask the store at once: what a burst of new sessions waits for is its own doing.
    at_once: Semaphore,
    recorder: Recorder,
    revocations: Arc<Revocations>,
    metrics: SightMetrics,
    started: Instant,
    /// Milliseconds after `started` until which the store is left alone.
    resting_until: AtomicI64,
}

/// The store did not answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store did not say what it knows of the session")]
pub struct NoSight;

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Knows none yet, and writes those that are new to `store` in one of these tasks, until they stop.
    pub fn start(
        store: Arc<dyn Store>,
        revocations: Arc<Revocations>,
        metrics: SightMetrics,
        tasks: &Tasks,
    ) -> Self {
        Self {
            known: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(KNOWN_SESSIONS)
                .build(),
            at_once: Semaphore::new(AT_ONCE),
            recorder: Recorder::start(Arc::clone(&store), metrics.clone(), tasks),
            store,
            revocations,
            metrics,
            started: Instant::now(),
            resting_until: AtomicI64::new(0),
        }
    }

    /// Whether a token's session, or its old login, has to be looked up before the token passes. A token without a session
    /// can outlive what memory holds of cut-offs only if it stands for a login that is older than that, or if nobody knows when
    /// it ends.
    pub fn matters_to(token: &VerifiedToken, now: UnixTime) -> bool {
        let policy = token.policy();
        let claims = token.claims();
        let horizon = now.minus(policy.max_token_lifetime.saturating_add(policy.leeway));
        !claims.session_id().is_empty()
            || claims.auth_time.is_some_and(|login| login <= horizon)
            || !token.has_end()
    }

    /// What is known of the token's session; `None` if it has to be looked up. A token that was issued, or whose user logged
    /// in, before what was known as the session's beginning moves that.
    pub fn find(&self, token: &VerifiedToken, now: UnixTime) -> Option<Arc<Tracked>> {
        let known = self.known.get(&token.target(TargetKind::Session)?)?;
        let begin = own_begin(token, now);
        if self.move_begin(&known, begin) {
            self.recorder.remember(record(token, begin, now));
        }
        known.sight(token, now)
    }

    /// What was ever seen of the session's beginning, for when the store says nothing.
    pub fn remembered(&self, token: &VerifiedToken) -> Option<SessionStanding> {
        let known = self.known.get(&token.target(TargetKind::Session)?)?;
        Some(SessionStanding { began_at: known.began_at(), has_ended: known.has_ended() })
    }

    /// Asks the store about the token's session and everything else that it can be revoked by, first lives and second: once for
    /// all who ask at the same time.
    pub async fn look_up(&self, token: &VerifiedToken, now: UnixTime) -> Result<Arc<Tracked>, NoSight> {
        let known = match token.target(TargetKind::Session) {
            Some(session) => self.known.get_with(session, Known::new),
            None => Known::new(),
        };
        if self.rests() {
            self.metrics.failed();
            return Err(NoSight);
        }
        let tracked = self.look_up_in_turn(&known, token, now).await;
        tracked.ok_or_else(|| {
            self.metrics.failed();
            NoSight
        })
    }

    /// Waiting for others says nothing about the store, so only what the store itself takes makes it be left alone.
    async fn look_up_in_turn(
        &self,
        known: &Known,
        token: &VerifiedToken,
        now: UnixTime,
    ) -> Option<Arc<Tracked>> {
        let turn = async { (known.turn.lock().await, self.at_once.acquire().await) };
        let (_turn, _place) = timeout(SIGHT, turn).await.ok()?;
        if let Some(tracked) = known.sight(token, now) {
            return Some(tracked);
        }
        let sight = self.ask(token).await?;
        Some(self.learn(known, token, &sight, now))
    }

    fn learn(&self, known: &Known, token: &VerifiedToken, sight: &Sight, now: UnixTime) -> Arc<Tracked> {
        let stored = sight.session.as_ref();
        let own = own_begin(token, now);
        self.move_begin(known, stored.map_or(own, |stored| stored.began_at.min(own)));
        let began_at = known.began_at();
        let is_session = |revocation: &Revocation| revocation.target.kind() == TargetKind::Session;
        if stored.is_some_and(|stored| stored.ended_at.is_some()) || sight.revocations.iter().any(is_session)
        {
            known.end();
        }
        let has_ended = known.has_ended() || is_revoked(token, began_at, &sight.revocations);
        if token.target(TargetKind::Session).is_some()
            && stored.is_none_or(|stored| began_at < stored.began_at)
        {
            self.recorder.remember(record(token, began_at, now));
        }
        self.metrics.looked_up(stored.is_some());
        known.saw(token, (began_at, has_ended), now)
    }

    /// Whether a session began earlier than was known: then other tokens of it were found active with the later beginning.
    fn move_begin(&self, known: &Known, begin: UnixTime) -> bool {
        let has_moved = known.began_by(begin);
        if has_moved {
            self.revocations.changed();
        }
        has_moved
    }

    /// In turn.
    async fn ask(&self, token: &VerifiedToken) -> Option<Sight> {
        // Who had to wait for somebody else's turn may have waited for nothing.
        if self.rests() {
            return None;
        }
        let kinds = [
            TargetKind::Session,
            TargetKind::Exception,
            TargetKind::Subject,
            TargetKind::Client,
            TargetKind::Issuer,
        ];
        let asked: Vec<Target> = kinds.into_iter().filter_map(|kind| token.target(kind)).collect();
        if let Ok(Ok(sight)) =
            timeout(SIGHT, self.store.sight(token.target(TargetKind::Session), &asked)).await
        {
            return Some(sight);
        }
        self.rest();
        None
    }

    /// Returns once everything that was seen before is in the store, or will not be.
    pub async fn flush(&self) {
        self.recorder.flush().await;
    }

    fn rests(&self) -> bool {
        self.elapsed() < self.resting_until.load(Ordering::Relaxed)
    }

    fn rest(&self) {
        let rest = i64::try_from(REST.as_millis()).unwrap_or(i64::MAX);
        self.resting_until.store(self.elapsed().saturating_add(rest), Ordering::Relaxed);
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// When the token shows that its session began, at the latest. One that does not say when it was issued shows that by being
/// there; whether it is older than a cut-off is asked of the set, for as long as one may live.
fn own_begin(token: &VerifiedToken, now: UnixTime) -> UnixTime {
    let claims = token.claims();
    let issued_at = claims.issued_at.unwrap_or(now);
    claims.auth_time.map_or(issued_at, |login| login.min(issued_at))
}

/// As `domain/revocation/check.rs` has it, but for what only the store remembers: a session's beginning decides, whenever its
/// tokens were issued.
fn is_revoked(token: &VerifiedToken, began_at: UnixTime, kept: &[Revocation]) -> bool {
    // One that says neither when it began nor when it ends may be older than any cut-off (R4): its being here shows nothing.
    let is_ageless = token.claims().issued_at.is_none() && !token.has_end();
    let began_at = (!is_ageless).then_some(began_at);
    let of = |kind: TargetKind| kept.iter().find(move |revocation| revocation.target.kind() == kind);
    let reached = |kind| of(kind).filter(|revocation| revocation.reach.reaches(began_at));
    let exempt = |cut_off: &Revocation| {
        of(TargetKind::Exception).is_some_and(|exception| exception.reach >= cut_off.reach)
    };
    (token.target(TargetKind::Session).is_some() && of(TargetKind::Session).is_some())
        || reached(TargetKind::Subject).is_some_and(|cut_off| !exempt(cut_off))
        || reached(TargetKind::Client).is_some()
        || reached(TargetKind::Issuer).is_some()
}

fn record(token: &VerifiedToken, began_at: UnixTime, now: UnixTime) -> SessionRecord {
    let (claims, policy) = (token.claims(), token.policy());
    SessionRecord {
        issuer: policy.issuer.clone(),
        session_id: claims.session_id().to_owned(),
        subject: claims.subject().to_owned(),
        client_id: claims.client_id().to_owned(),
        began_at,
        ended_at: None,
        kept_until: now.plus(policy.max_session_lifetime).plus(policy.max_token_lifetime),
    }
}

#[cfg(test)]
mod tests;
