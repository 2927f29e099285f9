//! Handing a login over: its tokens are verified, remembered as a session, and held, so that it can be refreshed by the session's
//! id alone (F13).

mod code;
mod demand;

use std::{str, sync::Arc};

use tokio::time::Instant;

use super::{
    Errand, Refresher,
    by_session::pointer_of_session,
    lead::refusal,
    outcome::{NotRefreshed, Trouble},
    parties::{Chosen, Party},
    seat::{Beside, Seat, stored},
    standing,
    vet::{Facts, is_id_token_for},
};
use crate::{
    domain::{
        reason::{Reason, Refusal},
        rotation::{Family, NAMED_HERE, Phase, Whose},
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

/// For whom.
#[derive(Clone, Debug)]
struct Whom {
    party: Arc<Party>,
    client: OAuthClient,
    certificate: Option<[u8; 32]>,
    caller: String,
}

impl Whom {
    fn errand(&self, presented: Presented) -> Errand {
        let Self { party, client, certificate, caller } = self.clone();
        Errand { party, client, presented, scopes: Vec::new(), certificate, caller, arrived: Instant::now() }
    }
}

/// What a login consists of, before it is believed.
struct Claimed {
    access_token: Secret,
    token_type: String,
    refresh_token: Option<Secret>,
    id_token: Option<Secret>,
    scopes: Vec<String>,
    /// Whether it came from the provider just now, rather than from whoever asks.
    is_from_provider: bool,
}

impl Claimed {
    fn held(&self, refresh_token: &Secret, facts: &Facts, session_id: &str) -> Tokens {
        Tokens {
            access_token: self.access_token.clone(),
            token_type: self.token_type.clone(),
            expires_at: Some(facts.expires_at),
            refresh_token: Some(refresh_token.clone()),
            id_token: self.id_token.clone(),
            scopes: self.scopes.clone(),
            session_id: session_id.to_owned(),
        }
    }
}

impl Refresher {
    /// Begins a session, or answers with the one that these tokens began before.
    pub async fn create_session(self: &Arc<Self>, login: &Login<'_>) -> Result<Created, NotRefreshed> {
        login.check()?;
        let party = self.parties.find(login.issuer)?;
        let client = match party.client(login.client_id) {
            Chosen::Client(client) => client.clone(),
            Chosen::Wrong(wrong) => return Err(wrong.into()),
            Chosen::None(trouble) => return Err(trouble.into()),
        };
        let (certificate, caller) = (login.certificate, login.caller.to_owned());
        let whom = Whom { party, client, certificate, caller };
        self.take_limits(&whom.party, &whom.caller, None).await?;
        match login.proof {
            Proof::Tokens { access_token, refresh_token, id_token } => {
                let optional = |text: &str| match text {
                    "" => Ok(None),
                    token => self.readable(token, &whom.party).map(Some),
                };
                let claimed = Claimed {
                    access_token: self.readable(access_token, &whom.party)?,
                    token_type: "Bearer".to_owned(),
                    refresh_token: optional(refresh_token)?,
                    id_token: optional(id_token)?,
                    scopes: Vec::new(),
                    is_from_provider: false,
                };
                let facts = self.believe(&whom, &claimed).await?;
                self.begin(&whom, claimed, facts).await
            }
            Proof::Code(code) => self.create_by_code(whom, code).await,
        }
    }

    /// The access token is as good as any, and the ID token, if there is one, is about the same login.
    async fn believe(&self, whom: &Whom, claimed: &Claimed) -> Result<Facts, NotRefreshed> {
        let (issuer, client) = (whom.party.issuer(), &whom.client);
        // What came from the provider just now is not the caller's doing, but for what was revoked or not shown.
        let is_callers = |reason| matches!(reason, Reason::Revoked | Reason::BindingMismatch);
        let wrong = |refusal: Refusal| {
            if claimed.is_from_provider && !is_callers(refusal.reason()) {
                NotRefreshed::from(Trouble::UpstreamInvalid)
            } else {
                refusal.into()
            }
        };
        let facts = self.facts(&claimed.access_token, issuer, whom.certificate).await?;
        let mut facts = facts.map_err(wrong)?;
        if !facts.client_id.is_empty() && facts.client_id != client.id {
            let message = "the access token was issued to another client";
            return Err(wrong(Refusal::new(Reason::ClaimInvalid, message)));
        }
        let Some(id_token) = &claimed.id_token else { return Ok(facts) };
        let text = str::from_utf8(id_token.expose()).unwrap_or_default();
        match self.around.validator.identify(text, issuer).await {
            Ok(identified) if identified.subject != facts.subject => {
                let message = "the ID token is about another subject than the access token";
                Err(wrong(Refusal::new(Reason::ClaimInvalid, message)))
            }
            Ok(identified) if is_id_token_for(&identified, &client.id) => {
                if facts.session_id.is_empty() {
                    facts.session_id = identified.session_id;
                }
                Ok(facts)
            }
            Err(Unidentified::Fault(fault)) => Err(Trouble::Cannot(fault).into()),
            Ok(_none) => {
                let message = "the ID token is none, or not for this client";
                Err(wrong(Refusal::new(Reason::WrongKind, message)))
            }
            Err(Unidentified::NotAToken | Unidentified::OtherIssuer) => {
                let message = "the ID token is not one that the issuer signed";
                Err(wrong(Refusal::new(Reason::BadSignature, message)))
            }
        }
    }

    async fn begin(
        self: &Arc<Self>,
        whom: &Whom,
        claimed: Claimed,
        facts: Facts,
    ) -> Result<Created, NotRefreshed> {
        let Whom { party, client, .. } = whom;
        let session_id = match &claimed.refresh_token {
            Some(token) => self.hold(whom, token, &claimed, &facts).await?,
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
        self: &Arc<Self>,
        whom: &Whom,
        token: &Secret,
        claimed: &Claimed,
        facts: &Facts,
    ) -> Result<String, NotRefreshed> {
        let Whom { party, client, .. } = whom;
        let digest = self.around.rotations.digest(party.issuer(), &client.id, token);
        let errand = whom.errand(Presented { token: token.clone(), digest });
        loop {
            let seat = self.seat(&errand).await?;
            if seat.version.is_none() {
                self.refuse_strangers(&errand).await?;
            }
            may_be_held(&seat, &errand.presented)?;
            let whose = self.whose(&seat, facts)?;
            self.refuse_unwanted(party, client, &whose).await?;
            let session_id = whose.session_id.clone();
            let until = seat.now().plus(party.settings.policy.max_session_lifetime);
            let mut family = seat.family.clone();
            family.whose = Some(whose);
            family.access = facts.own;
            family.access_expires_at = Some(facts.expires_at);
            family.kept_until = family.kept_until.max(until);
            if claimed.is_from_provider {
                family.generation = family.generation.max(1);
            }
            let beside = Beside {
                hold: Some(claimed.held(token, facts, &session_id)),
                durably: true,
                ..Beside::default()
            };
            let Some(seat) = self.swap(&seat, family, beside).await? else { continue };
            let from = pointer_of_session(party.issuer(), &client.id, &session_id);
            if !claimed.is_from_provider && self.is_held_elsewhere(from, &seat).await? {
                // Anybody can show an access token of the session beside a refresh token of his own: the provider has to say
                // that they belong together (F12) before what is held is given up for it.
                self.exchange(errand.clone()).await?;
            }
            stored(self.around.rotations.point(vec![Pointed { from, to: seat.id, until }])).await?;
            return Ok(session_id);
        }
    }

    /// Whose it is: what the family is known to be, and what the access token says, if both say the same.
    fn whose(&self, seat: &Seat, facts: &Facts) -> Result<Whose, Refusal> {
        let wrong = |message| Err(Refusal::new(Reason::ClaimInvalid, message));
        let named = self.named(facts);
        let Some(known) = &seat.family.whose else { return Ok(Whose { session_id: named, ..facts.whose() }) };
        if known.subject != facts.subject {
            return wrong("the refresh token belongs to another subject than the access token");
        }
        let is_another = !known.session_id.is_empty()
            && !known.is_named_here()
            && !facts.session_id.is_empty()
            && facts.session_id != known.session_id;
        if is_another {
            return wrong("the refresh token belongs to another session than the access token");
        }
        let session_id = if known.session_id.is_empty() { named } else { known.session_id.clone() };
        // R4: the earliest that is known counts.
        Ok(Whose { session_id, began_at: known.began_at.min(facts.began_at), ..known.clone() })
    }

    /// Whether other tokens are held for the session, which still can be refreshed.
    async fn is_held_elsewhere(&self, session: Pointer, seat: &Seat) -> Result<bool, Trouble> {
        let Some(id) = stored(self.around.rotations.family_of(session)).await?.filter(|id| *id != seat.id)
        else {
            return Ok(false);
        };
        let reading = stored(self.around.rotations.read(id)).await?;
        let is_alive = |(family, _): &(Family, _)| !matches!(family.phase, Phase::Ended { .. });
        Ok(reading.is_held && reading.family.as_ref().is_some_and(is_alive))
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
