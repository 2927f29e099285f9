//! From an outcome to a response. A token that passes is encoded once and its bytes are kept with the cached token.

use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::{
    domain::{
        kind::TokenKind,
        reason::{Reason, Recovery, Refusal},
        time::UnixTime,
        verify::VerifiedToken,
    },
    proto::server::{self, Rejection, TokenInfo, ValidateResponse, validate_response::Outcome},
    service::validate::{EncodedToken, Pass},
};

/// The answer for a token that may pass, with or without its verbatim claims.
pub(super) fn of_pass(pass: &Pass<'_>, claims: bool) -> ValidateResponse {
    let EncodedToken { bytes, claims_prefix, refresh_suffix } = pass.cached.encoded(encode);
    let start = if claims { 0 } else { *claims_prefix };
    let end = if pass.should_refresh { bytes.len() } else { bytes.len() - refresh_suffix };
    response(Outcome::Token(bytes.slice(start..end)))
}

/// The answer for a token that was refused.
pub(super) fn of_refusal(refusal: &Refusal) -> ValidateResponse {
    response(Outcome::Rejection(Rejection {
        reason: reason(refusal.reason()).into(),
        message: refusal.message().to_owned(),
        recovery: recovery(refusal.reason().recovery()).into(),
    }))
}

fn response(outcome: Outcome) -> ValidateResponse {
    // No revocations are kept yet: an empty revision promises nothing.
    ValidateResponse { outcome: Some(outcome), revision: String::new(), revocations_as_of: None }
}

/// Encodes a token's answer in three pieces that are one message when put together (protobuf merges concatenated
/// messages): the claims in front and the hint to refresh at the end, so that both can be left out by slicing.
fn encode(token: &VerifiedToken) -> EncodedToken {
    let claims = TokenInfo { claims_json: Bytes::copy_from_slice(token.payload()), ..TokenInfo::default() };
    let refresh = TokenInfo { should_refresh: true, ..TokenInfo::default() };
    let pieces = [claims, info(token), refresh];
    let [claims_prefix, fixed, refresh_suffix] = pieces.each_ref().map(Message::encoded_len);
    let mut bytes = BytesMut::with_capacity(claims_prefix + fixed + refresh_suffix);
    for piece in &pieces {
        piece.encode_raw(&mut bytes);
    }
    EncodedToken { bytes: bytes.freeze(), claims_prefix, refresh_suffix }
}

fn info(token: &VerifiedToken) -> TokenInfo {
    let claims = token.claims();
    let principal = if claims.is_of_client { server::Principal::Client } else { server::Principal::User };
    let kind = match token.kind() {
        TokenKind::Access => server::TokenKind::Access,
        TokenKind::Id => server::TokenKind::Id,
    };
    TokenInfo {
        issuer: token.policy().issuer.clone(),
        subject: claims.subject.clone(),
        principal: principal.into(),
        audiences: claims.audiences.clone(),
        scopes: claims.scopes.clone(),
        roles: claims.roles.clone(),
        permissions: claims.permissions.clone(),
        client_id: claims.client_id.clone(),
        session_id: claims.session_id.clone(),
        token_id: claims.token_id.clone(),
        organization_id: claims.organization_id.clone(),
        issued_at: claims.issued_at.map(timestamp),
        expires_at: Some(timestamp(claims.expires_at)),
        kind: kind.into(),
        claims_json: Bytes::new(),
        should_refresh: false,
    }
}

fn timestamp(time: UnixTime) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_secs(), nanos: time.subsec_nanos() }
}

fn reason(reason: Reason) -> server::Reason {
    match reason {
        Reason::Missing => server::Reason::Missing,
        Reason::Malformed => server::Reason::Malformed,
        Reason::TooLarge => server::Reason::TooLarge,
        Reason::UnknownIssuer => server::Reason::UnknownIssuer,
        Reason::IssuerMismatch => server::Reason::IssuerMismatch,
        Reason::UnknownKey => server::Reason::UnknownKey,
        Reason::AlgorithmNotAllowed => server::Reason::AlgorithmNotAllowed,
        Reason::BadSignature => server::Reason::BadSignature,
        Reason::Expired => server::Reason::Expired,
        Reason::NotYetValid => server::Reason::NotYetValid,
        Reason::AudienceMismatch => server::Reason::AudienceMismatch,
        Reason::ClaimInvalid => server::Reason::ClaimInvalid,
        Reason::WrongKind => server::Reason::WrongKind,
        Reason::InsufficientScope => server::Reason::InsufficientScope,
        Reason::InsufficientRole => server::Reason::InsufficientRole,
        Reason::BindingMismatch => server::Reason::BindingMismatch,
    }
}

fn recovery(recovery: Recovery) -> server::Recovery {
    match recovery {
        Recovery::None => server::Recovery::None,
        Recovery::Refresh => server::Recovery::Refresh,
        Recovery::Login => server::Recovery::Login,
    }
}

#[cfg(test)]
mod tests;
