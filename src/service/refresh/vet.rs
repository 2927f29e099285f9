//! Before tokens are handed out: are they what this service accepts, are they the session's (F12), and is the session still
//! wanted (F11)?

use std::{str, sync::Arc};

use super::{
    Errand, Kept, Landed, Refresher,
    flights::Outcome,
    outcome::{NotRefreshed, Trouble},
    seat::{Beside, Seat, stored},
    standing,
};
use crate::{
    domain::{
        decide::{Presented as Shown, Requirements, Scheme},
        kind::TokenKind,
        reason::{Reason, Refusal},
        revocation::Target,
        rotation::{Ended, Family, Whose},
        secret::Secret,
        time::UnixTime,
        tokens::Tokens,
        verify::VerifiedToken,
    },
    service::validate::{Identified, Question, Unidentified},
    store::Sight,
};

/// What a verified access token says about the session.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) subject: String,
    pub(super) client_id: String,
    pub(super) session_id: String,
    pub(super) organization_id: String,
    pub(super) expires_at: UnixTime,
    pub(super) began_at: UnixTime,
    pub(super) issued_at: Option<UnixTime>,
    pub(super) own: Option<Target>,
}

impl Facts {
    fn of(token: &VerifiedToken) -> Self {
        let claims = token.claims();
        let began_at = claims.auth_time.or(claims.issued_at).unwrap_or_else(|| UnixTime::from_millis(0));
        Self {
            subject: claims.subject().to_owned(),
            client_id: claims.client_id().to_owned(),
            session_id: claims.session_id().to_owned(),
            organization_id: claims.organization_id().to_owned(),
            expires_at: claims.expires_at,
            began_at,
            issued_at: claims.issued_at,
            own: token.own_target(),
        }
    }

    pub(super) fn whose(&self) -> Whose {
        let Self { subject, session_id, began_at, .. } = self.clone();
        Whose { subject, session_id, began_at }
    }
}

impl Refresher {
    /// Whose the access token is, if that can be told without waiting. Whether it may pass is asked when it is handed out.
    pub(super) fn facts_at_once(&self, access_token: &Secret, issuer: &str) -> Option<Facts> {
        let token = str::from_utf8(access_token.expose()).ok()?;
        let cached = self.around.validator.access_token_at_once(token, issuer)?;
        Some(Facts::of(cached.token()))
    }

    /// What the access token says, once it has been verified like any other; or why it is refused.
    pub(super) async fn facts(
        &self,
        access_token: &Secret,
        issuer: &str,
        certificate: Option<[u8; 32]>,
    ) -> Result<Result<Facts, Refusal>, Trouble> {
        let no_text = Refusal::new(Reason::Malformed, "the access token is no text");
        let Ok(token) = str::from_utf8(access_token.expose()) else { return Ok(Err(no_text)) };
        let question = question(token, issuer, certificate);
        let verdict = self.around.validator.validate(&question, |pass| Facts::of(pass.permit.token())).await;
        Ok(verdict.map_err(Trouble::Cannot)?.outcome)
    }

    /// What is handed out is good now and the session's.
    pub(super) async fn hand_out(&self, errand: &Errand, kept: &Kept, replayed: bool) -> Outcome<Landed> {
        let Kept { tokens, seat, binding } = kept;
        let facts = match self.vet(errand, tokens, seat, replayed).await {
            Ok(facts) => facts,
            Err(NotRefreshed::Refused(refusal)) if refusal.reason() == Reason::Revoked => {
                return Err(self.revoked(errand, kept, refusal).await);
            }
            Err(other) => return Err(other),
        };
        let known = seat.family.whose.as_ref();
        let whose = known.cloned().or_else(|| facts.as_ref().map(Facts::whose));
        // The store was asked before the token was sent, and is away now: what is known here has to do (F4).
        let is_stored = self.unstored.find(&errand.presented.digest).is_none();
        if let Some(whose) = &whose {
            let standing = if is_stored {
                self.standing(errand, whose).await?
            } else {
                self.standing_here(errand, whose)
            };
            if let Err(refusal) = standing {
                return Err(self.withdraw(errand, seat, tokens, refusal).await);
            }
        }
        if let Some(facts) = facts.as_ref().filter(|_known| is_stored) {
            self.learn(errand, &seat.family, facts).await;
        }
        let tokens = self.without_strange_id_token(errand, tokens, facts.as_ref(), seat).await?;
        Ok(Landed { tokens, replayed, binding: *binding })
    }

    /// `None`: the access token has expired since it was obtained, which does not matter to whoever needs the refresh token;
    /// whose it is was looked at then.
    async fn vet(
        &self,
        errand: &Errand,
        tokens: &Tokens,
        seat: &Seat,
        replayed: bool,
    ) -> Outcome<Option<Facts>> {
        match self.facts(&tokens.access_token, errand.party.issuer(), errand.certificate).await? {
            Ok(facts) if is_of(&facts, seat, errand) => Ok(Some(facts)),
            Ok(_another_s) => {
                tracing::error!(
                    token.issuer = %errand.party.settings.policy.name,
                    "the identity provider gave tokens of another subject, client or session: they are handed to nobody"
                );
                Err(Trouble::UpstreamInvalid.into())
            }
            Err(refusal) if matches!(refusal.reason(), Reason::Revoked | Reason::BindingMismatch) => {
                Err(refusal.into())
            }
            // An issuer that is asked about it says no more than that it is over.
            Err(refusal)
                if matches!(refusal.reason(), Reason::Expired | Reason::Inactive)
                    && replayed
                    && seat.family.whose.is_some() =>
            {
                Ok(None)
            }
            Err(refusal) => {
                tracing::error!(
                    token.issuer = %errand.party.settings.policy.name,
                    error.type = refusal.reason().as_str(),
                    error.message = refusal.message(),
                    "the identity provider gave an access token that this service does not accept"
                );
                Err(Trouble::UpstreamInvalid.into())
            }
        }
    }

    /// Whether the session is still wanted, as the store says and as this replica knows (F11).
    pub(super) async fn standing(
        &self,
        errand: &Errand,
        whose: &Whose,
    ) -> Result<Result<(), Refusal>, Trouble> {
        self.standing_of(&errand.about(whose)).await
    }

    pub(super) async fn standing_of(
        &self,
        about: &standing::About<'_>,
    ) -> Result<Result<(), Refusal>, Trouble> {
        let sight = stored(self.around.store.sight(about.session(), &about.targets())).await?;
        let here = self.around.revocations.at(self.around.clock.now());
        Ok(standing::check(about, &sight, &here))
    }

    /// The same, as far as this replica knows.
    fn standing_here(&self, errand: &Errand, whose: &Whose) -> Result<(), Refusal> {
        let here = self.around.revocations.at(self.around.clock.now());
        standing::check(&errand.about(whose), &Sight::default(), &here)
    }

    /// Before anything is sent: nothing is sent for what is revoked.
    pub(super) async fn refuse_revoked(&self, errand: &Errand, seat: &Seat) -> Outcome<()> {
        let Some(whose) = &seat.family.whose else { return Ok(()) };
        let Err(refusal) = self.standing(errand, whose).await? else { return Ok(()) };
        let ended = seat.family.clone().ended(Ended::Revoked, seat.now());
        drop(self.swap(seat, ended, Beside::default()).await);
        Err(refusal.into())
    }

    /// The access token is revoked. If all of the session is, that is the end of it; if it is this one token, its session goes on.
    async fn revoked(&self, errand: &Errand, kept: &Kept, refusal: Refusal) -> NotRefreshed {
        let Kept { tokens, seat, .. } = kept;
        match &seat.family.whose {
            Some(whose) if matches!(self.standing(errand, whose).await, Ok(Ok(()))) => refusal.into(),
            Some(_) | None => self.withdraw(errand, seat, tokens, refusal).await,
        }
    }

    /// A revocation wins: the tokens go to nobody, and the provider is told of their refresh token.
    async fn withdraw(
        &self,
        errand: &Errand,
        seat: &Seat,
        tokens: &Arc<Tokens>,
        refusal: Refusal,
    ) -> NotRefreshed {
        if let Ok(seat) = self.seat(errand).await {
            let ended = seat.family.clone().ended(Ended::Revoked, seat.now());
            drop(self.swap(&seat, ended, Beside { durably: true, ..Beside::default() }).await);
        } else {
            tracing::debug!(refresh.family = ?seat.id, "a revoked family could not be ended");
        }
        if let Some(token) = &tokens.refresh_token {
            self.tell_provider(errand.party.issuer(), &errand.client.id, token).await;
        }
        refusal.into()
    }

    /// What could not be told of the access token when the answer was stored, because that had to wait for something.
    async fn learn(&self, errand: &Errand, stored: &Family, facts: &Facts) {
        let is_last = stored.answered.is_some_and(|answered| answered.to == errand.presented.digest);
        let is_known = !is_last || facts.own.is_none() || stored.access == facts.own;
        if stored.whose.is_some() && is_known {
            return;
        }
        let Ok(seat) = self.seat(errand).await else { return };
        let mut family = seat.family.clone();
        family.whose.get_or_insert_with(|| facts.whose());
        if !is_known && family.generation == stored.generation {
            family.access = facts.own;
            family.access_expires_at = Some(facts.expires_at);
        }
        if seat.version.is_some() && family != seat.family {
            drop(self.swap(&seat, family, Beside::default()).await);
        }
    }

    /// An ID token is handed on if the issuer signed it for the same subject; one of another subject damns the whole answer,
    /// and one that cannot be verified here is left out.
    async fn without_strange_id_token(
        &self,
        errand: &Errand,
        tokens: &Arc<Tokens>,
        facts: Option<&Facts>,
        seat: &Seat,
    ) -> Outcome<Arc<Tokens>> {
        let Some(id_token) = &tokens.id_token else { return Ok(Arc::clone(tokens)) };
        let known = seat.family.whose.as_ref().map(|whose| whose.subject.as_str());
        let subject = known.or_else(|| facts.map(|facts| facts.subject.as_str())).unwrap_or_default();
        let text = str::from_utf8(id_token.expose()).unwrap_or_default();
        match self.around.validator.identify(text, errand.party.issuer()).await {
            Ok(identified) if identified.subject != subject => Err(Trouble::UpstreamInvalid.into()),
            Ok(identified) if is_id_token_for(&identified, &errand.client.id) => Ok(Arc::clone(tokens)),
            Err(Unidentified::Fault(fault)) => Err(Trouble::Cannot(fault).into()),
            Ok(_) | Err(Unidentified::NotAToken | Unidentified::OtherIssuer) => {
                tracing::warn!(
                    token.issuer = %errand.party.settings.policy.name,
                    "an ID token that came with a refresh cannot be verified: it is left out"
                );
                Ok(Arc::new(Tokens { id_token: None, ..Tokens::clone(tokens) }))
            }
        }
    }
}

impl Errand {
    fn about<'a>(&'a self, whose: &'a Whose) -> standing::About<'a> {
        standing::About { issuer: self.party.issuer(), client_id: &self.client.id, whose }
    }
}

/// OpenID Connect Core section 3.1.3.7: it is an ID token, and for this client.
pub(super) fn is_id_token_for(identified: &Identified, client_id: &str) -> bool {
    identified.id_token_for.as_ref().is_some_and(|audiences| audiences.iter().any(|one| one == client_id))
}

/// F12: what the token says must be what the session's tokens said. What it does not say is no contradiction.
fn is_of(facts: &Facts, seat: &Seat, errand: &Errand) -> bool {
    let same_client = facts.client_id.is_empty() || facts.client_id == errand.client.id;
    let Some(whose) = &seat.family.whose else { return same_client };
    let same_session = facts.session_id.is_empty()
        || whose.session_id.is_empty()
        || facts.session_id == whose.session_id
        || whose.is_named_here();
    same_client && same_session && facts.subject == whose.subject
}

/// As for any access token of this issuer. One that is bound to a certificate is for whoever shows it here, too (E8).
fn question<'r>(token: &'r str, issuer: &'r str, certificate: Option<[u8; 32]>) -> Question<'r> {
    let presented = Shown { scheme: Scheme::Bearer, certificate };
    let requirements = Requirements { issuer, presented, ..Requirements::of_kind(TokenKind::Access) };
    Question { token: token.as_bytes(), requirements, min_revision: None, max_staleness: None }
}
