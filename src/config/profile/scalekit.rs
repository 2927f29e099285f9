//! Scalekit: every token says `typ: JWT`, kinds differ by their claims.

use super::{Profile, Rotates, claims, only, rule, standard};
use crate::{
    domain::{algorithm::Algorithm, kind::KindRules, policy::ClaimNames},
    issuer::SessionApi,
};

/// Machine-to-machine tokens have no `aud` unless an audience was registered for their client, but every access token has
/// a `client_id`. An issuer entry for machines therefore has `audience_claim: client_id` and lists client ids as
/// `audiences`: the machines' (`m2morg_...`) and, if users come too, the application's (`skc_...`).
pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        algorithms: only(&[Algorithm::RS256]),
        kinds: KindRules {
            // ID tokens have a `client_id` too, but no `jti`, and an `azp` that access tokens lack.
            access: rule(&["JWT"], &[&["client_id"], &["jti"]], &["at_hash", "c_hash", "azp"]),
            id: rule(&["JWT"], &[&["azp"]], &["jti"]),
            ..standard.kinds
        },
        claims: ClaimNames {
            token_id: claims(&["jti"]),
            client_id: claims(&["client_id", "azp"]),
            // Users' tokens have a string `scope`, machines' a list `scopes`.
            scopes: claims(&["scope", "scopes"]),
            // The organization here; at Entra the same name is a user.
            organization_id: claims(&["oid"]),
            ..standard.claims
        },
        session_api: SessionApi::Scalekit,
        doubt: |issuer, _| {
            issuer.ends_with('/').then_some(
                "Scalekit's issuers do not end in a slash, and tokens repeat theirs byte for byte: write \
                 `https://acme.scalekit.dev`",
            )
        },
        // Its SDKs say so: 30 seconds.
        rotates: Rotates::Graceful,
        ..standard
    }
}
