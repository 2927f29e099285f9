//! Amazon Cognito user pools: `token_use` says what a token is, and access tokens have no `aud`.

use super::{Profile, Rotates, claims, only, standard, stated};
use crate::domain::{
    algorithm::Algorithm,
    kind::KindRules,
    policy::{AudienceClaim, ClaimNames},
};

pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        algorithms: only(&[Algorithm::RS256]),
        audience_claim: AudienceClaim::ClientId,
        kinds: KindRules {
            // Headers have no `typ`. The statement would do; the claims are those that the audience check needs.
            access: stated(&["JWT"], &[&["client_id"]], &[]),
            id: stated(&["JWT"], &[&["aud"]], &["client_id"]),
            // Machines' subject is their client id, known without a rule.
            ..standard.kinds
        },
        claims: ClaimNames {
            // Shared by all tokens of one login, if the client has token revocation enabled. `event_id` is not: it is of one
            // operation.
            session_id: claims(&["origin_jti"]),
            token_id: claims(&["jti"]),
            // ID tokens name the client as their only audience, in a string.
            client_id: claims(&["client_id", "aud"]),
            scopes: claims(&["scope"]),
            roles: claims(&["cognito:groups"]),
            permissions: vec![],
            organization_id: vec![],
        },
        doubt: |issuer, url| {
            if !url.host_str().is_some_and(|host| host.starts_with("cognito-idp")) {
                return Some(
                    "Cognito's issuers name the region and the pool, not the domain of its login pages: write \
                     `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI`",
                );
            }
            issuer.ends_with('/').then_some(
                "Cognito's issuers do not end in a slash, and tokens repeat theirs byte for byte: write \
                 `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI`",
            )
        },
        // Off by default, and then there is no new one at all.
        rotates: Rotates::Never,
        ..standard
    }
}
