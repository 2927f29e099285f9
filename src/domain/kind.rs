//! Telling kinds of tokens apart (RFC 8725 sections 3.11 and 3.12).

mod stated;

use super::{
    json::Object,
    jws::{is_media_type, short_media_type},
    policy::{AnyClaim, ClaimPath},
};
use stated::{Stated, stated_use};

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Presented to an API.
    Access,
    /// A statement to the client about a login.
    Id,
}

/// How one kind of one issuer's tokens is recognised: by `typ`, by claims that must be there, by claims that must not.
/// The default accepts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindRule {
    /// Accepted values of the header's `typ`. `JWT` also covers a header without `typ`, since it says as little.
    pub typ: Vec<String>,
    /// Claims that must be present.
    pub require: Vec<AnyClaim>,
    /// Claims that must be absent.
    pub forbid: Vec<ClaimPath>,
    /// Whether the payload must say that it is of this kind. That alone tells the kinds apart, because a payload that says
    /// one kind is never taken for the other.
    pub stated: bool,
}

/// The rules of one issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindRules {
    /// For access tokens.
    pub access: KindRule,
    /// For ID tokens.
    pub id: KindRule,
    /// For tokens that speak for a client itself.
    pub client: ClientRule,
}

/// How an issuer marks tokens from client credentials whose subject is not the client's id. Without any claims it marks
/// none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRule {
    /// Claims that must be present.
    pub require: Vec<AnyClaim>,
    /// Claims that must be absent.
    pub forbid: Vec<ClaimPath>,
}

/// Explicit types that never are an access or ID token, whatever an issuer's rules say: logout tokens, security events,
/// DPoP proofs, status lists, introspection answers, client assertions, authorization requests, entity statements.
const FOREIGN_TYPES: [&str; 12] = [
    "logout+jwt",
    "secevent+jwt",
    "dpop+jwt",
    "statuslist+jwt",
    "token-introspection+jwt",
    "client-authentication+jwt",
    "oauth-authz-req+jwt",
    "entity-statement+jwt",
    "openid4vci-proof+jwt",
    "kb+jwt",
    "rt+jwt",
    "userinfo+jwt",
];

/// What a token's shape says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One kind's rule fits, and only one.
    Kind(TokenKind),
    /// Neither: a kind of its own, or no rule fits, or both do. Rules for different kinds must exclude each other.
    Foreign,
}

/// Classifies a token once; what it is does not change with time or request.
pub(super) fn shape(typ: Option<&str>, claims: &Object<'_>, rules: &KindRules) -> Shape {
    let short = typ.and_then(short_media_type);
    if short.is_some_and(|typ| FOREIGN_TYPES.iter().any(|foreign| typ.eq_ignore_ascii_case(foreign))) {
        return Shape::Foreign;
    }
    // `events` makes it a security event or logout token (RFC 8417 section 2.2) even where `typ` is missing.
    if claims.contains("events") {
        return Shape::Foreign;
    }
    let stated = stated_use(claims);
    let access = rules.access.fits(typ, claims) && rules.access.accepts(stated, Stated::Access);
    let id = rules.id.fits(typ, claims) && rules.id.accepts(stated, Stated::Id);
    match (access, id) {
        (true, false) => Shape::Kind(TokenKind::Access),
        (false, true) => Shape::Kind(TokenKind::Id),
        (true, true) | (false, false) => Shape::Foreign,
    }
}

/// Whether what an issuer says about a token that only it can read (RFC 7662) may be about an access token. `has_audience`:
/// whether it names one.
///
/// Such an answer has no header and so no `typ`; nor are there ID tokens that only the issuer can read. But refresh tokens
/// are introspected, too, and some issuers say of them no more than that they are active: what says neither what it is nor
/// for whom is not taken for an access token.
pub(super) fn is_introspected_access(claims: &Object<'_>, rules: &KindRules, has_audience: bool) -> bool {
    !claims.contains("events")
        && match stated_use(claims) {
            Stated::Access => true,
            Stated::Nothing => has_audience && !rules.access.stated,
            Stated::Id | Stated::Other => false,
        }
}

impl KindRule {
    fn fits(&self, typ: Option<&str>, claims: &Object<'_>) -> bool {
        let typ = typ.unwrap_or("JWT");
        self.typ.iter().any(|accepted| is_media_type(typ, bare(accepted)))
            && has(claims, &self.require, &self.forbid)
    }

    fn accepts(&self, stated: Stated, own: Stated) -> bool {
        stated == own || stated == Stated::Nothing && !self.stated
    }

    /// Whether the rule would take any signed token of the issuer: an untyped header and no claim that tells.
    pub fn tells_nothing(&self) -> bool {
        self.typ.iter().any(|typ| bare(typ).eq_ignore_ascii_case("JWT"))
            && self.require.is_empty()
            && self.forbid.is_empty()
            && !self.stated
    }
}

impl ClientRule {
    /// Whether a token with these claims speaks for a client.
    pub(super) fn fits(&self, claims: &Object<'_>) -> bool {
        let says_something = !self.require.is_empty() || !self.forbid.is_empty();
        says_something && has(claims, &self.require, &self.forbid)
    }
}

fn has(claims: &Object<'_>, require: &[AnyClaim], forbid: &[ClaimPath]) -> bool {
    require.iter().all(|any| any.is_in(claims)) && forbid.iter().all(|path| path.find(claims).is_none())
}

fn bare(typ: &str) -> &str {
    typ.split_once('/').map_or(typ, |(_, sub)| sub)
}

#[cfg(test)]
mod tests;
