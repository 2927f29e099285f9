//! The call.

use tokio::time::timeout;
use tonic::{Code, Request};

use super::{Args, Kind, outcome::Outcome};
use crate::cli::remote::{chain, connect};
use crate::proto::client::{TokenKind, ValidateRequest, token_service_client::TokenServiceClient};

/// Asks within the time that the arguments give.
pub(super) async fn ask(args: &Args, token: String) -> Outcome {
    match timeout(args.timeout, call(args, token)).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => too_late(args),
    }
}

fn too_late(args: &Args) -> Outcome {
    Outcome::local("DEADLINE_EXCEEDED", "", format!("no answer within {:?}", args.timeout))
}

async fn call(args: &Args, token: String) -> Outcome {
    let channel = match connect(&args.address).await {
        Ok(channel) => channel,
        Err(error) => {
            let problem = format!("cannot connect to {}: {}", args.address, chain(&error));
            return Outcome::local("UNAVAILABLE", "", problem);
        }
    };
    let mut request = Request::new(question(args, token));
    request.set_timeout(args.timeout);
    match TokenServiceClient::new(channel).validate(request).await {
        Ok(response) => Outcome::of_response(response.into_inner()),
        // What tonic's client says at the deadline; the service never does.
        Err(status) if status.code() == Code::Cancelled => too_late(args),
        Err(status) => Outcome::of_status(&status),
    }
}

fn question(args: &Args, token: String) -> ValidateRequest {
    let kind = match args.kind {
        Kind::Access => TokenKind::Access,
        Kind::Id => TokenKind::Id,
    };
    ValidateRequest {
        token,
        audiences: args.audiences.clone(),
        required_scopes: args.scopes.clone(),
        required_roles: args.roles.clone(),
        required_permissions: args.permissions.clone(),
        issuer: args.issuer.clone(),
        kind: kind.into(),
        ..ValidateRequest::default()
    }
}
