//! Auth0: two token profiles for access tokens, chosen per API, and an issuer that ends in a slash.

use super::{Profile, Rotates, claims, only, rule, standard};
use crate::domain::{algorithm::Algorithm, kind::KindRules, policy::ClaimNames};

pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        // PS256 can be chosen per API; HS256 needs a `secret`.
        algorithms: only(&[Algorithm::RS256, Algorithm::PS256]),
        kinds: KindRules {
            // Auth0's own token profile types them `JWT` and names the client `azp`, the RFC 9068 one types them `at+jwt` and
            // names it `client_id`. `scope` and `permissions` are there only if any were granted.
            access: rule(&["JWT", "at+jwt"], &[&["azp", "client_id"]], &["nonce", "at_hash", "c_hash"]),
            // ID tokens name the client as their audience only.
            id: rule(&["JWT"], &[], &["azp", "client_id", "scope", "permissions", "gty"]),
            // Machines' subject is `<client id>@clients`, and `gty` says so too: both are known without a rule.
            ..standard.kinds
        },
        claims: ClaimNames {
            // In ID tokens; in access tokens only if an action puts it there.
            session_id: claims(&["sid"]),
            // In the RFC 9068 profile only.
            token_id: claims(&["jti"]),
            client_id: claims(&["client_id", "azp"]),
            scopes: claims(&["scope"]),
            // Of RBAC; roles come in a namespaced claim that an action has to add, so that nobody here knows its name.
            permissions: claims(&["permissions"]),
            organization_id: claims(&["org_id"]),
            ..standard.claims
        },
        doubt: |issuer, _| {
            (!issuer.ends_with('/')).then_some(
                "Auth0's issuers end in a slash, and tokens repeat theirs byte for byte: write \
                 `https://acme.eu.auth0.com/`",
            )
        },
        // The overlap is off by default.
        rotates: Rotates::Strict,
        ..standard
    }
}
