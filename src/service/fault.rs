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
            Self::RevocationsStale { retry_after } => *retry_after,
        }
    }
}
