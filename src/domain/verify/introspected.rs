//! From an issuer's answer about a token that only it can read to a verified token (RFC 7662 section 2.2).

use std::sync::Arc;

use super::{Origin, Verified, VerifiedToken, lives_too_long};
use crate::domain::{
    claims::{self, Claims},
    introspection::UnverifiedAnswer,
    json::{Json, Object},
    kind::{TokenKind, is_introspected_access},
    policy::IssuerPolicy,
    reason::{Reason, Refusal},
    revocation::Target,
    time::UnixTime,
    token::RawToken,
};

/// Checks everything that does not change with time or request, as [`verify`](super::verify) does for a signed token.
///
/// `answer` is what the issuer that `policy` describes said about `token`, and came at `now`. There is no other way to an
/// introspected token than this:
///
/// ```compile_fail,E0451
/// use countersign::domain::introspection::UnverifiedAnswer;
/// let answer = UnverifiedAnswer { bytes: Vec::new() };
/// ```
pub fn introspected<'a>(
    answer: &'a UnverifiedAnswer,
    token: RawToken<'_>,
    policy: &Arc<IssuerPolicy>,
    now: UnixTime,
) -> Result<Verified<'a>, Refusal> {
    let members = answer.members().ok_or_else(|| invalid("the issuer's answer is not one JSON object"))?;
    is_from(&members, policy)?;
    let (end, has_end) = end(&members, policy, now)?;
    let mut claims = Claims::read_until(&members, policy, end)?;
    // Whom it speaks for where it says no subject: nobody but the client.
    claims.is_of_client |= claims.subject().is_empty() && !claims.client_id().is_empty();
    if !is_introspected_access(&members, &policy.kinds, !claims.audiences().is_empty()) {
        return Err(Refusal::new(Reason::WrongKind, "the issuer's answer is not about an access token"));
    }
    let signing_input = Some(Target::whole_token(&policy.issuer, token));
    let token = VerifiedToken {
        policy: Arc::clone(policy),
        claims,
        kind: TokenKind::Access,
        origin: Origin::Introspected { has_end },
        signing_input,
        targets: Default::default(),
    };
    Ok(Verified { token, payload: answer.bytes() })
}

/// `iss` is optional, because it is clear who was asked. If it is there, it is the issuer's own.
fn is_from(members: &Object<'_>, policy: &IssuerPolicy) -> Result<(), Refusal> {
    match members.get("iss") {
        None => Ok(()),
        Some(Json::Text(issuer)) if *issuer == policy.issuer => Ok(()),
        Some(_) => {
            Err(Refusal::new(Reason::UnknownIssuer, "the issuer's answer is about another issuer's token"))
        }
    }
}

/// When it ends, and whether that is known. Without `exp`, it is no good any longer than a token may live at all, from when it
/// began if that is said, or else from now: an answer is asked for again long before that.
fn end(members: &Object<'_>, policy: &IssuerPolicy, now: UnixTime) -> Result<(UnixTime, bool), Refusal> {
    let begin = claims::begin(members)?;
    match (claims::end(members)?, begin) {
        (Some(end), Some(begin)) if end.since(begin) > policy.max_token_lifetime => Err(lives_too_long()),
        (Some(end), _) => Ok((end, true)),
        (None, Some(begin)) => Ok((begin.plus(policy.max_token_lifetime), true)),
        // Less the leeway that is added wherever an end counts.
        (None, None) => Ok((now.plus(policy.max_token_lifetime).minus(policy.leeway), false)),
    }
}

fn invalid(message: &'static str) -> Refusal {
    Refusal::new(Reason::ClaimInvalid, message)
}

#[cfg(test)]
mod tests;
