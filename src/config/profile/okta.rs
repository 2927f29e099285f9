//! Okta's custom authorization servers.

use super::{Profile, Rotates, claims, only, rule, standard};
use crate::domain::{algorithm::Algorithm, kind::KindRules, policy::ClaimNames};

pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        algorithms: only(&[Algorithm::RS256]),
        kinds: KindRules {
            // Neither kind has a `typ`. Only access tokens name a client (`cid`) and have scopes, which cannot be empty.
            // The org server types its access tokens `okta-internal-at+jwt`: they are for Okta alone, and no rule takes them.
            access: rule(&["JWT"], &[&["cid"], &["scp"]], &["nonce", "at_hash", "c_hash"]),
            // `idp` is in every ID token.
            id: rule(&["JWT"], &[&["idp"]], &["cid", "scp"]),
            // Machines' subject is their client id, known without a rule.
            ..standard.kinds
        },
        claims: ClaimNames {
            token_id: claims(&["jti"]),
            client_id: claims(&["cid"]),
            scopes: claims(&["scp"]),
            // Okta knows groups; `roles` is there only if somebody defined such a claim, which is then the more exact one.
            roles: claims(&["roles", "groups"]),
            // Okta has none of its own, and a claim of somebody else's meaning could have any type.
            permissions: vec![],
            organization_id: vec![],
            ..standard.claims
        },
        doubt: |issuer, url| {
            if !url.path().starts_with("/oauth2/") {
                return Some(
                    "this is an Okta org, not one of its custom authorization servers; the org's own access tokens are \
                     for Okta alone: write `https://acme.okta.com/oauth2/default`",
                );
            }
            issuer.ends_with('/').then_some(
                "Okta's issuers do not end in a slash, and tokens repeat theirs byte for byte: write \
                 `https://acme.okta.com/oauth2/default`",
            )
        },
        // By default 30 seconds; whoever has set less writes it.
        rotates: Rotates::Graceful,
        ..standard
    }
}
