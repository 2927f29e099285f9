//! Microsoft Entra ID, both versions of its tokens. An issuer has one version, a tenant has two issuers.

use std::time::Duration;

use url::Url;

use super::{Profile, Rotates, any_of, claims, only, rule, standard};
use crate::domain::{
    algorithm::Algorithm,
    kind::{ClientRule, KindRules},
    policy::ClaimNames,
};

/// The client is `azp` in version 2 and `appid` in version 1; no ID token has either.
const CLIENT: &[&str] = &["azp", "appid"];

pub(super) fn profile() -> Profile {
    let standard = standard::profile();
    Profile {
        algorithms: only(&[Algorithm::RS256]),
        kinds: KindRules {
            // Every token is typed `JWT`. Not `scp`, which tokens from client credentials lack, and not `roles`, which ID
            // tokens have too.
            access: rule(&["JWT"], &[CLIENT], &["at_hash", "c_hash"]),
            id: rule(&["JWT"], &[&["ver"]], &["azp", "azpacr", "appid", "appidacr", "scp"]),
            // The subject is the service principal, not the client's id, and `idtyp` is there only if the API asks for it.
            // What is documented: a token without a user has no `scp`.
            client: ClientRule { require: any_of(&[CLIENT]), forbid: claims(&["scp"]) },
        },
        claims: ClaimNames {
            // Optional: the API's registration has to ask for it.
            session_id: claims(&["sid"]),
            token_id: claims(&["uti"]),
            client_id: claims(CLIENT),
            scopes: claims(&["scp"]),
            roles: claims(&["roles"]),
            permissions: vec![],
            // The tenant. `oid` is a user or service principal here; at Scalekit the same name is the organization.
            organization_id: claims(&["tid"]),
        },
        // Tokens begin five minutes before they are made; those of managed identities live 24 hours from then on, those
        // under continuous access evaluation up to 28.
        max_token_lifetime: Duration::from_hours(29),
        doubt,
        // A new one comes with each answer, and the old one stays good.
        rotates: Rotates::Never,
        ..standard
    }
}

fn doubt(issuer: &str, url: &Url) -> Option<&'static str> {
    let path = url.path();
    let tenant = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if ["common", "organizations", "consumers"].contains(&tenant) || issuer.contains("{tenant") {
        return Some(
            "no token says so: every token names the tenant that it is from, and is compared with this text byte for byte; \
             write one entry for each tenant, with its id: `https://login.microsoftonline.com/<tenant id>/v2.0`",
        );
    }
    if !is_guid(tenant) {
        return Some(
            "Entra's tokens name the tenant by its id, not by a domain: write \
             `https://login.microsoftonline.com/<tenant id>/v2.0`",
        );
    }
    let version_1 = url.host_str().is_some_and(|host| host.starts_with("sts."));
    if version_1 && !issuer.ends_with('/') {
        return Some("the issuers of version 1 end in a slash: `https://sts.windows.net/<tenant id>/`");
    }
    if !version_1 && !issuer.ends_with("/v2.0") {
        return Some(
            "tokens of version 2 are from `https://login.microsoftonline.com/<tenant id>/v2.0`, those of version 1 from \
             `https://sts.windows.net/<tenant id>/`",
        );
    }
    None
}

fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|char| char == '-' || char.is_ascii_hexdigit())
}
