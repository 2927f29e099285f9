//! When sessions began, and whether they have ended, as far as this replica has seen them (R4, S4, S5).
//!
//! A session is looked up in the store when its first token comes here; from then on this knows it, for a while. What is new
//! to the store is written to it in the background: nobody waits for that.

mod recorder;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::{
    sync::Mutex,
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

use self::recorder::Recorder;

/// How long a token's first sight may wait for the store (S5).
const SIGHT: Duration = Duration::from_millis(50);
/// While the store does not answer, how long nobody else waits for it.
const REST: Duration = Duration::from_secs(1);
/// How many sessions are known at once; the least recently seen are looked up again. About 400 bytes each.
const KNOWN_SESSIONS: u64 = 100_000;

/// The sessions that are known here.
pub struct Sessions {
    known: Cache<Seen, Arc<Tracked>>,
    /// The sessions themselves, whoever is in them.
    shared: Cache<Target, Arc<Session>>,
    store: Arc<dyn Store>,
    recorder: Recorder,
    revocations: Arc<Revocations>,
    metrics: SightMetrics,
    started: Instant,
    /// Milliseconds after `started` until which the store is left alone.
    resting_until: AtomicI64,
}

/// A session as one client's tokens show it: clients share sessions, and a client's cut-off ends nothing of the others'.
type Seen = (Target, Option<Target>);

/// What all that is known of one session shares.
#[derive(Debug)]
struct Session {
    /// When it began, in milliseconds like a [`UnixTime`]. It only ever falls.
    began_at: AtomicI64,
    /// Whether tokens of it may have been found active by that beginning.
    is_tracked: AtomicBool,
    /// Held by who asks the store: everybody else waits for the answer.
    turn: Mutex<()>,
}

/// What is known of one session, for one client's tokens.
#[derive(Debug)]
pub struct Tracked {
    session: Arc<Session>,
    /// What the store was asked about. If an earlier beginning shows, it has to be asked again.
    standing: SessionStanding,
    /// Then it is to be looked up again: what was revoked since is in the set until long after.
    until: UnixTime,
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

impl Tracked {
    /// As it is now; `None` if it is to be looked up again.
    pub fn standing(&self, now: UnixTime) -> Option<SessionStanding> {
        let is_as_asked = self.session.began_at() >= self.standing.began_at;
        (now < self.until && is_as_asked).then_some(self.standing)
    }

    /// As it was when the store was asked, and with what has been seen of the session's beginning since.
    pub fn last_standing(&self) -> SessionStanding {
        SessionStanding { began_at: self.session.began_at(), ..self.standing }
    }
}

impl Session {
    fn new(began_at: UnixTime) -> Arc<Self> {
        let began_at = AtomicI64::new(began_at.as_millis());
        Arc::new(Self { began_at, is_tracked: AtomicBool::new(false), turn: Mutex::new(()) })
    }

    /// The earliest that was seen.
    fn began_at(&self) -> UnixTime {
        UnixTime::from_millis(self.began_at.load(Ordering::Relaxed))
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
            known: remembering(),
            shared: remembering(),
            recorder: Recorder::start(Arc::clone(&store), metrics.clone(), tasks),
            store,
            revocations,
            metrics,
            started: Instant::now(),
            resting_until: AtomicI64::new(0),
        }
    }

    /// Whether a token's session, or its old login, has to be looked up before the token passes. A token without a session
    /// can outlive what memory holds of cut-offs only if it stands for a login that is older than that.
    pub fn matters_to(token: &VerifiedToken, now: UnixTime) -> bool {
        let policy = token.policy();
        let claims = token.claims();
        let horizon = now.minus(policy.max_token_lifetime.saturating_add(policy.leeway));
        !claims.session_id().is_empty() || claims.auth_time.is_some_and(|login| login < horizon)
    }

    /// What is known of the token's session; `None` if it has to be looked up, as when the token was issued, or its user logged
    /// in, before what was known as the session's beginning.
    pub fn find(&self, token: &VerifiedToken, now: UnixTime) -> Option<Arc<Tracked>> {
        let tracked = self.known.get(&seen(token)?)?;
        let known = tracked.standing(now)?;
        (own_begin(token, now) >= known.began_at).then_some(tracked)
    }

    /// What was ever seen of the session's beginning, for when the store says nothing.
    pub fn remembered(&self, token: &VerifiedToken) -> Option<SessionStanding> {
        let session = self.shared.get(&token.targets().session?)?;
        Some(SessionStanding { began_at: session.began_at(), has_ended: false })
    }

    /// Asks the store about the token's session and everything else that it can be revoked by, first lives and second: once for
    /// all who ask about a session at the same time.
    pub async fn look_up(&self, token: &VerifiedToken, now: UnixTime) -> Result<Arc<Tracked>, NoSight> {
        // Whether or not the store answers, this much is known.
        let session = self.session_of(token, own_begin(token, now));
        let asked = async {
            let _turn = session.turn.lock().await;
            match self.find(token, now) {
                Some(tracked) => Some(tracked),
                None => Some(self.learn(&session, token, &self.ask(token).await?, now)),
            }
        };
        let tracked = if self.rests() { Ok(None) } else { timeout(SIGHT, asked).await };
        if tracked.is_err() {
            self.rest();
        }
        tracked.ok().flatten().ok_or_else(|| {
            self.metrics.failed();
            NoSight
        })
    }

    fn learn(
        &self,
        session: &Arc<Session>,
        token: &VerifiedToken,
        sight: &Sight,
        now: UnixTime,
    ) -> Arc<Tracked> {
        let stored = sight.session.as_ref();
        if let Some(stored) = stored {
            self.began_by(session, stored.began_at);
        }
        session.is_tracked.store(true, Ordering::Relaxed);
        let began_at = session.began_at();
        let has_ended = stored.is_some_and(|stored| stored.ended_at.is_some())
            || is_revoked(token, began_at, &sight.revocations);
        let tracked = Arc::new(Tracked {
            session: Arc::clone(session),
            standing: SessionStanding { began_at, has_ended },
            until: now.plus(token.policy().max_token_lifetime / 2),
        });
        if let Some(seen) = seen(token) {
            self.known.insert(seen, Arc::clone(&tracked));
            if stored.is_none_or(|stored| began_at < stored.began_at) {
                self.recorder.remember(record(token, began_at, now));
            }
        }
        self.metrics.looked_up(stored.is_some());
        tracked
    }

    /// The token's session, which is known to have begun by then; one of its own for a token without.
    fn session_of(&self, token: &VerifiedToken, began_at: UnixTime) -> Arc<Session> {
        let Some(session) = token.targets().session else { return Session::new(began_at) };
        let session = self.shared.get_with(session, || Session::new(began_at));
        self.began_by(&session, began_at);
        session
    }

    fn began_by(&self, session: &Session, began_at: UnixTime) {
        let began_at = began_at.as_millis();
        let is_earlier = session.began_at.fetch_min(began_at, Ordering::Relaxed) > began_at;
        if is_earlier && session.is_tracked.load(Ordering::Relaxed) {
            // Other tokens of the session were found active with the later beginning.
            self.revocations.changed();
        }
    }

    /// Returns once everything that was seen before is in the store, or will not be.
    pub async fn flush(&self) {
        self.recorder.flush().await;
    }

    /// In turn.
    async fn ask(&self, token: &VerifiedToken) -> Option<Sight> {
        // Who waited for another's turn may have waited for nothing.
        if self.rests() {
            return None;
        }
        let targets = token.targets();
        let asked = [targets.session, targets.exception, targets.subject, targets.client, targets.issuer];
        let asked: Vec<Target> = asked.into_iter().flatten().collect();
        let sight = self.store.sight(targets.session, &asked).await;
        if sight.is_err() {
            self.rest();
        }
        sight.ok()
    }

    fn rests(&self) -> bool {
        self.elapsed() < self.resting_until.load(Ordering::Relaxed)
    }

    fn rest(&self) {
        let rest = i64::try_from(REST.as_millis()).unwrap_or(i64::MAX);
        self.resting_until.store(self.elapsed().saturating_add(rest), Ordering::Relaxed);
    }

    /// In milliseconds.
    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

fn remembering<K: std::hash::Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static>()
-> Cache<K, V> {
    Cache::builder().eviction_policy(EvictionPolicy::lru()).max_capacity(KNOWN_SESSIONS).build()
}

fn seen(token: &VerifiedToken) -> Option<Seen> {
    let targets = token.targets();
    targets.session.map(|session| (session, targets.client))
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
    let of = |kind: TargetKind| kept.iter().find(move |revocation| revocation.target.kind() == kind);
    let reached = |kind| of(kind).filter(|revocation| revocation.reach.reaches(Some(began_at)));
    let exempt = |cut_off: &Revocation| {
        of(TargetKind::Exception).is_some_and(|exception| exception.reach >= cut_off.reach)
    };
    (token.targets().session.is_some() && of(TargetKind::Session).is_some())
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
