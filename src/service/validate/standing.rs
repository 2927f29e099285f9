//! What revocations and sessions say to a token that its issuer signed.

use std::time::Duration;

use tokio::time::{Instant, timeout};

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
/// Contact comes each second by itself. Who wants what is known to be younger than this is worth another one...
const BY_ITSELF: Duration = Duration::from_secs(2);
/// ...and waits so long for it (R7).
const CONTACT: Duration = Duration::from_millis(500);

/// What a request wants to be known that is not.
#[derive(Clone, Copy)]
pub(super) struct Missing {
    /// Everything up to here (R8).
    revision: Option<Revision>,
    /// Everything up to this time (R7).
    since: Option<Instant>,
}

/// What is known of a token's session.
pub(super) enum Standing {
    /// This, or that it has none that matters.
    Known(Option<SessionStanding>),
    /// The store has to be asked.
    Unknown,
}

/// What the request wants to know is on its way, or contact is about to be sought again.
const STALE: Stop = Stop::Fault(Fault::RevocationsStale { retry_after: Some(Duration::from_secs(1)) });
/// It will never be known here.
const NEVER: Stop = Stop::Fault(Fault::RevocationsStale { retry_after: None });

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
        if !self.sources.revocations.is_loaded() || self.is_too_old() {
            return Err(STALE);
        }
        let active = check(current, session, last, &self.sources.revocations.at(now))?;
        let permit = decide(active, requirements)?;
        let should_refresh = permit.token().should_refresh(now, self.early());
        Ok(answer(Pass { permit, cached, should_refresh }))
    }

    /// Whether what is known of revocations is too old for the operator. Never with a store that nobody else writes to.
    fn is_too_old(&self) -> bool {
        self.sources.contact.as_ref().is_some_and(|contact| {
            // First what is cheaper, and mostly decides.
            **self.on_stale.load() == OnStale::Refuse && contact.is_stale()
        })
    }

    /// What the request wants to be known, if it is not.
    pub(super) fn missing(&self, question: &Question<'_>) -> Result<Option<Missing>, Stop> {
        let revision = match question.min_revision {
            Some(asked) => self.missing_revision(asked)?,
            None => None,
        };
        let since = match question.max_staleness {
            Some(asked) => self.missing_contact(asked)?,
            None => None,
        };
        Ok((revision.is_some() || since.is_some()).then_some(Missing { revision, since }))
    }

    fn missing_revision(&self, asked: Revision) -> Result<Option<Revision>, Stop> {
        let Some(reached) = self.sources.revocations.reached() else { return Ok(Some(asked)) };
        if reached.covers(asked) {
            return Ok(None);
        }
        // Of a store that others write to, the feed may be about to tell of another epoch.
        let others_write = self.sources.revocations.is_followed();
        let is_hopeless = !others_write && reached.revision().epoch != asked.epoch;
        if is_hopeless || reached.never_covers(asked) { Err(NEVER) } else { Ok(Some(asked)) }
    }

    fn missing_contact(&self, asked: Duration) -> Result<Option<Instant>, Stop> {
        let Some(contact) = &self.sources.contact else { return Ok(None) };
        if contact.age() <= asked {
            return Ok(None);
        }
        let now = Instant::now();
        if asked < BY_ITSELF { Ok(Some(now.checked_sub(asked).unwrap_or(now))) } else { Err(STALE) }
    }

    /// Waits until it is known.
    pub(super) async fn wait_for(&self, missing: Missing) -> Result<(), Stop> {
        if let Some(revision) = missing.revision {
            self.wait_for_revision(revision).await?;
        }
        if let (Some(contact), Some(since)) = (&self.sources.contact, missing.since) {
            timeout(CONTACT, contact.hear_since(since)).await.map_err(|_elapsed| STALE)?;
        }
        Ok(())
    }

    async fn wait_for_revision(&self, asked: Revision) -> Result<(), Stop> {
        let mut reached = self.sources.revocations.watch_reached();
        let decided = reached.wait_for(|reached| {
            reached.as_ref().is_some_and(|reached| reached.covers(asked) || reached.never_covers(asked))
        });
        match timeout(REVISION, decided).await {
            Ok(Ok(reached)) if reached.as_ref().is_some_and(|reached| reached.covers(asked)) => Ok(()),
            Ok(Ok(_)) => Err(NEVER),
            Ok(Err(_)) | Err(_) => Err(STALE),
        }
    }
}
