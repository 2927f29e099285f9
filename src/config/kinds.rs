//! `kinds`, `claims` and the other keys that hold names of claims.

use super::{effective::Shown, key::Key, notation::Notation, scalar::Setting, section::Section, tree::Value};
use crate::domain::{
    kind::{ClientRule, KindRule, KindRules},
    policy::{AnyClaim, ClaimNames, ClaimPath},
};

const KINDS: Key = Key::reload("kinds", "How access tokens and ID tokens are told apart.");
const ACCESS: Key = Key::reload("access", "The rule for access tokens.");
const ID: Key = Key::reload("id", "The rule for ID tokens.");
const TYP: Key = Key::reload(
    "typ",
    "Accepted values of the header's `typ`. `JWT` also covers a header without `typ`; `[]`: no tokens of this kind.",
)
.or_profile();
const REQUIRE: Key = Key::reload("require", "Claims that must be present.").or_profile();
const FORBID: Key = Key::reload("forbid", "Claims that must be absent.").or_profile();
const STATED: Key = Key::reload(
    "stated",
    "Whether the payload has to say that it is of this kind: `token_use: access`, `typ: Bearer` and the like.",
)
.or_profile();
const CLIENT: Key = Key::reload("client", "Which tokens speak for a client, not for a user.");
const CLIENT_REQUIRE: Key = Key::reload(
    "require",
    "Tokens with these, and without the next, speak for a client, not for a user, as do those whose subject is the \
     client.",
)
.or_profile();
const CLIENT_FORBID: Key = Key::reload("forbid", "Claims that tokens of users have.").or_profile();

const CLAIMS: Key = Key::reload("claims", "Which claims say what. The first that is present wins.");
const SESSION_ID: Key = Key::reload("session_id", "The session.").or_profile();
const TOKEN_ID: Key = Key::reload("token_id", "The token.").or_profile();
const CLIENT_ID: Key = Key::reload("client_id", "The client.").or_profile();
const SCOPES: Key = Key::reload("scopes", "Words in a string, or a list.").or_profile();
const ROLES: Key = Key::reload("roles", "A list.").or_profile();
const PERMISSIONS: Key = Key::reload("permissions", "A list.").or_profile();
const ORGANIZATION_ID: Key = Key::reload("organization_id", "The organization, or tenant.").or_profile();

impl Setting for ClaimPath {
    fn notation() -> Notation {
        Notation::pattern("claim", r"^([^/\s]|/([^~]|~[01])*$)")
    }

    fn read(value: &Value) -> Result<Self, String> {
        let name = String::read(value)?;
        // RFC 6901 section 3: in a pointer, `~` is written `~0` and `/` within a name `~1`.
        let mut escapes = name.split('~').skip(1);
        if name.starts_with('/') && !escapes.all(|rest| rest.starts_with(['0', '1'])) {
            return Err("not a JSON pointer (RFC 6901): write `~` as `~0`".to_owned());
        }
        Ok(Self::new(name))
    }

    fn show(&self) -> Shown {
        Shown::text(self.to_string())
    }
}

/// A claim, or a list of claims of which one is enough.
impl Setting for AnyClaim {
    fn notation() -> Notation {
        ClaimPath::notation().or_alternatives()
    }

    fn read(value: &Value) -> Result<Self, String> {
        let Value::List(items) = value else { return Ok(Self::new(vec![ClaimPath::read(value)?])) };
        if items.is_empty() {
            return Err("a list of alternatives needs at least one claim".to_owned());
        }
        let claims = items.iter().map(|item| ClaimPath::read(&item.value)).collect::<Result<_, _>>()?;
        Ok(Self::new(claims))
    }

    fn show(&self) -> Shown {
        match self.claims() {
            [claim] => claim.show(),
            several => Shown::List(several.iter().map(Setting::show).collect()),
        }
    }
}

/// Reads `kinds`: each list replaces the profile's.
pub(super) fn read(issuer: &mut Section<'_, '_>, defaults: KindRules) -> KindRules {
    issuer.section(KINDS, |kinds| {
        let access = kinds.section(ACCESS, |section| rule(section, defaults.access));
        let id = kinds.section(ID, |section| rule(section, defaults.id));
        let client = kinds.section(CLIENT, |section| ClientRule {
            require: section.list(CLIENT_REQUIRE, defaults.client.require),
            forbid: section.list(CLIENT_FORBID, defaults.client.forbid),
        });
        if kinds.is_sound() {
            check(kinds, &access, &id);
        }
        KindRules { access, id, client }
    })
}

fn rule(section: &mut Section<'_, '_>, defaults: KindRule) -> KindRule {
    KindRule {
        typ: section.list(TYP, defaults.typ),
        require: section.list(REQUIRE, defaults.require),
        forbid: section.list(FORBID, defaults.forbid),
        stated: section.value(STATED, defaults.stated),
    }
}

fn check(kinds: &mut Section<'_, '_>, access: &KindRule, id: &KindRule) {
    for (kind, rule) in [("access", access), ("id", id)] {
        if rule.tells_nothing() {
            let message = "`typ: [JWT]` alone would take any token that the issuer signs; name claims that these \
                 tokens have (`require`) or have not (`forbid`)";
            kinds.problem(kind, message);
        }
    }
    if access.typ.is_empty() && id.typ.is_empty() {
        kinds.problem("access", "both lists of `typ` are empty: no token would ever be accepted");
    }
    if !exclude_each_other(access, id) {
        let message = "a token can fit both kinds, and is then refused as neither; let one require what the other \
             forbids";
        kinds.warning("access", message);
    }
}

/// Whether no token can fit both: by type, by a claim that one requires and the other forbids, or because one has to say
/// what it is, and what says so is never taken for the other.
fn exclude_each_other(access: &KindRule, id: &KindRule) -> bool {
    let bare = |typ: &str| typ.strip_prefix("application/").unwrap_or(typ).to_ascii_lowercase();
    let types_differ = !access.typ.iter().any(|one| id.typ.iter().any(|other| bare(one) == bare(other)));
    let forbids =
        |rule: &KindRule, any: &AnyClaim| any.claims().iter().all(|claim| rule.forbid.contains(claim));
    let claims_differ = |one: &KindRule, other: &KindRule| one.require.iter().any(|any| forbids(other, any));
    access.stated || id.stated || types_differ || claims_differ(access, id) || claims_differ(id, access)
}

/// Reads `claims`: each list replaces the profile's.
pub(super) fn claims(issuer: &mut Section<'_, '_>, defaults: ClaimNames) -> ClaimNames {
    issuer.section(CLAIMS, |claims| ClaimNames {
        session_id: claims.list(SESSION_ID, defaults.session_id),
        token_id: claims.list(TOKEN_ID, defaults.token_id),
        client_id: claims.list(CLIENT_ID, defaults.client_id),
        scopes: claims.list(SCOPES, defaults.scopes),
        roles: claims.list(ROLES, defaults.roles),
        permissions: claims.list(PERMISSIONS, defaults.permissions),
        organization_id: claims.list(ORGANIZATION_ID, defaults.organization_id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree;

    #[test]
    fn claims_are_literal_names_or_well_formed_pointers() {
        let read = |text: &str| ClaimPath::read(&Value::Text(text.to_owned()));
        for good in ["sid", "https://x/roles", "a~b", "/realm_access/roles", "/a~1b/c~0d", "cognito:groups"] {
            assert_eq!(read(good).map(|claim| claim.to_string()), Ok(good.to_owned()));
        }
        for bad in ["/a~b", "/a~", "", " sid"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn alternatives_are_a_list_in_the_list_and_read_as_they_are_shown() {
        let read = |text: &str| {
            let root = tree::parse(&format!("x: {text}"), &"c.yaml".into()).unwrap();
            let Value::Map(entries) = root.value else { panic!() };
            AnyClaim::read(&entries[0].node.value).map(|any| any.show().document().trim_end().to_owned())
        };
        assert_eq!(read("azp").as_deref(), Ok("azp"));
        assert_eq!(read("[azp]").as_deref(), Ok("azp"));
        assert_eq!(read("[azp, /a/b]").as_deref(), Ok("[azp, /a/b]"));
        for bad in ["[]", "[[a]]", "[1]", "{a: b}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn kinds_exclude_each_other_by_type_or_by_claim() {
        let alternatives = |names: &str| AnyClaim::new(names.split('|').map(ClaimPath::new).collect());
        let rule = |typ: &str, require: &[&str], forbid: &[&str]| KindRule {
            stated: typ == "stated",
            typ: vec![if typ == "stated" { "JWT" } else { typ }.to_owned()],
            require: require.iter().map(|names| alternatives(names)).collect(),
            forbid: forbid.iter().map(|name| ClaimPath::new(*name)).collect(),
        };
        for (access, id, exclusive) in [
            (rule("at+jwt", &[], &[]), rule("JWT", &[], &[]), true),
            (rule("JWT", &["scope"], &[]), rule("JWT", &[], &["scope"]), true),
            (rule("JWT", &[], &["azp"]), rule("application/jwt", &["azp"], &[]), true),
            (rule("JWT", &["scope"], &[]), rule("jwt", &["nonce"], &[]), false),
            (rule("JWT", &["azp|appid"], &[]), rule("JWT", &[], &["azp", "appid"]), true),
            (rule("JWT", &["azp|appid"], &[]), rule("JWT", &[], &["azp"]), false),
            (rule("stated", &[], &[]), rule("JWT", &["nonce"], &[]), true),
            (rule("JWT", &["scope"], &[]), rule("stated", &[], &[]), true),
        ] {
            assert_eq!(exclude_each_other(&access, &id), exclusive, "{access:?} {id:?}");
        }
    }
}
