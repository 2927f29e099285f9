//! What revocations and sessions say to a token that its issuer signed.

use std::time::Duration;

use tokio::time::timeout;

use super::{Pass, Question, Stop, Validator};
use crate::{
    domain::{
        decide::{Requirements, decide},
        revocation::check::{LastCheck, SessionStanding, check},
        time::UnixTime,
    },
    service::fault::Fault,
    state::{cache::CachedToken, revocations::OnStale, sessions::Sessions},
    store::Revision,
};

/// How long a request waits for a revision that it has seen elsewhere (R8). A caller's own deadline cuts it short.
const REVISION: Duration = Duration::from_secs(2);

/// What is known of a token's session.
pub(super) enum Standing {
    /// This, or that it has none that matters.
    Known(Option<SessionStanding>),
    /// The store has to be asked.
    Unknown,
}

impl Validator {
    /// Without waiting.
    pub(super) fn standing(&self, cached: &CachedToken, now: UnixTime) -> Standing {
        if let Some(session) = cached.session() {
            return session.standing(now).map_or(Standing::Unknown, |known| Standing::Known(Some(known)));
        }
        if !Sessions::matters_to(cached.token(), now) {
            return Standing::Known(None);
        }
        match self.sources.sessions.find(cached.token(), now) {
            Some(session) => {
                let standing = session.standing(now);
                cached.in_session(session);
                standing.map_or(Standing::Unknown, |known| Standing::Known(Some(known)))
            }
            None => Standing::Unknown,
        }
    }

    /// The same, asking the store where that is needed (S5).
    pub(super) async fn look_up_session(&self, cached: &CachedToken) -> Result<Standing, Stop> {
        let now = self.clock.now();
        if let known @ Standing::Known(_) = self.standing(cached, now) {
            return Ok(known);
        }
        // Nothing is asked for a token whose times are wrong by now.
        cached.token().at(now)?;
        match self.sources.sessions.look_up(cached.token(), now).await {
            Ok(session) => {
                let standing = session.last_standing();
                cached.in_session(session);
                Ok(Standing::Known(Some(standing)))
            }
            // The set has been asked, and what it says stands. What only the store knows is what the operator chose to risk.
            Err(_no_sight) if **self.on_stale.load() == OnStale::Serve => Ok(Standing::Unknown),
            Err(_no_sight) => Err(Stop::Fault(Fault::StoreUnavailable)),
        }
    }

    /// The checks of this request. `last` must have been noted with the same knowledge of the session.
    pub(super) fn pass<T>(
        &self,
        cached: &CachedToken,
        (session, last): (Option<SessionStanding>, &LastCheck),
        requirements: &Requirements<'_>,
        now: UnixTime,
        answer: impl FnOnce(Pass<'_>) -> T,
    ) -> Result<T, Stop> {
        let current = cached.token().at(now)?;
        if !self.sources.revocations.is_loaded() {
            return Err(Stop::Fault(Fault::RevocationsStale));
        }
        let active = check(current, session, last, &self.sources.revocations.at(now))?;
        let permit = decide(active, requirements)?;
        let should_refresh = permit.token().should_refresh(now);
        Ok(answer(Pass { permit, cached, should_refresh }))
    }

    /// The revision that the request asks for, if it is not here yet.
    pub(super) fn missing(&self, question: &Question<'_>) -> Result<Option<Revision>, Stop> {
        let Some(asked) = question.min_revision else { return Ok(None) };
        match self.sources.revocations.revision() {
            Some(known) if known.epoch != asked.epoch => Err(Stop::Fault(Fault::RevocationsStale)),
            Some(known) if known.sequence >= asked.sequence => Ok(None),
            Some(_) | None => Ok(Some(asked)),
        }
    }

    /// Waits until everything up to a revision is known.
    pub(super) async fn wait_for(&self, asked: Revision) -> Result<(), Stop> {
        let mut revisions = self.sources.revocations.watch_revision();
        let reached = revisions.wait_for(|known| {
            known.is_some_and(|known| known.epoch != asked.epoch || known.sequence >= asked.sequence)
        });
        let same_epoch = match timeout(REVISION, reached).await {
            Ok(Ok(known)) => known.is_some_and(|known| known.epoch == asked.epoch),
            Ok(Err(_)) | Err(_) => false,
        };
        if same_epoch { Ok(()) } else { Err(Stop::Fault(Fault::RevocationsStale)) }
    }
}
