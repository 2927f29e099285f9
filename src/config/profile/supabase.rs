//! Supabase Auth. Its access tokens are of its own shape; ID tokens come only from its OAuth server.

use super::{Profile, claims, only, rule, standard};
use crate::domain::{algorithm::Algorithm, kind::KindRules, policy::ClaimNames};

pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        // Of asymmetric signing keys. Projects with the legacy shared secret write `secret`, which means HS256.
        algorithms: only(&[Algorithm::ES256, Algorithm::RS256]),
        kinds: KindRules {
            // Both are required of every access token, also after a custom hook. ID tokens have neither, but an `auth_time`.
            access: rule(&["JWT"], &[&["session_id"], &["role"]], &[]),
            id: rule(&["JWT"], &[&["auth_time"]], &["session_id", "role"]),
            // There are no machines: API keys are from another issuer (`supabase`), or are no tokens at all.
            ..standard.kinds
        },
        claims: ClaimNames {
            session_id: claims(&["session_id"]),
            token_id: claims(&["jti"]),
            // Only in tokens for clients of the OAuth server.
            client_id: claims(&["client_id"]),
            scopes: claims(&["scope"]),
            // A single word: the role in the database (`authenticated`), for anonymous users too.
            roles: claims(&["role"]),
            permissions: vec![],
            organization_id: vec![],
        },
        doubt: |issuer, _| {
            (!issuer.ends_with("/auth/v1")).then_some(
                "Supabase's issuers end in `/auth/v1`, and tokens repeat theirs byte for byte: write \
                 `https://<project>.supabase.co/auth/v1`",
            )
        },
        ..standard
    }
}
