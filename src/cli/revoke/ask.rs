//! The call.

use std::time::Duration;

use tokio::time::timeout;
use tonic::Request;

use crate::{
    cli::{
        fault::Fault,
        remote::{chain, connect},
    },
    proto::client::{RevokeRequest, RevokeResponse, token_service_client::TokenServiceClient},
};

/// What the service said, or why it said nothing.
#[derive(Debug)]
pub(super) enum Outcome {
    Revoked(RevokeResponse),
    Fault(Fault),
}

/// Asks within this time.
pub(super) async fn ask(address: &str, within: Duration, request: RevokeRequest) -> Outcome {
    match timeout(within, call(address, within, request)).await {
        Ok(Ok(response)) => Outcome::Revoked(response),
        // What tonic's client says at the deadline; the service never does.
        Ok(Err(fault)) if fault.code == "CANCELLED" => Outcome::Fault(Fault::too_late(within)),
        Ok(Err(fault)) => Outcome::Fault(fault),
        Err(_elapsed) => Outcome::Fault(Fault::too_late(within)),
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
