//! The one place that makes a `tonic::Status`. Statuses are for our own trouble and for the caller's mistakes; a refused
//! token is an answer (docs/errors.md).

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{
    domain::reason::{Reason, Recovery, Refusal},
    service::fault::Fault,
};

/// `google.rpc.ErrorInfo.domain` of everything that this service says.
const DOMAIN: &str = "countersign";

/// Our own trouble, as a status.
pub fn of_fault(fault: &Fault) -> Status {
    let details = details(fault.reason(), HashMap::new());
    with_retry(code_of(fault), fault.message(), details, fault.retry_after())
}

/// The code behind a fault.
pub fn code_of(fault: &Fault) -> Code {
    match fault {
        Fault::KeysUnavailable { .. } | Fault::RevocationsStale => Code::Unavailable,
    }
}

/// A refusal, for callers that set `refusal_as_status`.
pub fn of_refusal(refusal: &Refusal) -> Status {
    let code =
        if refusal.reason().is_insufficient() { Code::PermissionDenied } else { Code::Unauthenticated };
    let metadata = HashMap::from([
        ("reason".to_owned(), refusal.reason().as_str().to_uppercase()),
        ("recovery".to_owned(), recovery_name(refusal.reason()).to_owned()),
    ]);
    Status::with_error_details(code, refusal.message(), details("TOKEN_REJECTED", metadata))
}

/// A field of the request that cannot be served, named.
pub fn invalid_field(field: impl Into<String>, problem: impl Into<String>) -> Status {
    let (field, problem) = (field.into(), problem.into());
    let message = format!("{field}: {problem}");
    let mut details = details("INVALID_FIELD", HashMap::new());
    details.add_bad_request_violation(field, problem);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// Bytes that are no message of this API.
pub fn malformed_request() -> Status {
    let message = "the request is not a message of this method (or holds text that is not UTF-8)";
    Status::with_error_details(Code::InvalidArgument, message, details("MALFORMED_REQUEST", HashMap::new()))
}

/// More calls at once than `limits.max_concurrent`.
pub fn overloaded(retry_after: Duration) -> Status {
    let details = details("OVERLOADED", HashMap::new());
    with_retry(
        Code::ResourceExhausted,
        "this replica is at work on as many calls as it may be; try another or wait",
        details,
        Some(retry_after),
    )
}

/// The time that the caller gave in `grpc-timeout` is over.
pub fn deadline_exceeded() -> Status {
    Status::new(Code::DeadlineExceeded, "the caller's deadline passed before there was an answer")
}

/// This replica shuts down, so the stream ends here and should be opened again elsewhere.
pub fn draining() -> Status {
    let message = "this replica shuts down; open the stream again, another replica will serve it";
    Status::with_error_details(Code::Unavailable, message, details("DRAINING", HashMap::new()))
}

/// A broken invariant of ours. The text is fixed; the log has the rest.
pub fn internal() -> Status {
    Status::new(Code::Internal, "an internal error; the log of this replica says more")
}

/// The name of a recovery in metadata.
fn recovery_name(reason: Reason) -> &'static str {
    match reason.recovery() {
        Recovery::None => "NONE",
        Recovery::Refresh => "REFRESH",
        Recovery::Login => "LOGIN",
    }
}

fn details(reason: &str, metadata: HashMap<String, String>) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, metadata);
    details
}

fn with_retry(code: Code, message: &str, mut details: ErrorDetails, retry_after: Option<Duration>) -> Status {
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(code, message, details)
}
