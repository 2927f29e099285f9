//! The issuers where something can be refreshed, as the configuration has them now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::{breaker::Breaker, outcome::Trouble};
use crate::{
    domain::{refresh::RefreshSettings, rotation::Rules},
    issuer::{HttpClient, IssuerSettings, OAuthClient, TokenEndpoint},
    service::revoke::WrongField,
};

/// How long a client that the provider refused is not tried.
const REJECTED: Duration = Duration::from_secs(30);

/// One issuer, and what is known of its token endpoint.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) settings: IssuerSettings,
    pub(super) endpoint: TokenEndpoint,
    /// So many exchanges at once (F8).
    pub(super) gate: Semaphore,
    pub(super) breaker: Breaker,
    clients: Mutex<HashMap<String, Arc<Breaker>>>,
    /// How many places the gate has.
    places: usize,
}

/// All of them, by `iss`.
#[derive(Debug)]
pub(super) struct Parties {
    http: HttpClient,
    by_issuer: ArcSwap<HashMap<String, Arc<Party>>>,
}

/// Which client of ours is meant, or why none is.
pub(super) enum Chosen<'p> {
    Client(&'p OAuthClient),
    Wrong(WrongField),
    None(Trouble),
}

impl Party {
    fn new(settings: &IssuerSettings, http: HttpClient, refresh: &RefreshSettings) -> Self {
        Self {
            endpoint: TokenEndpoint::new(settings, http),
            settings: settings.clone(),
            gate: Semaphore::new(refresh.max_concurrent),
            breaker: Breaker::default(),
            clients: Mutex::default(),
            places: refresh.max_concurrent,
        }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.settings.policy.issuer
    }

    /// The client with this id; with none, the only one.
    pub(super) fn client(&self, id: &str) -> Chosen<'_> {
        let clients = &self.settings.clients;
        match (id, clients.as_slice()) {
            (_, []) => Chosen::None(Trouble::ClientNotConfigured),
            ("", [only]) => Chosen::Client(only),
            ("", _several) => Chosen::Wrong(WrongField {
                field: "client_id",
                problem: "is needed: the issuer has several `clients` here",
            }),
            (id, _) => match clients.iter().find(|client| client.id == id) {
                Some(client) => Chosen::Client(client),
                None => Chosen::None(Trouble::ClientNotConfigured),
            },
        }
    }

    /// By what is decided there.
    pub(super) fn rules(&self, refresh: &RefreshSettings) -> Rules {
        Rules {
            rotation: self.settings.refresh.rotation,
            replay: refresh.replay,
            replay_max: refresh.replay_max,
            lineage: refresh.lineage,
            lease: refresh.lease,
            limit: refresh.limit,
        }
    }

    /// Whether this client may be tried.
    pub(super) fn client_passes(&self, client: &OAuthClient) -> Result<(), Trouble> {
        self.breaker_of(client).pass().map_err(|_pause| Trouble::ClientRejected)
    }

    /// The provider refused it.
    pub(super) fn client_rejected(&self, client: &OAuthClient) {
        self.breaker_of(client).rejected(REJECTED);
    }

    fn breaker_of(&self, client: &OAuthClient) -> Arc<Breaker> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(clients.entry(client.id.clone()).or_default())
    }
}

impl Parties {
    /// These.
    pub(super) fn new(http: HttpClient, settings: &[IssuerSettings], refresh: &RefreshSettings) -> Self {
        let parties = Self { http, by_issuer: ArcSwap::default() };
        parties.replace(settings, refresh);
        parties
    }

    /// From now on these. One whose settings stay keeps what it knows.
    pub(super) fn replace(&self, settings: &[IssuerSettings], refresh: &RefreshSettings) {
        let known = self.by_issuer.load();
        let party = |settings: &IssuerSettings| {
            let is_same = |it: &&Arc<Party>| it.settings == *settings && it.places == refresh.max_concurrent;
            let known = known.get(&settings.policy.issuer).filter(is_same);
            let new = || Arc::new(Party::new(settings, self.http.clone(), refresh));
            known.map_or_else(new, Arc::clone)
        };
        let all = settings.iter().map(|it| (it.policy.issuer.clone(), party(it))).collect();
        self.by_issuer.store(Arc::new(all));
    }

    /// The one with this `iss`; with none, the only one.
    pub(super) fn find(&self, issuer: &str) -> Result<Arc<Party>, WrongField> {
        let all = self.by_issuer.load();
        let only = || if all.len() == 1 { all.values().next() } else { None };
        let found = if issuer.is_empty() { only() } else { all.get(issuer) };
        let problem = if issuer.is_empty() {
            "is needed: there is not exactly one issuer configured here"
        } else {
            "no issuer with exactly this `iss` is configured here"
        };
        found.cloned().ok_or(WrongField { field: "issuer", problem })
    }

    /// Every pair of issuer and client but this one.
    pub(super) fn other_pairs(&self, issuer: &str, client_id: &str) -> Vec<(String, String)> {
        let all = self.by_issuer.load();
        let pairs = all.values().flat_map(|party| {
            let issuer = party.issuer().to_owned();
            party.settings.clients.iter().map(move |client| (issuer.clone(), client.id.clone()))
        });
        pairs.filter(|(one, client)| (one.as_str(), client.as_str()) != (issuer, client_id)).collect()
    }
}
