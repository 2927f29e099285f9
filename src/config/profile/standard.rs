//! An authorization server that follows the standards: access tokens by RFC 9068, ID tokens by OpenID Connect.

use std::time::Duration;

use super::{Profile, Rotates, claims, rule};
use crate::domain::{
    algorithm::AllowedAlgorithms,
    kind::{ClientRule, KindRules},
    policy::{AudienceClaim, ClaimNames},
};
use crate::issuer::SessionApi;

pub(super) fn profile() -> Profile {
    Profile {
        algorithms: AllowedAlgorithms::asymmetric(),
        audience_claim: AudienceClaim::Aud,
        kinds: KindRules {
            access: rule(&["at+jwt"], &[], &[]),
            // Access tokens of servers that do not type them say `JWT` too, but carry one of these.
            id: rule(&["JWT"], &[], &["client_id", "scope", "scp", "scopes"]),
            // RFC 9068 section 2.2: the subject is the client. That is known without a rule.
            client: ClientRule::default(),
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
        max_token_lifetime: Duration::from_hours(24),
        session_api: SessionApi::None,
        rotates: Rotates::Unknown,
        doubt: |_, _| None,
    }
}
