//! Our own trouble: why nobody can tell whether a token is good. Never to be confused with a refusal.

use std::time::Duration;

/// When to ask again while the store does not answer.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Why there is no answer. The reasons are API (docs/errors.md).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There are no usable keys for the token's issuer.
    #[error("no usable keys for the token's issuer")]
    KeysUnavailable {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The issuer was asked, and did not say.
    #[error("the token's issuer does not answer")]
    UpstreamUnavailable {
        /// When asking again makes sense, if it does.
        retry_after: Option<Duration>,
    },
    /// The issuer does not take this service's credentials.
    #[error("the token's issuer refuses this service's client credentials")]
    ClientRejected,
    /// This service cannot be a client of the issuer in the way that is needed.
    #[error("this service is not set up as a client of the token's issuer for this")]
    ClientNotConfigured,
    /// The store does not say what it knows of the token's session.
    #[error("the store does not answer about the token's session")]
    StoreUnavailable,
    /// What is known of revocations is older than the request or the configuration allows, or not as new as the request asks for.
    #[error("the revocations known here are older than the request or the configuration allows")]
    RevocationsStale {
        /// When asking again makes sense; `None`: never, because the request asks for another history.
        retry_after: Option<Duration>,
    },
}

impl Fault {
    /// `google.rpc.ErrorInfo.reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::KeysUnavailable { .. } => "KEYS_UNAVAILABLE",
            Self::UpstreamUnavailable { .. } => "UPSTREAM_UNAVAILABLE",
            Self::ClientRejected => "CLIENT_REJECTED",
            Self::ClientNotConfigured => "CLIENT_NOT_CONFIGURED",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::RevocationsStale { .. } => "REVOCATIONS_STALE",
        }
    }

    /// For the caller.
    pub fn message(&self) -> &'static str {
        match self {
            Self::KeysUnavailable { .. } => {
                "cannot tell: this service has no usable keys for the token's issuer; the token may well be good"
            }
            Self::UpstreamUnavailable { .. } => {
                "cannot tell: the token's issuer was asked, or would have to be, and does not answer now; the token may well be good"
            }
            Self::ClientRejected => {
                "cannot tell: the token's issuer refuses the client credentials that this service has for it; an operator has to act"
            }
            Self::ClientNotConfigured => {
                "cannot tell: this service has no client or endpoint to ask the token's issuer with; an operator has to act"
            }
            Self::StoreUnavailable => {
                "cannot tell: this service's store does not answer about the token's session"
            }
            Self::RevocationsStale { .. } => {
                "cannot tell: the revocations that this service knows are older than the request or its configuration allows"
            }
        }
    }

    /// Where waiting helps, how long.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::KeysUnavailable { retry_after } => Some(*retry_after),
            Self::StoreUnavailable => Some(STORE_RETRY),
            Self::RevocationsStale { retry_after } | Self::UpstreamUnavailable { retry_after } => {
                *retry_after
            }
            Self::ClientRejected | Self::ClientNotConfigured => None,
        }
    }
}
