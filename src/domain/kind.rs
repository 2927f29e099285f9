//! Telling kinds of tokens apart (RFC 8725 sections 3.11 and 3.12).

use serde_json::{Map, Value};

use super::{jws::is_media_type, policy::ClaimPath};

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Presented to an API.
    Access,
    /// A statement to the client about a login.
    Id,
}

/// How one kind of one issuer's tokens is recognised: by `typ`, by claims that must be there, by claims that must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindRule {
    /// Accepted values of the header's `typ`. `JWT` also covers a header without `typ`, since it says as little.
    pub typ: Vec<String>,
    /// Claims that must be present.
    pub require: Vec<ClaimPath>,
    /// Claims that must be absent.
    pub forbid: Vec<ClaimPath>,
}

/// The rules of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindRules {
    /// For access tokens.
    pub access: KindRule,
    /// For ID tokens.
    pub id: KindRule,
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
    /// A kind of its own that no rule can admit.
    Foreign,
    /// No rule fits, or both do: rules for different kinds must exclude each other, so such a token is neither.
    Neither,
}

/// Classifies a token once; what it is does not change with time or request.
pub(super) fn shape(typ: Option<&str>, claims: &Map<String, Value>, rules: &KindRules) -> Shape {
    if typ.is_some_and(|typ| FOREIGN_TYPES.iter().any(|foreign| is_media_type(typ, foreign))) {
        return Shape::Foreign;
    }
    // `events` makes it a security event or logout token (RFC 8417 section 2.2) even where `typ` is missing.
    if claims.contains_key("events") {
        return Shape::Foreign;
    }
    let stated = stated_use(claims);
    if stated == Some(Stated::Other) {
        return Shape::Foreign;
    }
    let access = rules.access.fits(typ, claims) && stated != Some(Stated::Id);
    let id = rules.id.fits(typ, claims) && stated != Some(Stated::Access);
    match (access, id) {
        (true, false) => Shape::Kind(TokenKind::Access),
        (false, true) => Shape::Kind(TokenKind::Id),
        (true, true) | (false, false) => Shape::Neither,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stated {
    Access,
    Id,
    Other,
}

/// Some issuers write the kind into the payload: Cognito as `token_use`, Keycloak as `typ`.
fn stated_use(claims: &Map<String, Value>) -> Option<Stated> {
    let stated = ["token_use", "typ"].into_iter().find_map(|name| claims.get(name)?.as_str())?;
    let is = |word: &str| stated.eq_ignore_ascii_case(word);
    if is("access") || is("bearer") || is("dpop") || is("at+jwt") {
        Some(Stated::Access)
    } else if is("id") {
        Some(Stated::Id)
    } else if is("refresh") || is("offline") || is("logout") {
        Some(Stated::Other)
    } else {
        None
    }
}

impl KindRule {
    fn fits(&self, typ: Option<&str>, claims: &Map<String, Value>) -> bool {
        let typ = typ.unwrap_or("JWT");
        self.typ.iter().any(|accepted| is_media_type(typ, bare(accepted)))
            && self.require.iter().all(|path| path.find(claims).is_some())
            && self.forbid.iter().all(|path| path.find(claims).is_none())
    }

    /// Whether the rule would take any signed token of the issuer: an untyped header and no claim that tells.
    pub fn tells_nothing(&self) -> bool {
        self.typ.iter().any(|typ| bare(typ).eq_ignore_ascii_case("JWT"))
            && self.require.is_empty()
            && self.forbid.is_empty()
    }
}

fn bare(typ: &str) -> &str {
    typ.split_once('/').map_or(typ, |(_, sub)| sub)
}
