//! Tokens that only their issuer can read (RFC 7662): whom to ask about one, and what is known without asking.
//!
//! What has the form of a JWS or JWE never comes here. So the way of signed tokens is as short as without this: what is no JWS has
//! failed to be one already.

mod questions;

use std::sync::Arc;

pub(super) use self::questions::Introspections;
use super::{Identified, Presentation, Stop, Tried, Unidentified, Validator};
use crate::{
    domain::{
        jws::is_compact,
        kind::TokenKind,
        reason::{Reason, Refusal},
        revocation::{Target, TargetKind, check::Known as _},
        time::UnixTime,
        token::RawToken,
    },
    issuer::{Introspector, IssuerId},
    service::trust::Trust,
    state::introspections::Asked,
};

/// Whom to ask.
pub(super) struct Opaque {
    issuer: IssuerId,
    introspector: Arc<Introspector>,
}

impl Validator {
    /// What to make of something that is no JWS. `malformed` is what it is where no issuer is asked about others.
    #[cold]
    pub(super) fn opaque(
        &self,
        trust: &Trust,
        presented: Presentation<'_>,
        malformed: Refusal,
    ) -> Result<Tried, Stop> {
        let Presentation { token, digest, asked, at } = presented;
        if !trust.asks_any() || is_compact(token) {
            return Err(malformed.into());
        }
        let (issuer, introspector) = trust.asked_about(token, asked.issuer).ok_or_else(|| {
            Refusal::new(
                Reason::UnknownIssuer,
                "not a JWS, and no configured issuer is asked about such a token",
            )
        })?;
        if asked.kind != TokenKind::Access {
            return Err(Refusal::new(Reason::WrongKind, "not a JWS, which every ID token is").into());
        }
        // What is revoked here is refused whatever its issuer says, and also if that says nothing.
        let known = self.sources.revocations.at(at);
        if known.has_any(TargetKind::SigningInput)
            && known.find(&Target::whole_token(&issuer.policy().issuer, token)).is_some()
        {
            return Err(Refusal::new(Reason::Revoked, "the token was revoked").into());
        }
        if let Some(known) = self.introspections.recall(Asked { issuer: issuer.id(), digest }, at) {
            match known {
                Ok(_) => self.metrics.cache_hit(),
                Err(_) => self.metrics.cache_refusal_hit(),
            }
            return Ok(Tried::Known(known));
        }
        Ok(Tried::Opaque(Opaque { issuer: issuer.id(), introspector: Arc::clone(introspector) }))
    }

    /// Which token it is, if it is one that only its issuer can read: known by its bytes, so nobody is asked, and it can be revoked
    /// while its issuer is away.
    pub(super) fn identify_opaque(
        &self,
        trust: &Trust,
        token: RawToken<'_>,
        issuer: &str,
    ) -> Result<Option<Identified>, Unidentified> {
        if !trust.asks_any() || is_compact(token) {
            return Ok(None);
        }
        let (issuer, _) = trust.asked_about(token, issuer).ok_or(Unidentified::NotAToken)?;
        let policy = Arc::clone(issuer.policy());
        let now = self.clock.now();
        let asked = Asked { issuer: issuer.id(), digest: self.cache.digest(token.bounded()) };
        let known = self.introspections.recall(asked, now).and_then(Result::ok);
        let known = known.as_ref().map(|cached| cached.token());
        // Where its end is not known, it could come again for as long as anything of the issuer.
        let latest = || now.plus(policy.leeway).plus(policy.max_session_lifetime);
        let expires_at: UnixTime =
            known.filter(|token| token.has_end()).map_or_else(latest, |token| token.claims().expires_at);
        Ok(Some(Identified {
            target: Target::whole_token(&policy.issuer, token),
            expires_at,
            // An issuer may call a token by itself, and this is written down.
            token_id: String::new(),
            id_token_for: None,
            subject: known.map(|token| token.claims().subject().to_owned()).unwrap_or_default(),
            session_id: known.map(|token| token.claims().session_id().to_owned()).unwrap_or_default(),
            client_id: known.map(|token| token.claims().client_id().to_owned()).unwrap_or_default(),
            policy,
        }))
    }
}
