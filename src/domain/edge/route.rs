//! What one route asks of a request: Envoy's `context_extensions`, or the query of the check's URL.

use super::source::Source;
use crate::domain::{
    decide::{Presented, Requirements},
    kind::TokenKind,
};

/// What a route asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePolicy {
    /// Only from this issuer; empty means any.
    pub issuer: String,
    /// Any of these; narrows the configured ones.
    pub audiences: Vec<String>,
    /// All of these.
    pub scopes: Vec<String>,
    /// All of these.
    pub roles: Vec<String>,
    /// All of these.
    pub permissions: Vec<String>,
    /// Of this kind.
    pub kind: TokenKind,
    /// Whether a request without any credential passes, without identity.
    pub optional: bool,
    /// Whether a CORS preflight passes, without identity.
    pub preflight: bool,
    /// Where its credential may be. Never empty.
    pub sources: Vec<Source>,
}

/// Words of a route that mean nothing. Whoever wrote them meant something, so nothing passes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {problem}")]
pub struct PolicyProblem {
    /// The word, as far as it can be shown.
    pub name: String,
    /// What to write instead.
    pub problem: &'static str,
}

impl PolicyProblem {
    /// Nothing is said about what the route asks, not even that it asks for nothing more: whatever a client can add to that is
    /// the whole policy. Caddy's `uri /check` is such a case, which keeps the query of the client's request.
    pub fn unsaid() -> Self {
        Self {
            name: "/check".to_owned(),
            problem: "has no query, so that the proxy may take the client's for it; write what the route asks there, and \
                      `/check?kind=access` where it asks for nothing more",
        }
    }
}

/// Longer values are refused, in bytes.
const LONGEST: usize = 8 * 1024;

impl RoutePolicy {
    /// A valid access token, from any of these sources.
    pub fn of(sources: &[Source]) -> Self {
        Self {
            issuer: String::new(),
            audiences: Vec::new(),
            scopes: Vec::new(),
            roles: Vec::new(),
            permissions: Vec::new(),
            kind: TokenKind::Access,
            optional: false,
            preflight: false,
            sources: sources.to_vec(),
        }
    }

    /// Reads a route's words. `sources` are the configured ones, of which a route may choose.
    pub fn read<'w>(
        words: impl IntoIterator<Item = (&'w str, &'w str)>,
        sources: &[Source],
    ) -> Result<Self, PolicyProblem> {
        let mut policy = Self::of(sources);
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in words {
            let problem = |problem| PolicyProblem { name: shown(name), problem };
            if seen.contains(&name) {
                return Err(problem("is there twice"));
            }
            if value.len() > LONGEST {
                return Err(problem("is longer than 8 KiB"));
            }
            seen.push(name);
            policy.take(name, value, sources).map_err(problem)?;
        }
        Ok(policy)
    }

    fn take(&mut self, name: &str, value: &str, sources: &[Source]) -> Result<(), &'static str> {
        match name {
            "issuer" if value.is_empty() || value.contains(char::is_control) => {
                return Err("needs the `issuer` of a configured issuer");
            }
            "issuer" => value.clone_into(&mut self.issuer),
            "audiences" => self.audiences = list(value)?,
            "required_scopes" => self.scopes = scopes(value)?,
            "required_roles" => self.roles = list(value)?,
            "required_permissions" => self.permissions = list(value)?,
            "kind" => self.kind = kind(value)?,
            "optional" => self.optional = switch(value)?,
            "preflight" => self.preflight = switch(value)?,
            "sources" => self.sources = chosen(&list(value)?, sources)?,
            _ => {
                return Err(
                    "is nothing that a route can ask; there are issuer, audiences, required_scopes, \
                     required_roles, required_permissions, kind, optional, preflight and sources",
                );
            }
        }
        Ok(())
    }

    /// What it asks of a token that is shown so.
    pub fn requirements(&self, presented: Presented) -> Requirements<'_> {
        Requirements {
            kind: self.kind,
            issuer: &self.issuer,
            audiences: &self.audiences,
            scopes: &self.scopes,
            roles: &self.roles,
            permissions: &self.permissions,
            presented,
        }
    }
}

/// Commas or spaces between the entries, as in `scope`. An empty list asks for nothing, which nobody writes down.
fn list(value: &str) -> Result<Vec<String>, &'static str> {
    // A line's end that YAML has left there would be part of an entry that no token has.
    if value.chars().any(|character| character.is_control() || character.is_whitespace() && character != ' ')
    {
        return Err("has a line break, a tab or the like; entries have commas or spaces between them");
    }
    let entries: Vec<String> =
        value.split([',', ' ']).filter(|entry| !entry.is_empty()).map(ToOwned::to_owned).collect();
    if entries.is_empty() {
        Err("needs one or more entries, with commas or spaces between them")
    } else {
        Ok(entries)
    }
}

/// Scopes have characters of their own (RFC 6749 section 3.3).
fn scopes(value: &str) -> Result<Vec<String>, &'static str> {
    let is_of_scopes = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let scopes = list(value)?;
    if scopes.iter().all(|scope| scope.bytes().all(is_of_scopes)) {
        Ok(scopes)
    } else {
        Err("has a character that no scope has")
    }
}

fn switch(value: &str) -> Result<bool, &'static str> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("is `true` or `false`"),
    }
}

fn kind(value: &str) -> Result<TokenKind, &'static str> {
    match value {
        "access" => Ok(TokenKind::Access),
        "id" => Ok(TokenKind::Id),
        _ => Err("is `access` or `id`"),
    }
}

fn chosen(names: &[String], sources: &[Source]) -> Result<Vec<Source>, &'static str> {
    let find = |name: &String| Source::parse(name).ok().filter(|source| sources.contains(source));
    names
        .iter()
        .map(|name| find(name).ok_or("names a source that `ext_authz.sources` does not have"))
        .collect()
}

/// Enough of a word to find it, in characters that any log can hold.
fn shown(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Vec<Source> {
        vec![Source::Authorization, Source::Header("x-token".to_owned())]
    }

    fn read(words: &[(&str, &str)]) -> Result<RoutePolicy, PolicyProblem> {
        RoutePolicy::read(words.iter().copied(), &sources())
    }

    #[test]
    fn a_route_that_says_nothing_asks_for_an_access_token() {
        let policy = read(&[]).unwrap();
        assert_eq!(policy, RoutePolicy::of(&sources()));
        assert!(!policy.optional && !policy.preflight);
        assert_eq!(policy.kind, TokenKind::Access);
    }

    #[test]
    fn each_word_asks_for_something() {
        let policy = read(&[
            ("issuer", "https://a.example"),
            ("audiences", "a,b c"),
            ("required_scopes", "read"),
            ("required_roles", "admin"),
            ("required_permissions", "p:1, p:2"),
            ("kind", "id"),
            ("optional", "true"),
            ("preflight", "true"),
            ("sources", "header:X-Token"),
        ])
        .unwrap();
        assert_eq!(policy.issuer, "https://a.example");
        assert_eq!(policy.audiences, ["a", "b", "c"]);
        assert_eq!(policy.scopes, ["read"]);
        assert_eq!(policy.roles, ["admin"]);
        assert_eq!(policy.permissions, ["p:1", "p:2"]);
        assert_eq!(policy.kind, TokenKind::Id);
        assert!(policy.optional && policy.preflight);
        assert_eq!(policy.sources, [Source::Header("x-token".to_owned())]);
    }

    #[test]
    fn a_misspelt_policy_is_no_policy_at_all() {
        for (name, value) in [
            ("required_scope", "a"),
            ("Issuer", "a"),
            ("", ""),
            ("issuer", ""),
            ("audiences", ""),
            ("required_scopes", " , "),
            ("required_scopes", "read\n"),
            ("required_scopes", "re\"ad"),
            ("required_scopes", "r\u{e9}ad"),
            ("required_roles", "a\tb"),
            ("audiences", "a\u{a0}b"),
            ("issuer", "https://a.example\n"),
            ("kind", "refresh"),
            ("optional", "yes"),
            ("optional", ""),
            ("preflight", "TRUE"),
            ("sources", "query:access_token"),
            ("sources", ""),
        ] {
            assert_eq!(
                read(&[(name, value)]).map_err(|problem| problem.name),
                Err(name.to_owned()),
                "{value}"
            );
        }
        assert!(read(&[("optional", "false"), ("optional", "true")]).is_err());
        assert!(read(&[("audiences", &"a".repeat(9000))]).is_err());
        assert_eq!(read(&[("a\nb\u{e9}", "")]).unwrap_err().name, "ab");
    }
}
