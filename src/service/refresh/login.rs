//! Handing a login over: its tokens are verified, remembered as a session, and held, so that it can be refreshed by the session's
//! id alone (F13).

mod code;
mod demand;

use std::str;

use super::{
    Refresher,
    lead::refusal,
    outcome::{NotRefreshed, Trouble},
    parties::{Chosen, Party},
    seat::{Beside, Seat, stored},
    standing,
    vet::Facts,
};
use crate::{
    domain::{
        reason::{Reason, Refusal},
        revocation::Target,
        rotation::{NAMED_HERE, Phase, Whose},
        secret::Secret,
        time::UnixTime,
        tokens::Tokens,
    },
    issuer::OAuthClient,
    service::validate::Unidentified,
    store::{Pointed, Pointer, Presented, SessionRecord},
};

pub use self::demand::{AuthorizationCode, Login, Proof};

/// A session that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The provider's id for it, or one from here if its tokens name none.
    pub session_id: String,
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// Of the client.
    pub client_id: String,
    /// Of the organization; empty if the token names none.
    pub organization_id: String,
    /// When the user logged in, as far as the token says.
    pub began_at: UnixTime,
    /// When it was handed over.
    pub handed_over_at: UnixTime,
}

/// What a login consists of, before it is believed.
struct Claimed {
    access_token: Secret,
    token_type: String,
    refresh_token: Option<Secret>,
    id_token: Option<Secret>,
    scopes: Vec<String>,
}

impl Refresher {
    /// Begins a session, or answers with the one that these tokens began before.
    pub async fn create_session(&self, login: &Login<'_>) -> Result<Created, NotRefreshed> {
        login.check()?;
        let party = self.parties.find(login.issuer)?;
        let client = match party.client(login.client_id) {
            Chosen::Client(client) => client.clone(),
            Chosen::Wrong(wrong) => return Err(wrong.into()),
            Chosen::None(trouble) => return Err(trouble.into()),
        };
        let claimed = match login.proof {
            Proof::Tokens { access_token, refresh_token, id_token } => {
                let optional = |text: &str| match text {
                    "" => Ok(None),
                    token => self.readable(token, &party).map(Some),
                };
                Claimed {
                    access_token: self.readable(access_token, &party)?,
                    token_type: "Bearer".to_owned(),
                    refresh_token: optional(refresh_token)?,
                    id_token: optional(id_token)?,
                    scopes: Vec::new(),
                }
            }
            Proof::Code(code) => self.redeem(&party, &client, code, login.caller).await?,
        };
        let facts = self.believe(&party, &client, &claimed, login).await?;
        self.begin(&party, &client, claimed, facts).await
    }

    /// The access token is as good as any, and the ID token, if there is one, is about the same login.
    async fn believe(
        &self,
        party: &Party,
        client: &OAuthClient,
        claimed: &Claimed,
        login: &Login<'_>,
    ) -> Result<Facts, NotRefreshed> {
        let issuer = party.issuer();
        // What came from the provider just now is not the caller's doing.
        let wrong = |refusal: Refusal| match login.proof {
            Proof::Tokens { .. } => NotRefreshed::Refused(refusal),
            Proof::Code(_) => Trouble::UpstreamInvalid.into(),
        };
        let facts = self.facts(&claimed.access_token, issuer, login.certificate).await?;
        let mut facts = facts.map_err(wrong)?;
        if !facts.client_id.is_empty() && facts.client_id != client.id {
            let message = "the access token was issued to another client";
            return Err(wrong(Refusal::new(Reason::ClaimInvalid, message)));
        }
        let Some(id_token) = &claimed.id_token else { return Ok(facts) };
        let text = str::from_utf8(id_token.expose()).unwrap_or_default();
        match self.around.validator.identify(text, issuer).await {
            Ok(identified) if identified.subject == facts.subject => {
                if facts.session_id.is_empty() {
                    facts.session_id = identified.session_id;
                }
                Ok(facts)
            }
            Err(Unidentified::Fault(fault)) => Err(Trouble::Cannot(fault).into()),
            Ok(_another_s) => {
                let message = "the ID token is about another subject than the access token";
                Err(wrong(Refusal::new(Reason::ClaimInvalid, message)))
            }
            Err(Unidentified::NotAToken | Unidentified::OtherIssuer) => {
                let message = "the ID token is not one that the issuer signed";
                Err(wrong(Refusal::new(Reason::BadSignature, message)))
            }
        }
    }

    async fn begin(
        &self,
        party: &Party,
        client: &OAuthClient,
        claimed: Claimed,
        facts: Facts,
    ) -> Result<Created, NotRefreshed> {
        let session_id = match &claimed.refresh_token {
            Some(token) => self.hold(party, client, token, &claimed, &facts).await?,
            None => self.named(&facts),
        };
        let whose = Whose { session_id: session_id.clone(), ..facts.whose() };
        self.refuse_unwanted(party, client, &whose).await?;
        let now = self.around.clock.now();
        let record = SessionRecord {
            issuer: party.issuer().to_owned(),
            session_id: session_id.clone(),
            subject: facts.subject.clone(),
            client_id: client.id.clone(),
            began_at: facts.began_at,
            ended_at: None,
            kept_until: now.plus(party.settings.policy.max_session_lifetime),
        };
        stored(self.around.store.remember_sessions(vec![record])).await?;
        Ok(Created {
            session_id,
            issuer: party.issuer().to_owned(),
            subject: facts.subject,
            client_id: client.id.clone(),
            organization_id: facts.organization_id,
            began_at: facts.began_at,
            handed_over_at: now,
        })
    }

    /// Holds the tokens, and says for which session: the one that the family has already, if it has one.
    async fn hold(
        &self,
        party: &Party,
        client: &OAuthClient,
        token: &Secret,
        claimed: &Claimed,
        facts: &Facts,
    ) -> Result<String, NotRefreshed> {
        let digest = self.around.rotations.digest(party.issuer(), &client.id, token);
        let presented = Presented { token: token.clone(), digest };
        loop {
            let seat = self.seat_for(party, client, &presented).await?;
            let known = seat.family.whose.clone().filter(|whose| !whose.session_id.is_empty());
            if known.as_ref().is_some_and(|whose| whose.subject != facts.subject) {
                let message = "the refresh token belongs to another subject than the access token";
                return Err(Refusal::new(Reason::ClaimInvalid, message).into());
            }
            may_be_held(&seat, &presented)?;
            let session_id = known.map_or_else(|| self.named(facts), |whose| whose.session_id);
            let whose = Whose { session_id: session_id.clone(), ..facts.whose() };
            self.refuse_unwanted(party, client, &whose).await?;
            let until = seat.now().plus(party.settings.policy.max_session_lifetime);
            let mut family = seat.family.clone();
            family.whose = Some(whose);
            family.access = facts.own;
            family.access_expires_at = Some(facts.expires_at);
            family.kept_until = family.kept_until.max(until);
            let held = Tokens {
                access_token: claimed.access_token.clone(),
                token_type: claimed.token_type.clone(),
                expires_at: Some(facts.expires_at),
                refresh_token: Some(token.clone()),
                id_token: claimed.id_token.clone(),
                scopes: claimed.scopes.clone(),
                session_id: session_id.clone(),
            };
            let beside = Beside { hold: Some(held), durably: true, ..Beside::default() };
            if self.swap(&seat, family, beside).await?.is_some() {
                let from = Pointer::Session(Target::session(party.issuer(), &session_id));
                stored(self.around.rotations.point(vec![Pointed { from, to: seat.id, until }])).await?;
                return Ok(session_id);
            }
        }
    }

    /// What the tokens call it, or a name from here.
    fn named(&self, facts: &Facts) -> String {
        if facts.session_id.is_empty() {
            format!("{NAMED_HERE}{:032x}", u128::from_be_bytes(self.draws.id()))
        } else {
            facts.session_id.clone()
        }
    }

    async fn refuse_unwanted(
        &self,
        party: &Party,
        client: &OAuthClient,
        whose: &Whose,
    ) -> Result<(), NotRefreshed> {
        let about = standing::About { issuer: party.issuer(), client_id: &client.id, whose };
        Ok(self.standing_of(&about).await??)
    }
}

/// Only a family's current token can be held: whoever has an earlier one does not have the session's tokens.
fn may_be_held(seat: &Seat, presented: &Presented) -> Result<(), Refusal> {
    if let Phase::Ended { why, .. } = seat.family.phase {
        return Err(refusal(why));
    }
    if seat.is_forgotten || seat.family.current != presented.digest {
        let message = "the refresh token was exchanged already: hand over what it was exchanged for";
        return Err(Refusal::new(Reason::RefreshInvalid, message));
    }
    Ok(())
}
