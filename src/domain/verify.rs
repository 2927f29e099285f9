//! From an unverified JWS to a token that its issuer signed, and from there to one that is valid now.
//!
//! Each step returns a type that only this file can make, and the next step asks for it, so that none can be left out:
//!
//! ```compile_fail,E0451
//! use countersign::domain::verify::CurrentToken;
//! fn forge<'t>(token: &'t countersign::domain::verify::VerifiedToken) -> CurrentToken<'t> {
//!     CurrentToken { token }
//! }
//! ```

mod introspected;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

pub use introspected::introspected;

use super::{
    claims::Claims,
    json::Json,
    jws::UnverifiedJws,
    key::{KeyIdentity, VerifyError, VerifyingKey},
    kind::{Shape, TokenKind, shape},
    policy::IssuerPolicy,
    reason::{Reason, Refusal},
    refresh::Life,
    revocation::{Target, TargetKind},
    time::UnixTime,
};

/// A token that its issuer signed, or said to be its own when asked about it (RFC 7662), of a kind that its issuer makes. Says
/// nothing about time, audience or revocation.
///
/// ```compile_fail,E0451
/// use countersign::domain::verify::VerifiedToken;
/// fn forge(token: VerifiedToken) -> VerifiedToken {
///     VerifiedToken { kind: countersign::domain::kind::TokenKind::Access, ..token }
/// }
/// ```
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct VerifiedToken {
    policy: Arc<IssuerPolicy>,
    claims: Claims,
    kind: TokenKind,
    origin: Origin,
    /// Of a token without an id, and of one that only its issuer can read: what it is revoked by.
    signing_input: Option<Target>,
    /// What it can be revoked by, as far as somebody has asked. By kind.
    targets: [OnceLock<Option<Target>>; TargetKind::ALL.len()],
}

/// That a key signed a token: what is left of a signature once it has been verified. Whoever keeps it keeps it by a digest of the
/// whole token, so that it is never taken for another's.
///
/// ```compile_fail,E0423
/// use countersign::domain::{key::KeyIdentity, verify::Signed};
/// fn forge(key: KeyIdentity) -> Signed {
///     Signed(key)
/// }
/// ```
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "which key signed which token is nobody's business")]
pub struct Signed(KeyIdentity);

/// How it is known to be its issuer's.
#[derive(Clone, Copy)]
enum Origin {
    /// By a signature.
    Signed(KeyIdentity),
    /// By the issuer's word.
    Introspected {
        /// Whether that says when the token ends, or began.
        has_end: bool,
    },
}

/// A verified token, and the payload that it was read from.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct Verified<'p> {
    token: VerifiedToken,
    payload: &'p [u8],
}

/// Checks the signature with the keys that may have made it, then everything that does not change with time or request.
///
/// `keys` come from the issuer that `policy` describes; the token's `iss` has led to it and is compared again here.
pub fn verify<'p>(
    jws: &UnverifiedJws<'p>,
    keys: &[&Arc<VerifyingKey>],
    policy: &Arc<IssuerPolicy>,
) -> Result<Verified<'p>, Refusal> {
    let key = signer(jws, keys, policy)?;
    read_signed(jws, Signed(key.identity()), policy)
}

/// What comes behind the signature: of a token that was verified now, or before, byte for byte, under this policy.
pub(crate) fn read_signed<'p>(
    jws: &UnverifiedJws<'p>,
    Signed(key): Signed,
    policy: &Arc<IssuerPolicy>,
) -> Result<Verified<'p>, Refusal> {
    let UnverifiedJws { header, payload, members, .. } = jws;
    // From here on the content is the issuer's word.
    if members.get("iss").and_then(Json::as_str) != Some(policy.issuer.as_str()) {
        return Err(Refusal::new(Reason::UnknownIssuer, "the token is not from this issuer"));
    }
    let Shape::Kind(kind) = shape(header.typ.as_deref(), members, &policy.kinds) else {
        return Err(Refusal::new(
            Reason::WrongKind,
            "neither an access token nor an ID token of this issuer",
        ));
    };
    let claims = Claims::read(members, policy)?;
    let begin = claims.issued_at.or(claims.not_before);
    if begin.is_some_and(|begin| claims.expires_at.since(begin) > policy.max_token_lifetime) {
        return Err(lives_too_long());
    }
    // Only where it is needed: for a long token it costs as much as a tenth of an RPC.
    let signing_input =
        claims.token_id().is_empty().then(|| Target::signing_input(&policy.issuer, jws.signing_input));
    let (origin, targets) = (Origin::Signed(key), Default::default());
    let token = VerifiedToken { policy: Arc::clone(policy), claims, kind, origin, signing_input, targets };
    Ok(Verified { token, payload })
}

fn signer<'k>(
    jws: &UnverifiedJws<'_>,
    keys: &[&'k Arc<VerifyingKey>],
    policy: &IssuerPolicy,
) -> Result<&'k Arc<VerifyingKey>, Refusal> {
    let not_allowed = || {
        Refusal::new(
            Reason::AlgorithmNotAllowed,
            "the token's algorithm is not allowed for this issuer or key",
        )
    };
    let algorithm =
        jws.header.algorithm.filter(|it| policy.algorithms.allows(*it)).ok_or_else(not_allowed)?;
    let mut refusal = Refusal::new(Reason::UnknownKey, "the issuer publishes no key for this token");
    for key in keys {
        match key.verify(algorithm, jws.signing_input, jws.signature) {
            Ok(()) => return Ok(key),
            Err(VerifyError::Algorithm) => refusal = not_allowed(),
            Err(VerifyError::Signature) => {
                refusal = Refusal::new(Reason::BadSignature, "the signature does not verify");
            }
        }
    }
    Err(refusal)
}

impl Verified<'_> {
    /// The token.
    pub fn token(&self) -> &VerifiedToken {
        &self.token
    }

    /// The payload, byte for byte as signed; of an introspected token, its issuer's answer as received.
    pub fn payload(&self) -> &[u8] {
        self.payload
    }

    /// Lets go of the payload.
    pub fn into_token(self) -> VerifiedToken {
        self.token
    }
}

impl VerifiedToken {
    /// The rules that it was verified under.
    pub fn policy(&self) -> &Arc<IssuerPolicy> {
        &self.policy
    }

    /// What it says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What it is.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The key that signed it; `None`: its issuer was asked.
    pub fn key(&self) -> Option<KeyIdentity> {
        match self.origin {
            Origin::Signed(key) => Some(key),
            Origin::Introspected { .. } => None,
        }
    }

    /// The same, for reading it again.
    pub fn signed(&self) -> Option<Signed> {
        self.key().map(Signed)
    }

    /// Whether it is known when it ends at the latest. If not, nothing says for how long it can come again.
    pub fn has_end(&self) -> bool {
        !matches!(self.origin, Origin::Introspected { has_end: false })
    }

    /// By what kinds of targets the token itself is revoked; by the first one if somebody shows it. An introspected one that
    /// has an id can be revoked by that, too, but who shows it need not ask its issuer for the id.
    pub fn own_kinds(&self) -> &'static [TargetKind] {
        match (self.origin, self.signing_input) {
            (Origin::Signed(_), None) => &[TargetKind::TokenId],
            (Origin::Signed(_), Some(_)) => &[TargetKind::SigningInput],
            (Origin::Introspected { .. }, _) => &[TargetKind::SigningInput, TargetKind::TokenId],
        }
    }

    /// What it can be revoked by, of one kind; `None` if it does not say. Computed when it is first asked for: a hash, which most
    /// tokens never need.
    pub fn target(&self, kind: TargetKind) -> Option<Target> {
        match self.targets.get(usize::from(kind.number()).wrapping_sub(1)) {
            Some(place) => *place.get_or_init(|| self.compute_target(kind)),
            None => self.compute_target(kind),
        }
    }

    /// What the token itself is revoked by when somebody shows it.
    pub fn own_target(&self) -> Option<Target> {
        self.own_kinds().first().and_then(|kind| self.target(*kind))
    }

    fn compute_target(&self, kind: TargetKind) -> Option<Target> {
        let issuer = self.policy.issuer.as_str();
        let (subject, session) = (self.claims.subject(), self.claims.session_id());
        let stated = |id: &str, target: fn(&str, &str) -> Target| {
            if id.is_empty() { None } else { Some(target(issuer, id)) }
        };
        match kind {
            TargetKind::TokenId => stated(self.claims.token_id(), Target::token_id),
            TargetKind::SigningInput => self.signing_input,
            TargetKind::Session => stated(session, Target::session),
            TargetKind::Subject => stated(subject, Target::subject),
            TargetKind::Client => stated(self.claims.client_id(), Target::client),
            TargetKind::Issuer => Some(Target::issuer(issuer)),
            TargetKind::Exception => {
                let both = !subject.is_empty() && !session.is_empty();
                both.then(|| Target::exception(issuer, subject, session))
            }
        }
    }

    /// Checks its times at `now` (RFC 7519 section 4.1): `exp` with leeway must lie ahead, `nbf` and `iat` with leeway
    /// must not.
    pub fn at(&self, now: UnixTime) -> Result<CurrentToken<'_>, Refusal> {
        let IssuerPolicy { leeway, max_token_lifetime, max_token_age, .. } = *self.policy;
        let claims = &self.claims;
        if now >= claims.expires_at.plus(leeway) {
            return Err(Refusal::new(Reason::Expired, "the token has expired"));
        }
        let early = |time: Option<UnixTime>| time.is_some_and(|time| time > now.plus(leeway));
        if early(claims.not_before) {
            return Err(Refusal::new(Reason::NotYetValid, "the token is not valid yet"));
        }
        if early(claims.issued_at) {
            return Err(Refusal::new(Reason::NotYetValid, "the token was issued in the future"));
        }
        match (max_token_age, claims.issued_at) {
            (Some(age), Some(issued)) if now >= issued.plus(age).plus(leeway) => {
                return Err(Refusal::new(Reason::Expired, "the token is older than this service accepts"));
            }
            (Some(_), None) => {
                return Err(Refusal::new(
                    Reason::ClaimInvalid,
                    "`iat` is missing, so the token's age cannot be told",
                ));
            }
            (Some(_) | None, _) => {}
        }
        // Without `iat` and `nbf` nobody knows when its life began; what is left of it has to fit. Such a token can come
        // to fit later, so a revocation by time has to refuse every token without `iat` for as long as one may live; an
        // operator who does not want them at all lists `iat` in `required_claims`.
        let begin = claims.issued_at.or(claims.not_before);
        if begin.is_none() && claims.expires_at > now.plus(max_token_lifetime) {
            return Err(lives_too_long());
        }
        Ok(CurrentToken { token: self })
    }

    /// Whether a client that can refresh should, where `refresh.early` is `early`.
    pub fn should_refresh(&self, now: UnixTime, early: Duration) -> bool {
        let Claims { issued_at, expires_at, .. } = self.claims;
        let names = [self.claims.session_id(), self.claims.token_id()];
        let stated = names.into_iter().find(|name| !name.is_empty()).map(str::as_bytes);
        let own = self.signing_input.as_ref().map(|target| target.key().as_slice());
        Life { issued_at, expires_at }.is_due(now, early, stated.or(own).unwrap_or_default())
    }
}

/// A verified token whose times are right at the moment that was asked about.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct CurrentToken<'t> {
    token: &'t VerifiedToken,
}

impl<'t> CurrentToken<'t> {
    /// The token.
    pub fn token(self) -> &'t VerifiedToken {
        self.token
    }
}

fn lives_too_long() -> Refusal {
    Refusal::new(Reason::ClaimInvalid, "the token lives longer than `max_token_lifetime` allows")
}
