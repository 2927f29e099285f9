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
    /// The request asks for revocations that are newer than what is known here.
    #[error("the revocations known here are older than the request allows")]
    RevocationsStale,
}

impl Fault {
    /// `google.rpc.ErrorInfo.reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::KeysUnavailable { .. } => "KEYS_UNAVAILABLE",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::RevocationsStale => "REVOCATIONS_STALE",
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
            Self::RevocationsStale => {
                "cannot tell: the request asks for newer revocations than this service knows"
            }
        }
    }

    /// Where waiting helps, how long.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::KeysUnavailable { retry_after } => Some(*retry_after),
            Self::StoreUnavailable => Some(STORE_RETRY),
            Self::RevocationsStale => None,
        }
    }
}
