//! `Revoke`: from a request's fields to a demand, and from what was done to the answer.

use std::sync::Arc;

use prost_types::Timestamp;

use crate::api::grpc::times::timestamp;
use crate::{
    api::grpc::status::CallError,
    domain::time::UnixTime,
    proto::server::{self, RevokeRequest, RevokeResponse},
    service::{
        propagate::Upstream,
        revoke::{Aim, Demand, Named, NotRevoked, Revoked, Revoker, WrongField},
    },
};

/// The last second that a protobuf `Timestamp` may say.
const LAST_SECOND: i64 = 253_402_300_799;

/// Does what the request demands.
pub(super) async fn answer(
    revoker: &Arc<Revoker>,
    request: &RevokeRequest,
    client: &str,
) -> Result<RevokeResponse, CallError> {
    let demand = read(request).map_err(|wrong| {
        revoker.unreadable(wrong, client);
        CallError::field(wrong.field, wrong.problem)
    })?;
    match revoker.revoke(&demand, client).await {
        Ok(done) => Ok(response(&done)),
        Err(NotRevoked::Field(wrong)) => Err(CallError::field(wrong.field, wrong.problem)),
        Err(NotRevoked::Fault(fault)) => Err(CallError::Fault(fault)),
        Err(NotRevoked::Full) => Err(CallError::RevocationsFull),
        Err(NotRevoked::NotStored) => Err(CallError::NotStored),
    }
}

fn read(request: &RevokeRequest) -> Result<Demand<'_>, WrongField> {
    Ok(Demand {
        aim: aim(request)?,
        issuer: &request.issuer,
        not_before: request.not_before.as_ref().map(time).transpose()?,
        except_session_id: &request.except_session_id,
        reason: &request.reason,
        propagate: request.propagate,
    })
}

/// The one target. The server sees each as a list (build.rs): what a client sends of a oneof is one item in one of them.
fn aim(request: &RevokeRequest) -> Result<Aim<'_>, WrongField> {
    let wrong = |field, problem| Err(WrongField { field, problem });
    let RevokeRequest { token, token_id, session_id, subject, client_id, all_of_issuer, .. } = request;
    if all_of_issuer.contains(&false) {
        return wrong("all_of_issuer", "must be true, or left out");
    }
    let mut targets = token
        .iter()
        .map(|token| Aim::Token(token))
        .chain(token_id.iter().map(|id| Aim::Named(Named::TokenId(id))))
        .chain(session_id.iter().map(|id| Aim::Named(Named::Session(id))))
        .chain(subject.iter().map(|id| Aim::Named(Named::Subject(id))))
        .chain(client_id.iter().map(|id| Aim::Named(Named::Client(id))))
        .chain(all_of_issuer.iter().map(|_true| Aim::Named(Named::AllOfIssuer)));
    match (targets.next(), targets.next()) {
        (Some(target), None) => Ok(target),
        (None, _) => {
            wrong("target", "is needed: a token, token id, session, subject, client, or all of an issuer")
        }
        (Some(_), Some(_)) => wrong("target", "only one target; send a request for each"),
    }
}

/// To the millisecond, rounded up: a cut-off must not come out earlier than it was asked for.
fn time(timestamp: &Timestamp) -> Result<UnixTime, WrongField> {
    let Timestamp { seconds, nanos } = *timestamp;
    let wrong = WrongField { field: "not_before", problem: "must be a time between 1970 and 9999" };
    if !(0..=LAST_SECOND).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err(wrong);
    }
    Ok(UnixTime::from_millis(
        seconds * 1000 + i64::from(nanos.div_euclid(1_000_000) + i32::from(nanos % 1_000_000 > 0)),
    ))
}

fn response(revoked: &Revoked) -> RevokeResponse {
    let Revoked { done, upstream } = revoked;
    let upstream = match upstream {
        Upstream::NotAsked => server::Upstream::NotAsked,
        Upstream::Done => server::Upstream::Done,
        Upstream::Queued => server::Upstream::Queued,
        Upstream::Unsupported => server::Upstream::Unsupported,
        Upstream::NothingToSend => server::Upstream::NothingToSend,
    };
    RevokeResponse {
        revision: done.revision.to_string(),
        effective_not_before: done.effective_not_before.map(timestamp),
        revoked_sessions: done.sessions,
        upstream: upstream.into(),
    }
}

#[cfg(test)]
mod tests;
