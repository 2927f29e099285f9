//! Telling kinds of tokens apart (RFC 8725 sections 3.11 and 3.12).

use super::{
    json::{Json, Object},
    jws::is_media_type,
    policy::ClaimPath,
};

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
    /// Neither: a kind of its own, or no rule fits, or both do. Rules for different kinds must exclude each other.
    Foreign,
}

/// Classifies a token once; what it is does not change with time or request.
pub(super) fn shape(typ: Option<&str>, claims: &Object<'_>, rules: &KindRules) -> Shape {
    if typ.is_some_and(|typ| FOREIGN_TYPES.iter().any(|foreign| is_media_type(typ, foreign))) {
        return Shape::Foreign;
    }
    // `events` makes it a security event or logout token (RFC 8417 section 2.2) even where `typ` is missing.
    if claims.contains("events") {
        return Shape::Foreign;
    }
    let stated = stated_use(claims);
    let access = rules.access.fits(typ, claims) && matches!(stated, Stated::Nothing | Stated::Access);
    let id = rules.id.fits(typ, claims) && matches!(stated, Stated::Nothing | Stated::Id);
    match (access, id) {
        (true, false) => Shape::Kind(TokenKind::Access),
        (false, true) => Shape::Kind(TokenKind::Id),
        (true, true) | (false, false) => Shape::Foreign,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stated {
    Nothing,
    Access,
    Id,
    /// Something else, or two different things.
    Other,
}

/// Some issuers write the kind into the payload: Cognito as `token_use`, Keycloak as `typ`, libraries as `token_type` or
/// `type`. A word that nobody knows says nothing; what is said twice must be the same.
fn stated_use(claims: &Object<'_>) -> Stated {
    let mut stated = Stated::Nothing;
    for name in ["token_use", "typ", "token_type", "type"] {
        let one = match claims.get(name) {
            Some(Json::Text(word)) => kind_of_word(word),
            // The first two are about kinds wherever they are used; not a word is not a kind of ours.
            Some(_) if matches!(name, "token_use" | "typ") => Stated::Other,
            Some(_) | None => Stated::Nothing,
        };
        stated = match (stated, one) {
            (stated, Stated::Nothing) => stated,
            (Stated::Nothing, one) => one,
            (stated, one) if stated == one => stated,
            _ => Stated::Other,
        };
    }
    stated
}

fn kind_of_word(word: &str) -> Stated {
    match word.to_ascii_lowercase().as_str() {
        "access" | "bearer" | "dpop" | "at+jwt" | "access_token" => Stated::Access,
        "id" | "id_token" => Stated::Id,
        "refresh" | "refresh_token" | "offline" | "logout" => Stated::Other,
        _ => Stated::Nothing,
    }
}

impl KindRule {
    fn fits(&self, typ: Option<&str>, claims: &Object<'_>) -> bool {
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
