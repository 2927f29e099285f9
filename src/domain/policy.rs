//! What one issuer's tokens have to satisfy: the checked form of an `issuers` entry, as far as tokens are concerned.

use std::{fmt, time::Duration};

use super::{
    algorithm::AllowedAlgorithms,
    json::{Json, Object, unescaped},
    kind::KindRules,
};

/// The rules for one issuer's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerPolicy {
    /// The name in logs, metrics and health.
    pub name: String,
    /// Compared byte for byte with `iss`.
    pub issuer: String,
    /// A token must be for at least one of these. Never empty.
    pub audiences: Vec<String>,
    /// Where a token says whom it is for.
    pub audience_claim: AudienceClaim,
    /// What it may be signed with.
    pub algorithms: AllowedAlgorithms,
    /// How kinds are told apart.
    pub kinds: KindRules,
    /// Tolerance for clocks, at every comparison of times.
    pub leeway: Duration,
    /// The longest time between `iat` and `exp`.
    pub max_token_lifetime: Duration,
    /// How long a session could be refreshed at all; never less than `max_token_lifetime`.
    pub max_session_lifetime: Duration,
    /// If set, the longest time since `iat`.
    pub max_token_age: Option<Duration>,
    /// Claims that every token must have.
    pub required_claims: Vec<ClaimPath>,
    /// Where the claims that the answer names are found.
    pub claims: ClaimNames,
}

impl IssuerPolicy {
    /// The same for what the issuer says about a token when it is asked (RFC 7662): such answers have names of their own, which
    /// count where the issuer's signed tokens call a thing by another.
    #[must_use]
    pub fn of_introspection(&self) -> Self {
        let mut policy = self.clone();
        let ClaimNames { scopes, client_id, token_id, .. } = &mut policy.claims;
        for (names, name) in [(scopes, "scope"), (client_id, "client_id"), (token_id, "jti")] {
            let name = ClaimPath::new(name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        policy
    }
}

/// Where a token says whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceClaim {
    /// `aud` (RFC 7519 section 4.1.3).
    Aud,
    /// The client id, for issuers whose access tokens have no `aud` (Cognito). An `aud` that is there counts, too.
    ClientId,
}

/// The claims behind each field of the answer; the first that is present wins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in TokenInfo")]
pub struct ClaimNames {
    pub session_id: Vec<ClaimPath>,
    pub token_id: Vec<ClaimPath>,
    pub client_id: Vec<ClaimPath>,
    pub scopes: Vec<ClaimPath>,
    pub roles: Vec<ClaimPath>,
    pub permissions: Vec<ClaimPath>,
    pub organization_id: Vec<ClaimPath>,
}

/// A claim: a top-level name taken literally (names contain dots, colons and slashes), or, where it begins with a slash,
/// a JSON Pointer (RFC 6901) to a nested one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(String);

impl ClaimPath {
    /// As written in the configuration.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The claim's value; `null` counts as absent.
    pub fn find<'v, 't>(&self, claims: &'v Object<'t>) -> Option<&'v Json<'t>> {
        let value = match self.0.strip_prefix('/') {
            None => claims.get(&self.0)?,
            Some(pointer) => {
                let (first, rest) = match pointer.split_once('/') {
                    Some((first, _)) => (first, pointer.get(first.len()..)?),
                    None => (pointer, ""),
                };
                claims.get(&unescaped(first))?.pointer(rest)?
            }
        };
        (!matches!(value, Json::Null)).then_some(value)
    }
}

/// One claim, or several of which one is enough: issuers call the same thing differently from version to version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyClaim(Vec<ClaimPath>);

impl AnyClaim {
    /// Any of these; of none at all, none can be there.
    pub fn new(claims: Vec<ClaimPath>) -> Self {
        Self(claims)
    }

    /// The alternatives.
    pub fn claims(&self) -> &[ClaimPath] {
        &self.0
    }

    /// Whether one of them is present.
    pub fn is_in(&self, claims: &Object<'_>) -> bool {
        self.0.iter().any(|path| path.find(claims).is_some())
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::json, *};

    #[test]
    fn names_are_literal_and_pointers_reach_inside() {
        let claims = json::parse_object(
            br#"{"a.b":1,"https://x/roles":2,"realm_access":{"roles":3,"x/y":4},"n":null}"#,
        )
        .unwrap();
        let find = |path: &str| match ClaimPath::new(path).find(&claims) {
            Some(Json::Number(number)) => number.as_i64(),
            _ => None,
        };
        assert_eq!(find("a.b"), Some(1));
        assert_eq!(find("https://x/roles"), Some(2));
        assert_eq!(find("/realm_access/roles"), Some(3));
        assert_eq!(find("/realm_access/x~1y"), Some(4));
        assert_eq!(find("/a.b"), Some(1));
        assert_eq!(find("n"), None);
        assert_eq!(find("/realm_access/none"), None);
    }
}
