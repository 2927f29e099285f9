//! A family as it was read, and what can be done with it.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Errand, Refresher, outcome::Trouble, parties::Party};
use crate::{
    domain::{
        rotation::{Family, FamilyId, Phase, RefreshDigest, Shown},
        time::{Clock, UnixTime},
        tokens::Tokens,
    },
    issuer::OAuthClient,
    store::{
        Answer, Change, Pointer, Presented, Reading, Rotations, StoreError, Swapped, UNANSWERED, Version,
    },
};

/// How long anything here waits for the store.
pub(super) const TO_STORE: Duration = Duration::from_secs(5);

/// A family, and when that was.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) id: FamilyId,
    pub(super) family: Family,
    /// `None`: nobody has seen it.
    pub(super) version: Option<Version>,
    pub(super) is_held: bool,
    /// Whether the token was one of the family so long ago that the family does not know it any more.
    pub(super) is_forgotten: bool,
    now: UnixTime,
    read_at: Instant,
}

/// What was read of a family, and when.
#[derive(Debug)]
pub(super) struct Found {
    id: FamilyId,
    family: Option<(Family, Version)>,
    is_held: bool,
    now: UnixTime,
    read_at: Instant,
}

/// What is kept beside a new state.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) keep: Option<(Presented, Tokens, UnixTime)>,
    pub(super) forget: Vec<RefreshDigest>,
    pub(super) hold: Option<Tokens>,
    pub(super) durably: bool,
}

impl Found {
    /// The family that is named after the token, if it knows it; otherwise the one that the token is said to belong to, if that
    /// knows it; otherwise the first again. One that was answered from memory (F4) and presented elsewhere before its
    /// predecessor's answer was stored is said to belong to a family, and is exchanged in its own.
    async fn of(
        rotations: &dyn Rotations,
        clock: &dyn Clock,
        digest: &RefreshDigest,
    ) -> Result<Self, Trouble> {
        let own = digest.family();
        let pointed = stored(rotations.family_of(Pointer::Token(*digest)));
        let (first, pointed) = tokio::try_join!(Self::read(rotations, clock, own), pointed)?;
        if !first.knows(digest)
            && let Some(id) = pointed.filter(|id| *id != own)
        {
            let second = Self::read(rotations, clock, id).await?;
            if second.knows(digest) {
                return Ok(second);
            }
        }
        Ok(first)
    }

    async fn read(rotations: &dyn Rotations, clock: &dyn Clock, id: FamilyId) -> Result<Self, Trouble> {
        let Reading { family, is_held, now } = stored(rotations.read(id)).await?;
        let now = now.unwrap_or_else(|| clock.now());
        Ok(Self { id, family, is_held, now, read_at: Instant::now() })
    }

    /// Whether there is one that the token belongs to.
    pub(super) fn knows(&self, digest: &RefreshDigest) -> bool {
        self.family.as_ref().is_some_and(|(family, _)| family.knows(digest))
    }
}

impl Seat {
    /// The same, with another state of the family.
    pub(super) fn with(self, family: Family) -> Self {
        Self { family, ..self }
    }

    /// When it was read, by the same clock as `now`: whoever wanted it had come by then.
    pub(super) fn looked_at(&self) -> UnixTime {
        self.now
    }

    /// Whether what was said to be sent, which can have taken long, will be answered before others stop waiting for it.
    pub(super) fn may_send(&self, within: Duration) -> bool {
        matches!(&self.family.phase, Phase::Sent(attempt) if self.now().plus(within) <= attempt.lease_until)
    }

    /// The time by the clock that the family's times are of.
    pub(super) fn now(&self) -> UnixTime {
        self.now.plus(self.read_at.elapsed())
    }
}

impl Errand {
    /// What was presented, and when, by the clock by which it is now.
    pub(super) fn shown(&self, now: UnixTime) -> Shown<'_> {
        Shown {
            token: &self.presented.digest,
            binding: self.certificate.as_ref(),
            at: came_at(self.arrived, now),
        }
    }
}

fn came_at(arrived: Instant, now: UnixTime) -> UnixTime {
    now.minus(arrived.elapsed())
}

impl Refresher {
    /// The family of the token. One that is said to be it and does not know the token is not: whoever said so failed before
    /// the token became one of it, and the token counts as never seen.
    pub(super) async fn seat(&self, errand: &Errand) -> Result<Seat, Trouble> {
        self.seat_for(&errand.party, &errand.client, &errand.presented).await
    }

    /// The same for a token that nobody wants exchanged.
    pub(super) async fn seat_for(
        &self,
        party: &Party,
        client: &OAuthClient,
        presented: &Presented,
    ) -> Result<Seat, Trouble> {
        let found = self.find_family(&presented.digest).await?;
        Ok(Self::seat_of(found, (party, client, presented)))
    }

    pub(super) async fn find_family(&self, digest: &RefreshDigest) -> Result<Found, Trouble> {
        Found::of(&*self.around.rotations, &*self.around.clock, digest).await
    }

    fn seat_of(
        Found { id, family, is_held, now, read_at }: Found,
        (party, client, presented): (&Party, &OAuthClient, &Presented),
    ) -> Seat {
        let digest = presented.digest;
        let (family, version) = if let Some((family, version)) = family {
            (family, Some(version))
        } else {
            let until = now.plus(UNANSWERED);
            (Family::new(party.issuer(), &client.id, digest, until), None)
        };
        // A family is named after its first token.
        let is_forgotten = !family.knows(&digest);
        Seat { id, family, version, is_held, is_forgotten, now, read_at }
    }

    /// The family becomes this; `None` if it is not what was read any more.
    pub(super) async fn swap(
        &self,
        seat: &Seat,
        to: Family,
        beside: Beside,
    ) -> Result<Option<Seat>, Trouble> {
        let Beside { keep, forget, hold, durably } = beside;
        let is_held = seat.is_held || hold.is_some();
        let change = Change { id: seat.id, from: seat.version, to: to.clone(), keep, forget, hold, durably };
        Ok(match stored(self.around.rotations.swap(change)).await? {
            Swapped::Done(version) => {
                Some(Seat { family: to, version: Some(version), is_held, ..seat.clone() })
            }
            Swapped::Changed => None,
        })
    }
}

/// What the store says, in time.
pub(super) async fn stored<T>(answer: Answer<'_, T>) -> Result<T, Trouble> {
    let said = match timeout(TO_STORE, answer).await {
        Ok(Ok(said)) => return Ok(said),
        Ok(Err(error)) => error,
        Err(_elapsed) => {
            tracing::debug!("the store did not answer a refresh in time");
            return Err(Trouble::StoreUnavailable);
        }
    };
    // It is told by the store's own watch, once for all.
    let is_away =
        matches!(said, StoreError::Redis { .. } | StoreError::Unreachable { .. } | StoreError::Together(_));
    if is_away {
        tracing::debug!(error.message = %said, "the store did not answer a refresh");
    } else {
        tracing::error!(error.message = %said, "the state of a token family cannot be used");
    }
    Err(Trouble::StoreUnavailable)
}

#[cfg(test)]
mod tests;
