//! The last step: is this token good for this request? Every answer that lets something pass is built from a [`Permit`].

use super::{
    claims::{Confirmation, TextList},
    kind::TokenKind,
    policy::AudienceClaim,
    reason::{Reason, Refusal},
    revocation::check::ActiveToken,
    verify::VerifiedToken,
};

/// What one request asks of a token, on top of the issuer's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Requirements<'r> {
    /// The kind of token that is wanted.
    pub kind: TokenKind,
    /// Only from this issuer; empty means any.
    pub issuer: &'r str,
    /// Any of these, if there are any; narrows the configured ones.
    pub audiences: &'r [String],
    /// All of these.
    pub scopes: &'r [String],
    /// All of these.
    pub roles: &'r [String],
    /// All of these.
    pub permissions: &'r [String],
    /// What came with the token.
    pub presented: Presented,
}

impl Requirements<'static> {
    /// Nothing beyond this kind, shown as a bearer token.
    pub const fn of_kind(kind: TokenKind) -> Self {
        Self {
            kind,
            issuer: "",
            audiences: &[],
            scopes: &[],
            roles: &[],
            permissions: &[],
            presented: Presented { scheme: Scheme::Bearer, certificate: None },
        }
    }
}

impl Requirements<'_> {
    /// Whether a token from this issuer can be what the request asks for.
    pub fn is_from(&self, issuer: &str) -> bool {
        self.issuer.is_empty() || self.issuer == issuer
    }
}

/// How a token was presented.
#[derive(Clone, Copy, Debug)]
pub struct Presented {
    /// Under which `Authorization` scheme.
    pub scheme: Scheme,
    /// SHA-256 of the client's certificate, if it showed one.
    pub certificate: Option<[u8; 32]>,
}

/// The `Authorization` schemes that carry access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    Dpop,
}

/// Proof that a token passed every check for one request.
///
/// ```compile_fail,E0451
/// use countersign::domain::{decide::Permit, verify::VerifiedToken};
/// fn forge<'t>(token: &'t VerifiedToken) -> Permit<'t> {
///     Permit { token }
/// }
/// ```
#[must_use]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct Permit<'t> {
    token: &'t VerifiedToken,
}

impl<'t> Permit<'t> {
    /// The token that may pass.
    pub fn token(&self) -> &'t VerifiedToken {
        self.token
    }
}

/// Decides. A token whose times nobody checked, or that may be revoked, is no argument:
///
/// ```compile_fail,E0308
/// use countersign::domain::{decide::{decide, Requirements}, verify::CurrentToken};
/// fn skip_the_revocation_check(token: CurrentToken<'_>, requirements: &Requirements<'_>) {
///     let _permit = decide(token, requirements);
/// }
/// ```
///
/// ```compile_fail,E0308
/// use countersign::domain::{revocation::check::{check, Known, LastCheck}, verify::VerifiedToken};
/// fn skip_the_time_check(token: &VerifiedToken, known: &impl Known) {
///     let _active = check(token, None, &LastCheck::default(), known);
/// }
/// ```
pub fn decide<'t>(token: ActiveToken<'t>, asked: &Requirements<'_>) -> Result<Permit<'t>, Refusal> {
    let token = token.token();
    let claims = token.claims();
    if token.kind() != asked.kind {
        return Err(Refusal::new(Reason::WrongKind, "another kind of token than the one asked for"));
    }
    if !asked.is_from(&token.policy().issuer) {
        return Err(Refusal::new(
            Reason::IssuerMismatch,
            "the token is from another issuer than the one asked for",
        ));
    }
    if !is_for_us(token, asked.audiences) {
        return Err(Refusal::new(Reason::AudienceMismatch, "the token is for another audience"));
    }
    if !holds_all(claims.scopes(), asked.scopes) {
        return Err(Refusal::new(Reason::InsufficientScope, "the token lacks a required scope"));
    }
    if !holds_all(claims.permissions(), asked.permissions) {
        return Err(Refusal::new(Reason::InsufficientScope, "the token lacks a required permission"));
    }
    if !holds_all(claims.roles(), asked.roles) {
        return Err(Refusal::new(Reason::InsufficientRole, "the token lacks a required role"));
    }
    if !is_bound_to(claims.confirmation, asked.presented) {
        return Err(Refusal::new(
            Reason::BindingMismatch,
            "the token is bound to a certificate or key that was not shown, or the scheme does not fit its binding",
        ));
    }
    Ok(Permit { token })
}

/// A token is for us if one audience is its own, configured, and, where the request names some, among those.
///
/// Where the client id says whom a token is for, that is because tokens have no `aud`. One that has an `aud` all the same was
/// made for somebody by name, and is ours only if it names us, too: otherwise a client could bring here what it got for
/// another API (RFC 9068 section 4 has the resource server check `aud`).
fn is_for_us(token: &VerifiedToken, narrowed: &[String]) -> bool {
    let policy = token.policy();
    let is_in = |list: &[String], audience: &str| list.iter().any(|one| one == audience);
    let configured = |audience: &str| is_in(&policy.audiences, audience);
    let accepted =
        |audience: &str| configured(audience) && (narrowed.is_empty() || is_in(narrowed, audience));
    let stated = token.claims().audiences();
    match policy.audience_claim {
        AudienceClaim::Aud => stated.iter().any(accepted),
        AudienceClaim::ClientId => {
            let client = token.claims().client_id();
            configured(client)
                && (stated.is_empty() || stated.iter().any(configured))
                && (accepted(client) || stated.iter().any(accepted))
        }
    }
}

fn holds_all(held: TextList<'_>, required: &[String]) -> bool {
    required.iter().all(|one| held.contains(one))
}

/// A token with `cnf` is never a bearer token (E8). DPoP proofs are not built yet, so nothing satisfies `jkt`; a token
/// without `jkt` must not come under the DPoP scheme (RFC 9449 section 7.1).
fn is_bound_to(confirmation: Option<Confirmation>, presented: Presented) -> bool {
    match (confirmation, presented.scheme) {
        (None, Scheme::Bearer) => true,
        (Some(Confirmation::Certificate(bound)), Scheme::Bearer) => presented.certificate == Some(bound),
        (Some(Confirmation::Other), Scheme::Bearer) | (_, Scheme::Dpop) => false,
    }
}
