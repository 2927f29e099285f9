//! The one place that makes a `tonic::Status`. Statuses are for our own trouble and for the caller's mistakes; a refused
//! token is an answer (docs/errors.md).

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{
    domain::{
        edge::denial::Denial,
        reason::{Reason, Recovery, Refusal},
    },
    proto::server,
    service::{fault::Fault, refresh::Trouble},
};

/// `google.rpc.ErrorInfo.domain` of everything that this service says.
const DOMAIN: &str = "countersign";

/// When a store that did not take something may be asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// What whoever is turned away is told, over whatever transport.
pub(in crate::api) const OVERLOADED: &str =
    "this replica is at work on as many calls as it may be; try another or wait";

/// Why a call has no response: the caller's mistake, our trouble, or a refusal that the caller wants as a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// A field of the request that cannot be served, named as in the proto.
    Field {
        /// Its path.
        field: &'static str,
        /// What to write instead.
        problem: &'static str,
    },
    /// Our own trouble.
    Fault(Fault),
    /// A refused token.
    Refused(Refusal),
    /// A revocation counts here, and the store did not take it yet.
    NotStored,
    /// Our trouble, or the provider's, with refreshing.
    NotRefreshed(Trouble),
    /// No room for another single revocation.
    RevocationsFull,
    /// No room for this item in its batch's answer.
    ResponseTooLarge,
    /// The bytes are no message of the method, or its text is none.
    Malformed,
}

impl CallError {
    /// A field that cannot be served. Both texts are constants, so that nothing from a request gets into a message.
    pub fn field(field: &'static str, problem: &'static str) -> Self {
        Self::Field { field, problem }
    }

    fn code(&self) -> Code {
        match self {
            Self::Field { .. } | Self::Malformed => Code::InvalidArgument,
            Self::Fault(Fault::ClientRejected | Fault::ClientNotConfigured) => Code::FailedPrecondition,
            Self::Fault(_) | Self::NotStored => Code::Unavailable,
            Self::NotRefreshed(trouble) => code_of(trouble),
            Self::Refused(refusal) if refusal.reason().is_insufficient() => Code::PermissionDenied,
            Self::Refused(_) => Code::Unauthenticated,
            Self::ResponseTooLarge | Self::RevocationsFull => Code::ResourceExhausted,
        }
    }

    /// `ErrorInfo.reason`.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Field { .. } => "INVALID_FIELD",
            Self::Fault(fault) => fault.reason(),
            Self::Refused(_) => "TOKEN_REJECTED",
            Self::NotStored => "STORE_UNAVAILABLE",
            Self::NotRefreshed(trouble) => trouble.reason(),
            Self::RevocationsFull => "REVOCATIONS_FULL",
            Self::ResponseTooLarge => "RESPONSE_TOO_LARGE",
            Self::Malformed => "MALFORMED_REQUEST",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Field { field, problem } => format!("{field}: {problem}"),
            Self::Fault(fault) => fault.message().to_owned(),
            Self::Refused(refusal) => refusal.message().to_owned(),
            Self::NotStored => "the store did not take the revocation: it counts on this replica from now on, and is \
                                stored as soon as that is possible; ask again to know that it is"
                .to_owned(),
            Self::NotRefreshed(trouble) => trouble.message(),
            Self::RevocationsFull => "nothing was revoked: this service holds as many revocations as it may \
                                      (`revocation.max_entries`); a subject, a client or an issuer can still be revoked"
                .to_owned(),
            Self::ResponseTooLarge => "the batch's answer is full; ask for this token again".to_owned(),
            Self::Malformed => "the request is not a message of this method, holds text that is not UTF-8, or has \
                                thousands of fields"
                .to_owned(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fault(fault) => fault.retry_after(),
            Self::NotStored => Some(STORE_RETRY),
            Self::NotRefreshed(trouble) => trouble.retry_after(),
            Self::Field { .. }
            | Self::Refused(_)
            | Self::RevocationsFull
            | Self::ResponseTooLarge
            | Self::Malformed => None,
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::Refused(refusal) => HashMap::from([
                ("reason".to_owned(), refusal.reason().as_str().to_uppercase()),
                ("recovery".to_owned(), recovery_name(refusal.reason()).to_owned()),
            ]),
            Self::Field { .. }
            | Self::Fault(_)
            | Self::NotStored
            | Self::NotRefreshed(_)
            | Self::RevocationsFull
            | Self::ResponseTooLarge
            | Self::Malformed => HashMap::new(),
        }
    }
}

fn code_of(trouble: &Trouble) -> Code {
    match trouble {
        Trouble::Cannot(fault) => CallError::Fault(fault.clone()).code(),
        Trouble::StoreUnavailable | Trouble::UpstreamUnavailable { .. } | Trouble::OutcomeUnknown { .. } => {
            Code::Unavailable
        }
        Trouble::RateLimited { .. } => Code::ResourceExhausted,
        Trouble::UpstreamInvalid
        | Trouble::ClientRejected
        | Trouble::ClientNotConfigured
        | Trouble::TokensNotHeld => Code::FailedPrecondition,
        Trouble::SessionUnknown => Code::NotFound,
        Trouble::Internal => Code::Internal,
    }
}

/// What a denial counts as, over whatever transport.
pub(in crate::api) fn code_of_denial(denial: &Denial) -> Code {
    match denial {
        Denial::Refused(refusal) if refusal.reason().is_insufficient() => Code::PermissionDenied,
        Denial::Refused(_) | Denial::Conflict => Code::Unauthenticated,
        Denial::Policy(_) => Code::FailedPrecondition,
        Denial::Request(_) | Denial::Client(_) => Code::InvalidArgument,
    }
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// As the status of a call.
pub fn of(error: &CallError) -> Status {
    let mut details = details(error.reason(), error.metadata());
    if let CallError::Field { field, problem } = error {
        details.add_bad_request_violation(*field, *problem);
    }
    with_retry(error.code(), &error.message(), details, error.retry_after())
}

/// As one item of a batch, with what the status of a call would say.
pub fn as_item(error: &CallError) -> server::Fault {
    server::Fault {
        code: error.code().into(),
        reason: error.reason().to_owned(),
        message: error.message(),
        retry_after: error.retry_after().and_then(|after| after.try_into().ok()),
    }
}

/// Bytes that are no message of this API.
pub fn malformed_request() -> Status {
    of(&CallError::Malformed)
}

/// More calls at once than `limits.max_concurrent`.
pub fn overloaded(retry_after: Duration) -> Status {
    let details = details("OVERLOADED", HashMap::new());
    with_retry(Code::ResourceExhausted, OVERLOADED, details, Some(retry_after))
}

/// The time that the caller gave in `grpc-timeout` is over.
pub fn deadline_exceeded() -> Status {
    Status::new(Code::DeadlineExceeded, "the caller's deadline passed before there was an answer")
}

/// The time that this replica gives a call is over: see the ceiling in `limits`.
pub fn took_too_long() -> Status {
    let message = "this replica gives a call 30 s, from its headers to its end, and they are over";
    Status::new(Code::DeadlineExceeded, message)
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
