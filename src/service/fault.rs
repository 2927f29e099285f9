//! Our own trouble: why nobody can tell whether a token is good. Never to be confused with a refusal.

use std::time::Duration;

/// Why there is no answer. The reasons are API (docs/errors.md).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There are no usable keys for the token's issuer.
    #[error("no usable keys for the token's issuer")]
    KeysUnavailable {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The request asks for revocations that are newer than what is known here.
    #[error("the revocations known here are older than the request allows")]
    RevocationsStale,
    /// A revocation counts here and could not be stored yet.
    #[error("the store did not take a revocation")]
    StoreUnavailable,
    /// There is no room for another single revocation.
    #[error("the set of revocations is full")]
    RevocationsFull,
}

/// When a store that did not answer may be asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);

impl Fault {
    /// `google.rpc.ErrorInfo.reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::KeysUnavailable { .. } => "KEYS_UNAVAILABLE",
            Self::RevocationsStale => "REVOCATIONS_STALE",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::RevocationsFull => "REVOCATIONS_FULL",
        }
    }

    /// For the caller.
    pub fn message(&self) -> &'static str {
        match self {
            Self::KeysUnavailable { .. } => {
                "cannot tell: this service has no usable keys for the token's issuer; the token may well be good"
            }
            Self::RevocationsStale => {
                "cannot tell: the request asks for newer revocations than this service knows"
            }
            Self::StoreUnavailable => {
                "the store did not take the revocation: it counts on this replica from now on, and will be stored as \
                 soon as that is possible; ask again to know that it is"
            }
            Self::RevocationsFull => {
                "nothing was revoked: this service holds as many revocations as it may (revocation.max_entries); \
                 revoking a subject, a client or an issuer is still possible"
            }
        }
    }

    /// Where waiting helps, how long.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::KeysUnavailable { retry_after } => Some(*retry_after),
            Self::StoreUnavailable => Some(STORE_RETRY),
            Self::RevocationsStale | Self::RevocationsFull => None,
        }
    }
}
