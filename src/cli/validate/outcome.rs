//! What the service said, in words.

use std::time::Duration;

use tonic::Status;
use tonic_types::StatusExt as _;

use crate::cli::remote::{code_name, name};
use crate::proto::client::{Reason, Recovery, TokenInfo, ValidateResponse, validate_response};

/// The answer, or why there is none. No `Debug`: it holds a token's content.
pub(super) enum Outcome {
    /// The token is good.
    Token { info: Box<TokenInfo> },
    /// The token is refused.
    Rejection { reason: String, message: String, recovery: String },
    /// Nobody can tell.
    Fault { code: &'static str, reason: String, message: String, retry_after: Option<Duration> },
}

impl Outcome {
    /// Trouble on this side of the connection.
    pub(super) fn local(code: &'static str, reason: &str, message: impl Into<String>) -> Self {
        Self::Fault { code, reason: reason.to_owned(), message: message.into(), retry_after: None }
    }

    /// Of an answer. One without an outcome is none: it must not pass for valid.
    pub(super) fn of_response(response: ValidateResponse) -> Self {
        match response.outcome {
            Some(validate_response::Outcome::Token(info)) => Self::Token { info: Box::new(info) },
            Some(validate_response::Outcome::Rejection(rejection)) => Self::Rejection {
                reason: name(
                    rejection.reason,
                    Reason::try_from(rejection.reason).ok().map(|r| r.as_str_name()),
                    "REASON_",
                ),
                recovery: name(
                    rejection.recovery,
                    Recovery::try_from(rejection.recovery).ok().map(|r| r.as_str_name()),
                    "RECOVERY_",
                ),
                message: rejection.message,
            },
            None => Self::local(
                "UNKNOWN",
                "NO_OUTCOME",
                "the answer holds no outcome; this client may be too old",
            ),
        }
    }

    /// Of a status.
    pub(super) fn of_status(status: &Status) -> Self {
        let details = status.get_error_details();
        Self::Fault {
            code: code_name(status.code()),
            reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}
