//! From an outcome to a response. A token that passes is encoded once and its bytes are kept with the cached token.

mod encode;

use std::ops::Range;

pub(in crate::api::grpc) use self::encode::claims_of;
pub use self::encode::encode;
use crate::api::grpc::times::timestamp;
use crate::{
    domain::reason::{Reason, Recovery, Refusal},
    proto::server::{self, Rejection, ValidateResponse, validate_response::Outcome},
    service::validate::{EncodedToken, Knowledge, Pass, Verdict},
};

/// The answer for a token that may pass, with or without its verbatim claims.
pub(super) fn of_pass(pass: &Pass<'_>, claims: bool) -> Outcome {
    Outcome::Token(pass.cached.encoded().bytes.slice(part_of(pass, claims)))
}

/// The same, to be written somewhere.
pub(super) fn written<'p>(pass: &Pass<'p>, claims: bool) -> &'p [u8] {
    pass.cached.encoded().bytes.get(part_of(pass, claims)).unwrap_or_default()
}

fn part_of(pass: &Pass<'_>, claims: bool) -> Range<usize> {
    let EncodedToken { bytes, claims_prefix, refresh_suffix } = pass.cached.encoded();
    let start = if claims { 0 } else { *claims_prefix };
    start..if pass.should_refresh { bytes.len() } else { bytes.len() - refresh_suffix }
}

/// The answer for a token that was refused.
pub(in crate::api::grpc) fn of_refusal(refusal: &Refusal) -> Rejection {
    Rejection {
        reason: reason(refusal.reason()).into(),
        message: refusal.message().to_owned(),
        recovery: recovery(refusal.reason().recovery()).into(),
    }
}

/// The whole response.
pub(super) fn of_verdict(verdict: Verdict<Outcome>) -> ValidateResponse {
    let Verdict { outcome, knowledge: Knowledge { revision, as_of } } = verdict;
    ValidateResponse {
        outcome: Some(outcome.unwrap_or_else(|refusal| Outcome::Rejection(of_refusal(&refusal)))),
        revision,
        revocations_as_of: Some(timestamp(as_of)),
    }
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
        Reason::Revoked => server::Reason::Revoked,
        Reason::RefreshInvalid => server::Reason::RefreshInvalid,
        Reason::RefreshReused => server::Reason::RefreshReused,
        Reason::RefreshOutcomeLost => server::Reason::RefreshOutcomeLost,
        Reason::Inactive => server::Reason::Inactive,
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
