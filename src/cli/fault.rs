//! Why a service that was asked has no answer.

use std::time::Duration;

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::remote::code_name;

/// A status, or no connection.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// The field that is wrong, if one is.
    pub(super) field: Option<String>,
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
    /// Whether nothing was done for sure, and the same request would be answered in the same way.
    pub(super) is_final: bool,
}

impl Fault {
    pub(super) fn local(code: &'static str, message: String) -> Self {
        Self { code, reason: String::new(), field: None, message, retry_after: None, is_final: false }
    }

    pub(super) fn too_late(within: Duration) -> Self {
        Self::local("DEADLINE_EXCEEDED", format!("no answer within {within:?}"))
    }

    /// For people. `done` says what was asked for: `revoked`.
    pub(super) fn text(&self, done: &str) -> String {
        let Self { code, reason, field: _, message, retry_after, is_final } = self;
        let first = if *is_final { format!("not {done}") } else { "cannot tell".to_owned() };
        let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
        let retry = retry_after.map(|after| format!(" (retry after {after:?})")).unwrap_or_default();
        format!("{first}: {code}{reason} {message}{retry}")
    }

    /// For programs.
    pub(super) fn json(&self, done: &str) -> Value {
        let Self { code, reason, field, message, retry_after, is_final } = self;
        json!({
            "outcome": if *is_final { format!("not_{done}") } else { "fault".to_owned() },
            "code": code,
            "reason": reason,
            "field": field,
            "message": message,
            "retry_after_ms": retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        })
    }

    pub(super) fn of_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let field = details.bad_request().and_then(|bad| bad.field_violations.first());
        let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        let is_final = matches!(
            status.code(),
            Code::InvalidArgument | Code::Unimplemented | Code::NotFound | Code::FailedPrecondition
        );
        Self {
            code: code_name(status.code()),
            is_final: is_final || reason == "REVOCATIONS_FULL",
            reason,
            field: field.map(|violation| violation.field.clone()),
            message: status.message().to_owned(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}
