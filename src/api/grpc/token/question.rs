//! From a request's fields to a question, or to the name of the field that is wrong.

use std::time::Duration;

use crate::{
    api::grpc::status::CallError,
    domain::{
        claims::thumbprint,
        decide::{Presented, Requirements, Scheme},
        kind::TokenKind,
    },
    proto::server::{self, RequestContext, ValidateRequest},
    service::validate::{Question, Revision},
};

/// The token is a string for everybody but this server, which asks only where it was not permitted: whatever passes is ASCII, and
/// looking at it twice would take longer than finding it. All else that is text, the decoder has looked at.
pub(super) fn check_text(request: &ValidateRequest) -> Result<(), CallError> {
    str::from_utf8(&request.token).map(|_text| ()).map_err(|_not_text| CallError::Malformed)
}

/// Reads a request; the question borrows from it.
pub(super) fn read(request: &ValidateRequest) -> Result<Question<'_>, CallError> {
    Ok(Question {
        token: &request.token,
        requirements: Requirements {
            kind: kind(request.kind)?,
            issuer: &request.issuer,
            audiences: &request.audiences,
            scopes: &request.required_scopes,
            roles: &request.required_roles,
            permissions: &request.required_permissions,
            presented: presented(request.context.as_ref())?,
        },
        min_revision: revision(&request.min_revision)?,
        max_staleness: staleness(request.max_staleness)?,
    })
}

fn revision(text: &str) -> Result<Option<Revision>, CallError> {
    if text.is_empty() {
        return Ok(None);
    }
    let problem = "not a revision that Revoke or Validate has answered; hand it back as it was";
    text.parse().map(Some).map_err(|_not_one| CallError::field("min_revision", problem))
}

fn kind(number: i32) -> Result<TokenKind, CallError> {
    match server::TokenKind::try_from(number) {
        Ok(server::TokenKind::Unspecified | server::TokenKind::Access) => Ok(TokenKind::Access),
        Ok(server::TokenKind::Id) => Ok(TokenKind::Id),
        Err(_unknown) => {
            Err(CallError::field("kind", "not a kind that this version knows; use TOKEN_KIND_ACCESS or _ID"))
        }
    }
}

fn presented(context: Option<&RequestContext>) -> Result<Presented, CallError> {
    let Some(context) = context else {
        return Ok(Presented { scheme: Scheme::Bearer, certificate: None });
    };
    Ok(Presented {
        scheme: scheme(&context.authorization_scheme)?,
        certificate: certificate(&context.client_certificate_sha256)?,
    })
}

/// Authentication schemes are compared without regard to case (RFC 9110 section 11.1).
fn scheme(name: &str) -> Result<Scheme, CallError> {
    if name.is_empty() || name.eq_ignore_ascii_case("bearer") {
        Ok(Scheme::Bearer)
    } else if name.eq_ignore_ascii_case("dpop") {
        Ok(Scheme::Dpop)
    } else {
        Err(CallError::field(
            "context.authorization_scheme",
            "use Bearer or DPoP, or leave it empty for Bearer",
        ))
    }
}

/// base64url, as `cnf` has it, or hexadecimal, as Envoy's `x-forwarded-client-cert` has it.
pub(in crate::api::grpc) fn certificate(text: &str) -> Result<Option<[u8; 32]>, CallError> {
    if text.is_empty() {
        return Ok(None);
    }
    thumbprint(text).or_else(|| hexadecimal(text)).map(Some).ok_or_else(|| {
        CallError::field(
            "context.client_certificate_sha256",
            "must be the SHA-256 of the certificate's DER form: 43 characters of base64url or 64 hexadecimal digits",
        )
    })
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut digits = text.chars().map(|digit| digit.to_digit(16));
    let mut bytes = [0; 32];
    for byte in &mut bytes {
        let high = digits.next()??;
        let low = digits.next()??;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

/// By hand: prost's own conversion overflows on the least duration there is.
fn staleness(duration: Option<prost_types::Duration>) -> Result<Option<Duration>, CallError> {
    let Some(prost_types::Duration { seconds, nanos }) = duration else { return Ok(None) };
    match (u64::try_from(seconds), u32::try_from(nanos)) {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 => Ok(Some(Duration::new(seconds, nanos))),
        (Err(_), _) | (_, Err(_)) => Err(CallError::field("max_staleness", "must not be negative")),
        (Ok(_), Ok(_)) => Err(CallError::field("max_staleness", "`nanos` must be less than a second")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<T>(result: Result<T, CallError>) -> Option<&'static str> {
        match result.err()? {
            CallError::Field { field, .. } => Some(field),
            CallError::Fault(_)
            | CallError::NotStored
            | CallError::NotRefreshed(_)
            | CallError::RevocationsFull
            | CallError::Refused(_)
            | CallError::ResponseTooLarge
            | CallError::Malformed => Some("not a field"),
        }
    }

    #[test]
    fn an_unspecified_kind_means_access_and_an_unknown_one_is_the_callers_mistake() {
        assert_eq!(kind(0).ok(), Some(TokenKind::Access));
        assert_eq!(kind(1).ok(), Some(TokenKind::Access));
        assert_eq!(kind(2).ok(), Some(TokenKind::Id));
        assert_eq!(field(kind(3)), Some("kind"));
    }

    #[test]
    fn schemes_are_bearer_and_dpop_in_any_case() {
        assert_eq!(scheme("").ok(), Some(Scheme::Bearer));
        assert_eq!(scheme("BEARER").ok(), Some(Scheme::Bearer));
        assert_eq!(scheme("dpop").ok(), Some(Scheme::Dpop));
        assert_eq!(field(scheme("Basic")), Some("context.authorization_scheme"));
    }

    #[test]
    fn certificates_come_as_base64url_or_hexadecimal() {
        assert_eq!(certificate("").ok(), Some(None));
        assert_eq!(certificate(&"00".repeat(32)).ok(), Some(Some([0; 32])));
        assert_eq!(certificate(&"fF".repeat(32)).ok(), Some(Some([255; 32])));
        assert_eq!(certificate(&"A".repeat(43)).ok(), Some(Some([0; 32])));
        for bad in ["00", &"0".repeat(65), &"g".repeat(64), "\u{e9}"] {
            assert_eq!(field(certificate(bad)), Some("context.client_certificate_sha256"), "{bad}");
        }
    }

    #[test]
    fn a_negative_staleness_is_the_callers_mistake() {
        let read = |seconds, nanos| staleness(Some(prost_types::Duration { seconds, nanos }));
        let bad = [(-1, 0), (0, -1), (1, -1), (0, 1_000_000_000), (i64::MIN, i32::MIN), (i64::MAX, i32::MAX)];
        for (seconds, nanos) in bad {
            assert_eq!(field(read(seconds, nanos)), Some("max_staleness"), "{seconds} {nanos}");
        }
        assert_eq!(read(0, 0).ok(), Some(Some(Duration::ZERO)));
        assert_eq!(read(1, 999_999_999).ok(), Some(Some(Duration::new(1, 999_999_999))));
        assert_eq!(read(i64::MAX, 0).ok(), Some(Some(Duration::from_secs(u64::MAX / 2))));
        assert_eq!(staleness(None).ok(), Some(None));
    }
}
