//! Keycloak: the payload's `typ` says what a token is (`Bearer`, `DPoP`, `ID`, `Refresh`, `Offline`, `Logout`).

use super::{Profile, Rotates, any_of, claims, standard, stated};
use crate::domain::{
    kind::{ClientRule, KindRules},
    policy::ClaimNames,
};

pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        kinds: KindRules {
            // The header says `JWT` for all of them, or `at+jwt` for access tokens if the client is set so. Other words than
            // those for access tokens (`Serialized-ID`, action tokens, ...) are what the statement keeps out.
            access: stated(&["JWT", "at+jwt"], &[], &[]),
            id: stated(&["JWT"], &[], &[]),
            // The subject is the service account, a user with a UUID. The client scope `service_account` names the client
            // (`clientId` before version 22), and nothing else does: users' tokens have `azp` alone.
            client: ClientRule { require: any_of(&[&["client_id", "clientId"]]), forbid: vec![] },
        },
        claims: ClaimNames {
            session_id: claims(&["sid", "session_state"]),
            token_id: claims(&["jti"]),
            client_id: claims(&["azp"]),
            scopes: claims(&["scope"]),
            // The realm's roles. Those of a client are at `/resource_access/<client>/roles`; both in one list would make one
            // `admin` of two, so whoever wants clients' roles names the one client, here or as `permissions`.
            roles: claims(&["/realm_access/roles"]),
            permissions: vec![],
            // `organization` is a list of names, or an object with ids in it, as its mapper is set.
            organization_id: vec![],
        },
        doubt: |issuer, url| {
            let realm = url.path().split_once("/realms/").map(|(_, realm)| realm);
            match realm {
                None | Some("") => Some(
                    "Keycloak's issuers name the realm, and tokens repeat theirs byte for byte: write \
                     `https://login.acme.example/realms/acme`",
                ),
                Some(_) => issuer.ends_with('/').then_some(
                    "Keycloak's issuers do not end in a slash, and tokens repeat theirs byte for byte: write \
                     `https://login.acme.example/realms/acme`",
                ),
            }
        },
        // Each realm chooses its algorithm.
        // Off by default; but where it is on, a second use ends the session, and even the first one's tokens.
        rotates: Rotates::Strict,
        ..standard
    }
}
