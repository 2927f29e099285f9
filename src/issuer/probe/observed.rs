//! What was seen of an issuer, before anybody judges it.

use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

use crate::{
    domain::time::UnixTime,
    issuer::{
        fetch::Chain,
        http::{Dated, HttpError},
        metadata::Metadata,
    },
};

/// Everything that was seen.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) discovery: DiscoverySeen,
    pub(super) keys: KeysSeen,
    /// How long the discovery document and the key set took together, where both are needed for the keys.
    pub(super) took: Option<Duration>,
    /// From the first answer that came over HTTP.
    pub(super) clock: Option<ClockSeen>,
    pub(super) clients: ClientsSeen,
}

#[derive(Debug)]
pub(super) enum DiscoverySeen {
    NotAsked,
    Failed { address: String, failure: Failure },
    Malformed { address: String },
    Read { address: String, metadata: Metadata },
}

#[derive(Debug)]
pub(super) enum KeysSeen {
    Shared,
    /// Their address could not be discovered.
    NotTried,
    Failed {
        place: String,
        failure: Failure,
    },
    Unreadable {
        place: String,
        why: String,
    },
    Read {
        place: String,
        document: Vec<u8>,
    },
}

/// When a question was asked and answered here, and when the answer was made there.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockSeen {
    pub(super) sent: UnixTime,
    pub(super) received: UnixTime,
    pub(super) dated: Dated,
}

#[derive(Debug)]
pub(super) enum ClientsSeen {
    NoneConfigured,
    /// There is no discovery document of this issuer.
    NotTried,
    NoEndpoint,
    Tried {
        endpoint: Url,
        clients: Vec<ClientSeen>,
    },
}

#[derive(Debug)]
pub(super) struct ClientSeen {
    pub(super) id: String,
    pub(super) method: &'static str,
    pub(super) answer: Result<TokenAnswer, Failure>,
}

/// As much of a token endpoint's answer as may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenAnswer {
    pub(super) status: StatusCode,
    pub(super) said: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A registered `error`.
    Error(&'static str),
    /// An `error` that is not registered.
    OtherError,
    /// Tokens.
    Tokens,
    /// Nothing that a token endpoint says.
    Nothing,
}

/// Why there was no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    PlainHttp,
    /// No answer, or one that says "later".
    Unreachable(String),
    Redirected(StatusCode),
    Refused(StatusCode),
    TooLong,
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::PlainHttp => Self::PlainHttp,
            HttpError::TooLong => Self::TooLong,
            HttpError::Status(status) => Self::of_status(status),
            HttpError::Transport(_) | HttpError::Timeout => Self::Unreachable(Chain(&error).to_string()),
        }
    }
}

impl Failure {
    fn of_status(status: StatusCode) -> Self {
        if is_later(status) {
            Self::Unreachable(format!("the answer's status is {status}"))
        } else if status.is_redirection() {
            Self::Redirected(status)
        } else {
            Self::Refused(status)
        }
    }
}

/// Whether this is a server's own trouble, which says nothing about the question.
pub(super) fn is_later(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}
