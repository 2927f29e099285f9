//! Exchange a refresh token once for everybody who asks, on all replicas, and lose nothing on the way (F1 to F13).
//!
//! Who presents a token joins whoever is exchanging it here (`flights`); whoever leads reads the token's family, does what
//! `domain::rotation` decides (`lead`), sends it if that is it (`attempt`), stores what comes back (`complete`), and hands it out
//! if it is what it should be (`vet`).

mod attempt;
mod breaker;
mod by_session;
mod complete;
mod demand;
mod ending;
mod flights;
mod lead;
mod login;
mod outcome;
mod parties;
mod seat;
mod standing;
mod unstored;
mod vet;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use self::{
    flights::Flights,
    parties::{Chosen, Parties, Party},
    seat::Seat,
    unstored::Unstored,
};
use super::{draws::Draws, propagate::Propagator, revoke::Revoker, validate::Validator};
use crate::{
    domain::{
        jws,
        reason::{Reason, Refusal},
        refresh::RefreshSettings,
        secret::Secret,
        time::Clock,
        token::RawToken,
        tokens::Tokens,
    },
    issuer::{HttpClient, IssuerSettings, OAuthClient},
    ops::{
        drain::Tasks,
        metrics::{RefreshMetrics, RefreshOutcome},
    },
    state::{digest::NoRandomness, revocations::Revocations},
    store::{Presented, Rotations, Store},
};

pub use self::{
    demand::{Credential, Demand},
    login::{AuthorizationCode, Created, Login, Proof},
    outcome::{NotRefreshed, Refreshed, Trouble},
};

/// What a refresher works with.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is its type")]
pub struct Surroundings {
    pub rotations: Arc<dyn Rotations>,
    pub store: Arc<dyn Store>,
    pub validator: Arc<Validator>,
    pub revoker: Arc<Revoker>,
    pub revocations: Arc<Revocations>,
    pub propagator: Arc<Propagator>,
    pub clock: Arc<dyn Clock>,
    /// Where what has begun is finished.
    pub tasks: Tasks,
    pub metrics: RefreshMetrics,
}

/// Refreshes.
#[derive(Debug)]
pub struct Refresher {
    around: Surroundings,
    parties: Parties,
    settings: ArcSwap<RefreshSettings>,
    flights: Flights<Landed>,
    /// By authorization code.
    logins: Flights<Created>,
    unstored: Unstored,
    draws: Draws,
}

/// One token to exchange, and for whom.
#[derive(Clone, Debug)]
struct Errand {
    party: Arc<Party>,
    client: OAuthClient,
    presented: Presented,
    scopes: Vec<String>,
    certificate: Option<[u8; 32]>,
    caller: String,
    /// When the token was presented: what it is worth is judged as of then, however long it waits here.
    arrived: Instant,
}

/// Tokens that are stored, or kept until they are.
#[derive(Clone, Debug)]
struct Kept {
    tokens: Arc<Tokens>,
    /// Their family, before they say whose they are.
    seat: Seat,
    /// The certificate of the client that they were obtained for.
    binding: Option<[u8; 32]>,
}

/// Tokens for everybody who waits.
#[derive(Clone, Debug)]
struct Landed {
    tokens: Arc<Tokens>,
    replayed: bool,
    binding: Option<[u8; 32]>,
}

impl Refresher {
    /// Refreshes under these settings, at these issuers, until it gets others.
    pub fn new(
        around: Surroundings,
        http: HttpClient,
        issuers: &[IssuerSettings],
        settings: RefreshSettings,
    ) -> Result<Self, NoRandomness> {
        Ok(Self {
            around,
            parties: Parties::new(http, issuers, &settings),
            settings: ArcSwap::from_pointee(settings),
            flights: Flights::new(),
            logins: Flights::new(),
            unstored: Unstored::default(),
            draws: Draws::fresh()?,
        })
    }

    /// These count from the next request on.
    pub fn replace(&self, issuers: &[IssuerSettings], settings: RefreshSettings) {
        self.parties.replace(issuers, &settings);
        self.settings.store(Arc::new(settings));
    }

    /// Does what is demanded. Once it has begun, a caller that gives up changes nothing about it (F3).
    pub async fn refresh(self: &Arc<Self>, demand: &Demand<'_>) -> Result<Refreshed, NotRefreshed> {
        let outcome = self.do_refresh(demand).await;
        self.around.metrics.ended(match &outcome {
            Ok(Refreshed { replayed: false, .. }) => RefreshOutcome::Refreshed,
            Ok(_earlier) => RefreshOutcome::Replayed,
            Err(NotRefreshed::Refused(_)) => RefreshOutcome::Refused,
            Err(NotRefreshed::Field(_)) => RefreshOutcome::Invalid,
            Err(NotRefreshed::Trouble(_)) => RefreshOutcome::Fault,
        });
        outcome
    }

    async fn do_refresh(self: &Arc<Self>, demand: &Demand<'_>) -> Result<Refreshed, NotRefreshed> {
        let arrived = Instant::now();
        demand.check()?;
        let party = self.parties.find(demand.issuer)?;
        let token = match demand.credential {
            Credential::Session(session_id) => {
                return self.refresh_session(party, session_id, demand, arrived).await;
            }
            Credential::RefreshToken(token) => self.readable(token, &party)?,
        };
        let client = match party.client(demand.client_id) {
            Chosen::Client(client) => client.clone(),
            Chosen::Wrong(wrong) => return Err(wrong.into()),
            Chosen::None(trouble) => return Err(trouble.into()),
        };
        let digest = self.around.rotations.digest(party.issuer(), &client.id, &token);
        self.exchange(Errand {
            party,
            client,
            presented: Presented { token, digest },
            scopes: demand.scopes.to_vec(),
            certificate: demand.certificate,
            caller: demand.caller.to_owned(),
            arrived,
        })
        .await
    }

    /// With whoever is exchanging the same token here.
    async fn exchange(self: &Arc<Self>, errand: Errand) -> Result<Refreshed, NotRefreshed> {
        let (digest, certificate) = (errand.presented.digest, errand.certificate);
        let refresher = Arc::clone(self);
        let lead = |errand: Errand| || refresher.lead(errand);
        let (mut outcome, has_joined) =
            self.flights.join(digest, &self.around.tasks, lead(errand.clone())).await;
        // What the one who leads was refused for what only he asked, or showed, says nothing to others.
        let is_his_alone = |outcome: &Result<Landed, NotRefreshed>| match outcome {
            Err(NotRefreshed::Field(_)) => true,
            Err(NotRefreshed::Refused(refusal)) => refusal.reason() == Reason::BindingMismatch,
            Ok(_) | Err(NotRefreshed::Trouble(_)) => false,
        };
        if has_joined && is_his_alone(&outcome) {
            let refresher = Arc::clone(self);
            (outcome, _) = self.flights.join(digest, &self.around.tasks, || refresher.lead(errand)).await;
        }
        let Landed { tokens, replayed, binding } = outcome?;
        if binding.is_some() && binding != certificate {
            return Err(lead::other_binding().into());
        }
        Ok(Refreshed { tokens: Tokens::clone(&tokens), replayed })
    }

    /// A refresh token that could be one of this issuer's.
    fn readable(&self, text: &str, party: &Party) -> Result<Secret, Refusal> {
        let trust = self.around.validator.trust();
        let token = RawToken::new(text, trust.max_token_bytes())?;
        // Some providers' refresh tokens are JWTs, which say whose they are.
        if jws::unverified_issuer_of(token).is_some_and(|issuer| issuer != party.issuer()) {
            let message = "the refresh token names another issuer than the one asked for";
            return Err(Refusal::new(Reason::IssuerMismatch, message));
        }
        Ok(token.to_secret())
    }

    fn settings(&self) -> Arc<RefreshSettings> {
        self.settings.load_full()
    }
}
