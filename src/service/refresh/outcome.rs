//! What comes of a request to refresh.

use std::time::Duration;

use crate::{
    domain::{reason::Refusal, time::UnixTime, tokens::Tokens},
    service::{fault::Fault, revoke::WrongField},
};

/// Tokens.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// A set that was verified just now.
    pub tokens: Tokens,
    /// Whether an earlier call obtained it.
    pub replayed: bool,
}

/// Why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRefreshed {
    /// The caller's mistake; nothing was sent.
    Field(WrongField),
    /// The refresh token, or its session, is refused.
    Refused(Refusal),
    /// Our trouble.
    Trouble(Trouble),
}

/// Our trouble. The reasons are API (docs/errors.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The new access token cannot be judged: no keys, or what is known of revocations is too old.
    Cannot(Fault),
    /// Without the store nobody knows whether another replica is at it: nothing is sent, and what was sent before is kept.
    StoreUnavailable,
    /// The provider is down, or wants to be left alone. Nothing is lost.
    UpstreamUnavailable {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The token was sent and the answer lost; it is decided later whether it is sent again.
    OutcomeUnknown {
        /// When.
        retry_after: Duration,
    },
    /// What the provider gave does not pass our checks. The refresh token in it is kept.
    UpstreamInvalid,
    /// Too many attempts.
    RateLimited {
        /// When there is room again.
        retry_after: Duration,
        /// If the last access token is valid still, until when (F8).
        access_until: Option<UnixTime>,
    },
    /// The provider refused our own credentials, or this client may not do this.
    ClientRejected,
    /// None of `clients` is meant.
    ClientNotConfigured,
    /// The session is known, and its tokens are not here.
    TokensNotHeld,
    /// Nobody knows this session.
    SessionUnknown,
    /// A bug: what should have worked on it panicked.
    Internal,
}

impl From<WrongField> for NotRefreshed {
    fn from(wrong: WrongField) -> Self {
        Self::Field(wrong)
    }
}

impl From<Refusal> for NotRefreshed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Trouble> for NotRefreshed {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Trouble {
    /// `google.rpc.ErrorInfo.reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Cannot(fault) => fault.reason(),
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::UpstreamUnavailable { .. } => "UPSTREAM_UNAVAILABLE",
            Self::OutcomeUnknown { .. } => "REFRESH_OUTCOME_UNKNOWN",
            Self::UpstreamInvalid => "UPSTREAM_INVALID",
            Self::RateLimited { .. } => "REFRESH_RATE_LIMITED",
            Self::ClientRejected => "CLIENT_REJECTED",
            Self::ClientNotConfigured => "CLIENT_NOT_CONFIGURED",
            Self::TokensNotHeld => "TOKENS_NOT_HELD",
            Self::SessionUnknown => "SESSION_UNKNOWN",
            Self::Internal => "INTERNAL",
        }
    }

    /// For the caller.
    pub fn message(&self) -> String {
        let text = match self {
            Self::Cannot(fault) => fault.message(),
            Self::StoreUnavailable => {
                "this service's store does not answer, and without it nobody knows whether another replica is at it; nothing is lost, \
                 ask again with the same refresh token"
            }
            Self::UpstreamUnavailable { .. } => {
                "the identity provider cannot be reached or wants to be left alone; the session is as it was, ask again"
            }
            Self::OutcomeUnknown { .. } => {
                "the refresh token was sent and the answer was lost; ask again later with the same refresh token, and use \
                 the old access token as long as it is valid"
            }
            Self::UpstreamInvalid => {
                "the identity provider gave tokens that this service does not accept; the operator must compare its \
                 configuration with the provider's (countersign doctor)"
            }
            Self::RateLimited { access_until: Some(until), .. } => {
                return format!(
                    "too many refreshes; the last access token is valid until {} (Unix time), use it until then",
                    until.as_secs()
                );
            }
            Self::RateLimited { access_until: None, .. } => "too many refreshes; ask again later",
            Self::ClientRejected => {
                "the identity provider refused this service's own client; the operator must correct `clients`"
            }
            Self::ClientNotConfigured => {
                "no client is configured that could refresh this; the operator must add it to the issuer's `clients`"
            }
            Self::TokensNotHeld => {
                "this service does not hold the session's tokens; send the refresh token, or hand the login over with CreateSession"
            }
            Self::SessionUnknown => "there is no such session",
            Self::Internal => "a bug in this service; the refresh token may have been sent, ask again",
        };
        text.to_owned()
    }

    /// Where waiting helps, how long.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Cannot(fault) => fault.retry_after(),
            Self::StoreUnavailable => Some(Duration::from_secs(1)),
            Self::UpstreamUnavailable { retry_after }
            | Self::OutcomeUnknown { retry_after }
            | Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::UpstreamInvalid
            | Self::ClientRejected
            | Self::ClientNotConfigured
            | Self::TokensNotHeld
            | Self::SessionUnknown
            | Self::Internal => None,
        }
    }
}
