//! Why an issuer could not be told, by what that means for another attempt.

use std::time::Duration;

use reqwest::StatusCode;

use super::{
    discovery::DiscoveryError,
    fetch::Chain,
    http::{Called, HttpError},
    oauth_error,
};

/// What stood in the way. No word of an answer is in it but those that the standards have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    kind: &'static str,
    message: String,
}

/// The issuer was not told, or has not said so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// It has no way to be told this. Trying again changes nothing.
    #[error("the provider cannot be told: {0}")]
    Unsupported(Trouble),
    /// It understood and refused. Trying again changes nothing.
    #[error("the provider refused: {0}")]
    Refused(Trouble),
    /// Something is configured wrongly, here or there. Somebody must act; until then trying again often is of no use.
    #[error("what is configured does not fit the provider: {0}")]
    Misconfigured(Trouble),
    /// It may be another time.
    #[error("the provider cannot be reached: {trouble}")]
    Unavailable {
        /// What stood in the way.
        trouble: Trouble,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
}

impl Trouble {
    /// For `error.type`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What it answered.
    pub(super) fn answer(kind: &'static str, status: StatusCode, said: Option<&'static str>) -> Self {
        let said = said.map_or_else(String::new, |word| format!(" {word}"));
        Self::new(kind, format!("the answer is {}{said}", status.as_u16()))
    }
}

impl NotTold {
    /// What stood in the way.
    pub fn trouble(&self) -> &Trouble {
        match self {
            Self::Unsupported(trouble)
            | Self::Refused(trouble)
            | Self::Misconfigured(trouble)
            | Self::Unavailable { trouble, .. } => trouble,
        }
    }

    /// For trouble on this side that passes, such as a bug that panics.
    pub fn here(kind: &'static str, message: &str) -> Self {
        Self::Unavailable { trouble: Trouble::new(kind, message), retry_after: None }
    }

    /// For an issuer that is not configured any more, or not yet again.
    pub fn unknown_issuer() -> Self {
        Self::Misconfigured(Trouble::new("issuer_unknown", "the issuer is not configured"))
    }

    /// For something planned that this version cannot read.
    pub fn unreadable() -> Self {
        Self::Misconfigured(Trouble::new("content_unreadable", "another version has recorded it"))
    }

    pub(super) fn no_client() -> Self {
        Self::Unsupported(Trouble::new("no_client", "none of `clients` can tell it"))
    }

    pub(super) fn no_endpoint(name: &str) -> Self {
        Self::Unsupported(Trouble::new("no_endpoint", format!("its metadata have no `{name}`")))
    }

    /// No status came back.
    pub(super) fn by_http(error: &HttpError) -> Self {
        let trouble = Trouble::new(error.kind(), Chain(error).to_string());
        match error {
            HttpError::PlainHttp => Self::Misconfigured(trouble),
            HttpError::Transport(_) | HttpError::Timeout | HttpError::Status(_) | HttpError::TooLong => {
                Self::Unavailable { trouble, retry_after: None }
            }
        }
    }

    /// Its endpoints could not be found. `expected`: whether its metadata have been read before now, or are needed in any case.
    pub(super) fn by_discovery(error: &DiscoveryError, expected: bool) -> Self {
        let trouble = Trouble::new(error.kind(), Chain(error).to_string());
        match error {
            DiscoveryError::Issuer(_) => Self::Unsupported(trouble),
            DiscoveryError::Fetch(HttpError::Status(StatusCode::NOT_FOUND | StatusCode::GONE))
                if !expected =>
            {
                Self::Unsupported(Trouble::new("no_metadata", trouble.message))
            }
            DiscoveryError::Fetch(error) => Self::by_http(error),
            DiscoveryError::NotJson
            | DiscoveryError::OtherIssuer
            | DiscoveryError::NoJwksUri
            | DiscoveryError::PlainJwksUri => Self::Misconfigured(trouble),
        }
    }

    /// What any endpoint may answer, for which it makes no difference what was asked; `None`: it does.
    pub(super) fn by_status(called: &Called) -> Option<Self> {
        let status = called.status;
        if status.is_server_error()
            || matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY
            )
        {
            let trouble = Trouble::answer("unavailable", status, None);
            return Some(Self::Unavailable { trouble, retry_after: called.retry_after });
        }
        // A redirect is not followed: what is sent is for nobody else. Mostly a proxy that wants a login.
        (status.is_redirection() || status.is_informational())
            .then(|| Self::Misconfigured(Trouble::answer("redirect", status, None)))
    }

    /// What a refused client is: nobody but an operator can change that.
    pub(super) fn client_refused(status: StatusCode, said: Option<&'static str>) -> Self {
        Self::Misconfigured(Trouble::answer("client_refused", status, said))
    }
}

/// The registered word in an answer.
pub(super) fn said(called: &Called) -> Option<&'static str> {
    called.body.as_ref().ok().and_then(|body| oauth_error::of(body))
}
