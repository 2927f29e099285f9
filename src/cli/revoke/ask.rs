//! The call.

use std::time::Duration;

use tokio::time::timeout;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::{
    cli::remote::{chain, code_name, connect},
    proto::client::{RevokeRequest, RevokeResponse, token_service_client::TokenServiceClient},
};

/// What the service said, or why it said nothing.
#[derive(Debug)]
pub(super) enum Outcome {
    Revoked(RevokeResponse),
    Fault(Fault),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// The field that is wrong, if one is.
    pub(super) field: Option<String>,
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
    /// Whether nothing was revoked for sure, and the same request would be answered in the same way.
    pub(super) is_final: bool,
}

impl Fault {
    fn local(code: &'static str, message: String) -> Self {
        Self { code, reason: String::new(), field: None, message, retry_after: None, is_final: false }
    }

    fn of_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let field = details.bad_request().and_then(|bad| bad.field_violations.first());
        let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        Self {
            code: code_name(status.code()),
            is_final: matches!(status.code(), Code::InvalidArgument | Code::Unimplemented)
                || reason == "REVOCATIONS_FULL",
            reason,
            field: field.map(|violation| violation.field.clone()),
            message: status.message().to_owned(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

/// Asks within this time.
pub(super) async fn ask(address: &str, within: Duration, request: RevokeRequest) -> Outcome {
    let too_late = || Fault::local("DEADLINE_EXCEEDED", format!("no answer within {within:?}"));
    match timeout(within, call(address, within, request)).await {
        Ok(Ok(response)) => Outcome::Revoked(response),
        // What tonic's client says at the deadline; the service never does.
        Ok(Err(fault)) if fault.code == "CANCELLED" => Outcome::Fault(too_late()),
        Ok(Err(fault)) => Outcome::Fault(fault),
        Err(_elapsed) => Outcome::Fault(too_late()),
    }
}

async fn call(address: &str, within: Duration, request: RevokeRequest) -> Result<RevokeResponse, Fault> {
    let channel = connect(address).await.map_err(|error| {
        Fault::local("UNAVAILABLE", format!("cannot connect to {address}: {}", chain(&error)))
    })?;
    let mut request = Request::new(request);
    request.set_timeout(within);
    let answer = TokenServiceClient::new(channel).revoke(request).await;
    answer.map(tonic::Response::into_inner).map_err(|status| Fault::of_status(&status))
}
