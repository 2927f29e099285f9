//! Which token is it? For those that revoke one by showing it: the same checks of form, issuer and signature as for every
//! other question, and none of those that say whether it is good now.

use std::sync::Arc;

use super::{Presentation, Stop, Tried, Validator};
use crate::{
    domain::{
        decide::{Presented, Requirements, Scheme},
        kind::TokenKind,
        policy::IssuerPolicy,
        reason::Reason,
        revocation::Target,
        time::UnixTime,
        token::RawToken,
    },
    service::{fault::Fault, trust::Trust},
    state::cache::CachedToken,
};

/// A token that its issuer signed, or one that only its issuer can read.
pub(in crate::service) struct Identified {
    /// What revocations call it.
    pub(in crate::service) target: Target,
    /// The rules that it was verified under.
    pub(in crate::service) policy: Arc<IssuerPolicy>,
    /// `exp`; where that is not known, no earlier.
    pub(in crate::service) expires_at: UnixTime,
    /// Its own id; empty if it has none.
    pub(in crate::service) token_id: String,
    /// The client that it was issued to; empty if it does not say.
    pub(in crate::service) client_id: String,
    /// `sub`; empty if it has none.
    pub(in crate::service) subject: String,
    /// Its session; empty if it names none.
    pub(in crate::service) session_id: String,
    /// If it is an ID token, whom it is for; `None`: it is none.
    pub(in crate::service) id_token_for: Option<Vec<String>>,
}

/// Why it cannot be said which token it is.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::service) enum Unidentified {
    /// No token that any configured issuer could have made for this service.
    NotAToken,
    /// Not from the issuer that was asked for.
    OtherIssuer,
    /// Our trouble.
    Fault(Fault),
}

impl From<Stop> for Unidentified {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(refusal) if refusal.reason() == Reason::IssuerMismatch => Self::OtherIssuer,
            Stop::Refused(_) => Self::NotAToken,
            Stop::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Validator {
    /// Verifies a token, whose times do not matter, and says which one it is. `issuer`: only from this one; empty: any.
    pub(in crate::service) async fn identify(
        &self,
        token: &str,
        issuer: &str,
    ) -> Result<Identified, Unidentified> {
        let trust = self.trust();
        let raw = RawToken::new(token, trust.max_token_bytes()).map_err(Stop::from)?;
        if let Some(identified) = self.identify_opaque(&trust, raw, issuer)? {
            return Ok(identified);
        }
        let cached = self.verified(&trust, raw, issuer).await?;
        let verified = cached.token();
        Ok(Identified {
            target: verified.own_target().ok_or(Unidentified::NotAToken)?,
            policy: Arc::clone(verified.policy()),
            expires_at: verified.claims().expires_at,
            token_id: verified.claims().token_id().to_owned(),
            client_id: verified.claims().client_id().to_owned(),
            subject: verified.claims().subject().to_owned(),
            session_id: verified.claims().session_id().to_owned(),
            id_token_for: (verified.kind() == TokenKind::Id)
                .then(|| verified.claims().audiences().iter().map(ToOwned::to_owned).collect()),
        })
    }

    /// The access token, verified with the keys at hand: whose it is, and not whether it is good now. `None` where that would have
    /// to wait.
    pub(in crate::service) fn access_token_at_once(
        &self,
        token: &str,
        issuer: &str,
    ) -> Option<Arc<CachedToken>> {
        let trust = self.trust();
        let token = RawToken::new(token, trust.max_token_bytes()).ok()?;
        let asked = of_any_kind(issuer);
        let digest = self.cache.digest(token.bounded());
        match self.verify_now(&trust, Presentation { token, digest, asked: &asked, at: self.clock.now() }) {
            Ok(Tried::Verified(cached)) if cached.token().kind() == TokenKind::Access => Some(cached),
            Ok(Tried::Known(Ok(cached))) => Some(cached),
            Ok(
                Tried::Verified(_)
                | Tried::Known(Err(_))
                | Tried::Opaque(_)
                | Tried::Forged { .. }
                | Tried::NoKey,
            )
            | Err(_) => None,
        }
    }

    /// Never from the cache: what the cache knows of a token does not say whether its issuer is the one asked for, and nobody
    /// revokes so often that a signature counts.
    async fn verified(
        &self,
        trust: &Trust,
        token: RawToken<'_>,
        issuer: &str,
    ) -> Result<Arc<CachedToken>, Stop> {
        let asked = of_any_kind(issuer);
        let digest = self.cache.digest(token.bounded());
        let presented = Presentation { token, digest, asked: &asked, at: self.clock.now() };
        match self.verify_now(trust, presented)? {
            Tried::Verified(cached) => Ok(cached),
            tried @ (Tried::Forged { .. } | Tried::NoKey | Tried::Known(_) | Tried::Opaque(_)) => {
                self.verify_after_fetch(trust, token, digest, &asked, tried).await
            }
        }
    }
}

/// Only the issuer is looked at on the way to a verified token.
fn of_any_kind(issuer: &str) -> Requirements<'_> {
    Requirements {
        kind: TokenKind::Access,
        issuer,
        audiences: &[],
        scopes: &[],
        roles: &[],
        permissions: &[],
        presented: Presented { scheme: Scheme::Bearer, certificate: None },
    }
}
