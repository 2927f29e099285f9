//! Ory Hydra with the `jwt` strategy for access tokens; by default they are opaque.

use super::{Profile, Rotates, claims, rule, standard};
use crate::domain::{kind::KindRules, policy::ClaimNames};

pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        kinds: KindRules {
            // `aud` may be empty and scopes may be missing, a client is always named.
            access: rule(&["JWT"], &[&["client_id"]], &["nonce", "at_hash", "c_hash"]),
            id: rule(&["JWT"], &[&["auth_time"]], &["client_id", "scp", "scope"]),
            // Machines' subject is their client id, known without a rule.
            ..standard.kinds
        },
        claims: ClaimNames {
            // What the consent app adds to an access token is in `ext`, or beside the others if `allowed_top_level_claims`
            // or `mirror_top_level_claims` say so.
            session_id: claims(&["sid", "/ext/sid"]),
            token_id: claims(&["jti"]),
            client_id: claims(&["client_id"]),
            // A list by default, a string with `scope_claim: string`, and the same in both with `both`.
            scopes: claims(&["scp", "scope"]),
            roles: claims(&["roles", "/ext/roles"]),
            permissions: claims(&["permissions", "/ext/permissions"]),
            organization_id: claims(&["org_id", "/ext/org_id"]),
        },
        // The issuer is whatever `urls.self.issuer` says, and so is its last character.
        // There is no grace by default, and a second use revokes everything.
        rotates: Rotates::Strict,
        ..standard
    }
}
