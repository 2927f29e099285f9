//! The checked form of an `issuers` entry.

use std::{path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::{client::OAuthClient, http::Bounds, introspection::IntrospectionSettings};
use crate::domain::{policy::IssuerPolicy, rotation::Rotation, secret::Secret};

/// One issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    /// What its tokens have to satisfy.
    pub policy: Arc<IssuerPolicy>,
    /// Where its keys come from.
    pub source: KeySource,
    /// How fresh they have to be, and how much of them is read.
    pub keys: KeySettings,
    /// Who this service is there.
    pub clients: Vec<OAuthClient>,
    /// How it can be told to end sessions.
    pub session_api: SessionApi,
    /// How it exchanges refresh tokens.
    pub refresh: IssuerRefresh,
    /// How it is asked about tokens that only it can read; `None`: it is not asked.
    pub introspection: Option<IntrospectionSettings>,
    /// Whether plain http to other hosts than loopback is accepted.
    pub allow_http: bool,
}

impl IssuerSettings {
    /// What bounds each request to it.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { timeout: self.keys.timeout, max_bytes: self.keys.max_bytes, allow_http: self.allow_http }
    }

    /// Whether keys that were got as `other` says may verify under these settings until the first fetch: they are the same
    /// issuer's, from the same place, got under the same rules, and for the same algorithms.
    pub(super) fn has_the_keys_of(&self, other: &Self) -> bool {
        let Self {
            policy,
            source,
            allow_http,
            keys: _,
            clients: _,
            session_api: _,
            refresh: _,
            introspection: _,
        } = self;
        (&policy.issuer, &policy.algorithms) == (&other.policy.issuer, &other.policy.algorithms)
            && (source, allow_http) == (&other.source, &other.allow_http)
    }
}

/// How an issuer exchanges refresh tokens and codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerRefresh {
    /// What it does with a refresh token that was exchanged.
    pub rotation: Rotation,
    /// `resource` (RFC 8707), each sent with every exchange.
    pub resource: Vec<String>,
    /// `audience`, as Auth0 and Hydra know it; empty: none is sent.
    pub audience: String,
}

impl Default for IssuerRefresh {
    /// What is right for a provider that nobody knows anything about.
    fn default() -> Self {
        Self { rotation: Rotation::Strict, resource: Vec::new(), audience: String::new() }
    }
}

/// How an issuer can be told to end sessions. No standard says how, so it comes with its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionApi {
    /// In no way that this service knows.
    None,
    /// Scalekit's REST API.
    Scalekit,
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// OpenID Connect Discovery (`issuer` + `/.well-known/openid-configuration`).
    Discovery,
    /// A JWK set at this address.
    JwksUri(Url),
    /// A JWK set in this file, read again as often as a fetched one.
    JwksFile(PathBuf),
    /// One shared secret (HS256, HS384, HS512).
    Secret(Secret),
}

/// The `keys` section of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// When to fetch and for how long to trust.
    pub freshness: KeyFreshness,
    /// For one fetch, from the first byte sent to the last one read.
    pub timeout: Duration,
    /// Longer documents are refused.
    pub max_bytes: usize,
    /// Sets with more keys are refused.
    pub max_keys: usize,
}

/// When to fetch keys and for how long to trust them; `min_refetch < refresh_after < max_age` (K11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFreshness {
    min_refetch: Duration,
    refresh_after: Duration,
    max_age: Duration,
}

/// The three durations are not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must satisfy min_refetch < refresh_after < max_age")]
pub struct NotInOrder;

impl KeyFreshness {
    /// Checks the order (K11).
    pub fn new(
        min_refetch: Duration,
        refresh_after: Duration,
        max_age: Duration,
    ) -> Result<Self, NotInOrder> {
        if min_refetch < refresh_after && refresh_after < max_age {
            Ok(Self { min_refetch, refresh_after, max_age })
        } else {
            Err(NotInOrder)
        }
    }

    /// The least time between two demand fetches.
    pub fn min_refetch(&self) -> Duration {
        self.min_refetch
    }

    /// How old a set may be before the next scheduled fetch.
    pub fn refresh_after(&self) -> Duration {
        self.refresh_after
    }

    /// How old a set may be and still verify.
    pub fn max_age(&self) -> Duration {
        self.max_age
    }
}
