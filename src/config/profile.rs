//! What is known about a kind of identity provider: defaults under what the user wrote.

use super::{scalar::no_such, section::Section};
use crate::domain::{
    algorithm::{Algorithm, AllowedAlgorithms},
    kind::{KindRule, KindRules},
    policy::{ClaimNames, ClaimPath},
};

/// The defaults of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// For issuers whose keys are public.
    pub(super) algorithms: AllowedAlgorithms,
    pub(super) kinds: KindRules,
    pub(super) claims: ClaimNames,
}

type Defaults = fn() -> Profile;

/// Profiles that this version has.
const BUILT: [(&str, Defaults); 2] = [("generic", generic), ("scalekit", scalekit)];

/// Profiles that are documented and to come.
const PLANNED: [&str; 7] = ["auth0", "okta", "keycloak", "hydra", "entra", "cognito", "supabase"];

/// Reads `profile`.
pub(super) fn read(section: &mut Section<'_, '_>) -> Profile {
    let name = section.value("profile", "generic".to_owned());
    if let Some((_, profile)) = BUILT.iter().find(|(built, _)| *built == name) {
        return profile();
    }
    let message = if PLANNED.contains(&name.as_str()) {
        format!("the profile `{name}` is not built in this version; use `generic` and write its rules out")
    } else {
        no_such("a profile", &name, &BUILT.map(|(built, _)| built))
    };
    section.problem("profile", message);
    generic()
}

/// An authorization server that follows the standards: access tokens by RFC 9068, ID tokens by OpenID Connect.
fn generic() -> Profile {
    Profile {
        algorithms: AllowedAlgorithms::asymmetric(),
        kinds: KindRules {
            access: rule("at+jwt", &[], &[]),
            // Access tokens of servers that do not type them say `JWT` too, but carry one of these.
            id: rule("JWT", &[], &["client_id", "scope", "scp", "scopes"]),
        },
        claims: ClaimNames {
            session_id: claims(&["sid"]),
            token_id: claims(&["jti", "uti"]),
            client_id: claims(&["client_id", "azp", "cid", "appid"]),
            scopes: claims(&["scope", "scp", "scopes"]),
            roles: claims(&["roles"]),
            permissions: claims(&["permissions"]),
            organization_id: claims(&["org_id"]),
        },
    }
}

/// Scalekit: every token says `typ: JWT`, kinds differ by their claims, and `oid` is the organization (at Entra the
/// same name is a user).
///
/// Machine-to-machine tokens have no `aud` unless an audience was registered for their client. An issuer entry for
/// those lists the machines' client ids (`m2morg_...`) as `audiences`, with `audience_claim: client_id`.
fn scalekit() -> Profile {
    Profile {
        algorithms: AllowedAlgorithms::new(vec![Algorithm::RS256])
            .unwrap_or_else(|_| AllowedAlgorithms::asymmetric()),
        kinds: KindRules {
            access: rule("JWT", &["client_id", "jti"], &["at_hash", "c_hash", "azp"]),
            id: rule("JWT", &["azp"], &["jti"]),
        },
        claims: ClaimNames {
            session_id: claims(&["sid"]),
            token_id: claims(&["jti"]),
            client_id: claims(&["client_id", "azp"]),
            // Users' tokens have a string `scope`, machines' a list `scopes`.
            scopes: claims(&["scope", "scopes"]),
            roles: claims(&["roles"]),
            permissions: claims(&["permissions"]),
            organization_id: claims(&["oid"]),
        },
    }
}

fn rule(typ: &str, require: &[&str], forbid: &[&str]) -> KindRule {
    KindRule { typ: vec![typ.to_owned()], require: claims(require), forbid: claims(forbid) }
}

fn claims(names: &[&str]) -> Vec<ClaimPath> {
    names.iter().map(|name| ClaimPath::new(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_profile_takes_every_token_for_an_access_token() {
        for (name, profile) in BUILT {
            let profile = profile();
            assert!(!profile.kinds.access.tells_nothing(), "{name}");
            assert!(!profile.kinds.id.tells_nothing(), "{name}");
            assert!(!profile.algorithms.are_symmetric(), "{name}");
        }
    }

    #[test]
    fn scalekit_signs_with_rs256_only() {
        assert_eq!(scalekit().algorithms.iter().collect::<Vec<_>>(), [Algorithm::RS256]);
    }
}
