//! Refreshing a session whose tokens are held here (F13).

use std::sync::Arc;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::{
    Errand, Kept, Refreshed, Refresher,
    demand::Demand,
    lead::{other_binding, refusal},
    outcome::{NotRefreshed, Trouble},
    parties::{Chosen, Party},
    seat::stored,
    standing,
};
use crate::{
    domain::{
        reason::Reason,
        refresh::Life,
        revocation::Target,
        rotation::{FamilyId, Phase, Whose},
        tokens::Tokens,
    },
    service::revoke::WrongField,
    store::{Pointer, Presented, Reading},
};

impl Refresher {
    pub(super) async fn refresh_session(
        self: &Arc<Self>,
        party: Arc<Party>,
        session_id: &str,
        demand: &Demand<'_>,
        arrived: Instant,
    ) -> Result<Refreshed, NotRefreshed> {
        if !demand.scopes.is_empty() {
            let problem = "what is held of a session is for all who ask: scopes go with a refresh token only";
            return Err(WrongField { field: "scopes", problem }.into());
        }
        let Some(id) = self.family_of_session(&party, demand.client_id, session_id).await? else {
            return Err(self.not_held(&party, session_id).await?);
        };
        let Reading { family, now, .. } = stored(self.around.rotations.read(id)).await?;
        let Some((family, _)) = family else {
            return Err(self.not_held(&party, session_id).await?);
        };
        if let Phase::Ended { why, .. } = family.phase {
            return Err(refusal(why).into());
        }
        let Some(held) = self.held(id).await? else { return Err(Trouble::TokensNotHeld.into()) };
        let client = match party.client(&family.client_id) {
            Chosen::Client(client) => client.clone(),
            Chosen::Wrong(_) | Chosen::None(_) => return Err(Trouble::ClientNotConfigured.into()),
        };
        let Some(token) = held.refresh_token.clone() else { return Err(Trouble::TokensNotHeld.into()) };
        let digest = self.around.rotations.digest(party.issuer(), &client.id, &token);
        let errand = Errand {
            party,
            client,
            presented: Presented { token, digest },
            scopes: Vec::new(),
            certificate: demand.certificate,
            caller: demand.caller.to_owned(),
            // Before its token was read here: what others have done with it since is nobody's theft.
            arrived,
        };
        let now = now.unwrap_or_else(|| self.around.clock.now());
        let ends = held.expires_at;
        let life = self.life_of_held(&errand, &held).await?;
        let early = self.settings().early;
        let is_fresh = life.is_some_and(|life| !life.is_due(now, early, session_id.as_bytes()));
        if is_fresh && !demand.force {
            return self.hand_out_held(&errand, held).await;
        }
        let binding = family.answered.and_then(|answered| answered.binding);
        if binding.is_some() && binding != errand.certificate {
            return Err(other_binding().into());
        }
        let is_valid = ends.is_some_and(|end| now < end);
        match self.exchange(errand.clone()).await {
            Ok(refreshed) => Ok(without_refresh_token(refreshed)),
            // What is held is good still: better than nothing (F8).
            Err(NotRefreshed::Trouble(
                Trouble::RateLimited { .. }
                | Trouble::UpstreamUnavailable { .. }
                | Trouble::OutcomeUnknown { .. }
                | Trouble::ClientRejected,
            )) if is_valid && !demand.force => self.hand_out_held(&errand, held).await,
            Err(other) => Err(other),
        }
    }

    /// When the held access token began and ends; `None`: it is not good any more, whyever, and a new one may be.
    async fn life_of_held(&self, errand: &Errand, held: &Tokens) -> Result<Option<Life>, NotRefreshed> {
        let issuer = errand.party.issuer();
        match self.facts(&held.access_token, issuer, errand.certificate).await? {
            Ok(facts) => Ok(Some(Life { issued_at: facts.issued_at, expires_at: facts.expires_at })),
            // A new one is worth having where this one is over or alone revoked, or the keys have changed; not where what is asked for
            // is wrong. Whether all of the session is revoked is looked at before anything is sent.
            Err(refusal)
                if matches!(
                    refusal.reason(),
                    Reason::Expired
                        | Reason::NotYetValid
                        | Reason::Inactive
                        | Reason::UnknownKey
                        | Reason::BadSignature
                        | Reason::Revoked
                ) =>
            {
                Ok(None)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn held(&self, id: FamilyId) -> Result<Option<Tokens>, Trouble> {
        stored(self.around.rotations.held(id)).await
    }

    async fn hand_out_held(&self, errand: &Errand, held: Tokens) -> Result<Refreshed, NotRefreshed> {
        let seat = self.seat(errand).await?;
        let binding = seat.family.answered.and_then(|answered| answered.binding);
        if binding.is_some() && binding != errand.certificate {
            return Err(other_binding().into());
        }
        let kept = Kept { tokens: Arc::new(held), seat, binding };
        let landed = self.hand_out(errand, &kept, true).await?;
        Ok(without_refresh_token(Refreshed { tokens: Tokens::clone(&landed.tokens), replayed: true }))
    }

    /// Where the session's tokens are held: for this client, or, with none named, for the only one of ours that has them.
    async fn family_of_session(
        &self,
        party: &Party,
        client_id: &str,
        session_id: &str,
    ) -> Result<Option<FamilyId>, NotRefreshed> {
        let of = |client_id: &str| {
            let pointer = pointer_of_session(party.issuer(), client_id, session_id);
            stored(self.around.rotations.family_of(pointer))
        };
        if !client_id.is_empty() {
            return Ok(of(client_id).await?);
        }
        let clients = party.settings.clients.iter().map(|client| of(&client.id));
        let found = try_join_all(clients).await?;
        let mut found = found.into_iter().flatten();
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(WrongField {
                field: "client_id",
                problem: "is needed: the session's tokens are held for several of the issuer's `clients`",
            }
            .into()),
            (one, _) => Ok(one),
        }
    }

    /// Why there are no tokens of a session.
    async fn not_held(&self, party: &Party, session_id: &str) -> Result<NotRefreshed, Trouble> {
        let target = Target::session(party.issuer(), session_id);
        let sight = stored(self.around.store.sight(Some(target), &[target])).await?;
        let here = self.around.revocations.at(self.around.clock.now());
        let Some(session) = &sight.session else {
            return Ok(Trouble::SessionUnknown.into());
        };
        let whose = Whose {
            subject: session.subject.clone(),
            session_id: session_id.to_owned(),
            began_at: session.began_at,
        };
        let about = standing::About { issuer: party.issuer(), client_id: &session.client_id, whose: &whose };
        Ok(match standing::check(&about, &sight, &here) {
            Ok(()) => Trouble::TokensNotHeld.into(),
            Err(refusal) => refusal.into(),
        })
    }
}

/// It stays here (F13).
fn without_refresh_token(refreshed: Refreshed) -> Refreshed {
    let Refreshed { tokens, replayed } = refreshed;
    Refreshed { tokens: Tokens { refresh_token: None, ..tokens }, replayed }
}

/// What leads to the tokens that are held for a session and client: applications share a session where one login is for several, and
/// must not get each other's tokens.
pub(super) fn pointer_of_session(issuer: &str, client_id: &str, session_id: &str) -> Pointer {
    // A client id has no control characters (RFC 6749 appendix A.1), so that no two pairs have one name.
    Pointer::Session(Target::session(issuer, &format!("{client_id}\n{session_id}")))
}
