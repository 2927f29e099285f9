//! The call.

use std::error::Error;

use tokio::time::timeout;
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

use super::{Args, Kind, outcome::Outcome};
use crate::proto::client::{TokenKind, ValidateRequest, token_service_client::TokenServiceClient};

/// Checks an address on the command line. https would silently go out in the clear: this build's client has no TLS.
pub(super) fn address(text: &str) -> Result<String, String> {
    let path = text.strip_prefix("unix:");
    let url = match path {
        _ if text.starts_with("http://") => text.to_owned(),
        Some(path) if path.starts_with('/') => text.to_owned(),
        None if !text.contains("://") && text.contains(':') => format!("http://{text}"),
        Some(_) | None => return Err("must be HOST:PORT, http://HOST:PORT or unix:/PATH".to_owned()),
    };
    Endpoint::from_shared(url.clone()).map_err(|error| chain(&error))?;
    Ok(url)
}

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

async fn connect(address: &str) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(address.to_owned())?.connect().await
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

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
