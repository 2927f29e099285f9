//! `Refresh`: from a request's fields to a demand, and from what came of it to the answer.

use std::sync::Arc;

use super::{answer, question};
use crate::api::grpc::times::timestamp;
use crate::{
    api::grpc::status::CallError,
    domain::tokens::Tokens,
    proto::server::{
        RefreshRequest, RefreshResponse, TokenSet, refresh_request::Credential as Written,
        refresh_response::Outcome,
    },
    service::refresh::{Credential, Demand, NotRefreshed, Refreshed, Refresher},
};

/// Does what the request demands.
pub(super) async fn answer(
    refresher: &Arc<Refresher>,
    request: &RefreshRequest,
    caller: &str,
) -> Result<RefreshResponse, CallError> {
    let demand = read(request, caller)?;
    let outcome = match refresher.refresh(&demand).await {
        Ok(got) => Outcome::Tokens(token_set(&got)),
        Err(NotRefreshed::Refused(refusal)) => Outcome::Rejection(answer::of_refusal(&refusal)),
        Err(NotRefreshed::Field(wrong)) => return Err(CallError::field(wrong.field, wrong.problem)),
        Err(NotRefreshed::Trouble(trouble)) => return Err(CallError::NotRefreshed(trouble)),
    };
    Ok(RefreshResponse { outcome: Some(outcome) })
}

fn read<'r>(request: &'r RefreshRequest, caller: &'r str) -> Result<Demand<'r>, CallError> {
    let certificate = match &request.context {
        Some(context) => question::certificate(&context.client_certificate_sha256)?,
        None => None,
    };
    let credential = match &request.credential {
        Some(Written::RefreshToken(token)) => Credential::RefreshToken(token),
        Some(Written::SessionId(session_id)) => Credential::Session(session_id),
        None => {
            return Err(CallError::field("credential", "is needed: a refresh token, or a session's id"));
        }
    };
    Ok(Demand {
        issuer: &request.issuer,
        client_id: &request.client_id,
        credential,
        scopes: &request.scopes,
        force: request.force,
        certificate,
        caller,
    })
}

fn token_set(refreshed: &Refreshed) -> TokenSet {
    let Tokens { access_token, token_type, expires_at, refresh_token, id_token, scopes, session_id } =
        &refreshed.tokens;
    let text = |secret: &crate::domain::secret::Secret| String::from_utf8_lossy(secret.expose()).into_owned();
    TokenSet {
        access_token: text(access_token),
        token_type: token_type.clone(),
        expires_at: expires_at.map(timestamp),
        refresh_token: refresh_token.as_ref().map(text).unwrap_or_default(),
        id_token: id_token.as_ref().map(text).unwrap_or_default(),
        scopes: scopes.clone(),
        session_id: session_id.clone(),
        replayed: refreshed.replayed,
    }
}
