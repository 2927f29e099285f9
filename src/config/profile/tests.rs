use std::fmt::Write as _;

use super::*;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn profile(name: &str) -> Profile {
    PROFILES.iter().find(|Named(known, _)| *known == name).unwrap().1()
}

fn doubt(name: &str, issuer: &str) -> Option<&'static str> {
    (profile(name).doubt)(issuer, &Url::parse(issuer).unwrap())
}

#[test]
fn no_profile_takes_every_token_for_an_access_token() {
    for Named(name, profile) in PROFILES {
        let profile = profile();
        assert!(!profile.kinds.access.tells_nothing(), "{name}");
        assert!(!profile.kinds.id.tells_nothing(), "{name}");
        assert!(!profile.algorithms.are_symmetric(), "{name}");
    }
}

#[test]
fn providers_sign_with_what_they_are_known_to_sign_with() {
    use Algorithm::{ES256, PS256, RS256};
    for (name, expected) in [
        ("scalekit", &[RS256][..]),
        ("auth0", &[RS256, PS256]),
        ("okta", &[RS256]),
        ("entra", &[RS256]),
        ("cognito", &[RS256]),
        ("supabase", &[ES256, RS256]),
    ] {
        assert_eq!(profile(name).algorithms.iter().collect::<Vec<_>>(), expected, "{name}");
    }
    for name in ["generic", "keycloak", "hydra"] {
        assert_eq!(profile(name).algorithms, AllowedAlgorithms::asymmetric(), "{name}");
    }
}

#[test]
fn issuers_that_are_a_providers_are_not_doubted() {
    for (name, issuer) in [
        ("generic", "https://a.example"),
        ("scalekit", "https://acme.scalekit.dev"),
        ("scalekit", "https://login.acme.example"),
        ("auth0", "https://acme.eu.auth0.com/"),
        ("okta", "https://acme.okta.com/oauth2/default"),
        ("okta", "https://acme.okta.com/oauth2/aus1a2b3c4"),
        ("keycloak", "https://login.acme.example/realms/acme"),
        ("keycloak", "https://login.acme.example/auth/realms/acme"),
        ("hydra", "https://hydra.acme.example/"),
        ("hydra", "https://hydra.acme.example"),
        ("entra", &format!("https://login.microsoftonline.com/{TENANT}/v2.0")),
        ("entra", &format!("https://login.microsoftonline.us/{TENANT}/v2.0")),
        ("entra", &format!("https://sts.windows.net/{TENANT}/")),
        ("entra", &format!("https://{TENANT}.ciamlogin.com/{TENANT}/v2.0")),
        ("cognito", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"),
        ("supabase", "https://abcdefgh.supabase.co/auth/v1"),
        ("supabase", "http://127.0.0.1:54321/auth/v1"),
    ] {
        assert_eq!(doubt(name, issuer), None, "{name} {issuer}");
    }
}

#[test]
fn issuers_that_no_token_of_a_provider_names_are_doubted() {
    let microsoft = "https://login.microsoftonline.com";
    for (name, issuer, because) in [
        ("scalekit", "https://acme.scalekit.dev/", "do not end in a slash"),
        ("auth0", "https://acme.eu.auth0.com", "end in a slash"),
        ("okta", "https://acme.okta.com", "for Okta alone"),
        ("okta", "https://acme.okta.com/", "for Okta alone"),
        ("okta", "https://acme.okta.com/oauth2/default/", "do not end in a slash"),
        ("keycloak", "https://login.acme.example", "name the realm"),
        ("keycloak", "https://login.acme.example/realms/", "name the realm"),
        ("keycloak", "https://login.acme.example/realms/acme/", "do not end in a slash"),
        ("entra", &format!("{microsoft}/common/v2.0"), "no token says so"),
        ("entra", &format!("{microsoft}/organizations/v2.0"), "no token says so"),
        ("entra", &format!("{microsoft}/consumers/v2.0"), "no token says so"),
        ("entra", &format!("{microsoft}/{{tenantid}}/v2.0"), "no token says so"),
        ("entra", "https://sts.windows.net/{tenantid}/", "no token says so"),
        ("entra", &format!("{microsoft}/acme.onmicrosoft.com/v2.0"), "by its id"),
        ("entra", &format!("{microsoft}/{TENANT}"), "of version 2 are from"),
        ("entra", &format!("{microsoft}/{TENANT}/"), "of version 2 are from"),
        ("entra", &format!("{microsoft}/{TENANT}/v2.0/"), "of version 2 are from"),
        ("entra", &format!("https://sts.windows.net/{TENANT}"), "end in a slash"),
        ("cognito", "https://acme.auth.eu-west-1.amazoncognito.com", "the region and the pool"),
        ("cognito", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A/", "do not end in a slash"),
        ("supabase", "https://abcdefgh.supabase.co", "end in `/auth/v1`"),
        ("supabase", "https://abcdefgh.supabase.co/auth/v1/", "end in `/auth/v1`"),
    ] {
        let doubt = doubt(name, issuer).unwrap_or_else(|| panic!("{name} {issuer} is not doubted"));
        assert!(doubt.contains(because), "{name} {issuer}: {doubt}");
    }
}

const PAGE: &str = include_str!("../../../docs/configuration.md");

#[test]
fn the_page_has_every_profiles_rules_in_full() {
    for table in [rules_table(), claims_table()] {
        assert!(PAGE.contains(&table), "docs/configuration.md has to say:\n{table}");
    }
}

fn rules_table() -> String {
    let mut table =
        "| | algorithms | access tokens | ID tokens | clients' tokens, beside those whose subject it is |\n\
                     |---|---|---|---|---|\n"
            .to_owned();
    for Named(name, profile) in PROFILES {
        let Profile { algorithms, kinds, .. } = profile();
        let any_asymmetric = algorithms == AllowedAlgorithms::asymmetric();
        let names: Vec<_> = algorithms.iter().map(Algorithm::as_str).collect();
        let algorithms = if any_asymmetric { "every asymmetric one".to_owned() } else { names.join(", ") };
        let client = in_words("", &kinds.client.require, &kinds.client.forbid);
        let client = if client.is_empty() { "none".to_owned() } else { client };
        let (access, id) = (kind(&kinds.access), kind(&kinds.id));
        writeln!(table, "| {name} | {algorithms} | {access} | {id} | {client} |").unwrap();
    }
    table
}

fn claims_table() -> String {
    let mut table =
        "| | session_id | token_id | client_id | scopes | roles | permissions | organization_id |\n\
         |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for Named(name, profile) in PROFILES {
        let ClaimNames { session_id, token_id, client_id, scopes, roles, permissions, organization_id } =
            profile().claims;
        let lists = [session_id, token_id, client_id, scopes, roles, permissions, organization_id];
        let cells = lists.map(|list| if list.is_empty() { "none".to_owned() } else { joined(&list, ", ") });
        writeln!(table, "| {name} | {} |", cells.join(" | ")).unwrap();
    }
    table
}

fn kind(rule: &KindRule) -> String {
    let typ: Vec<_> = rule.typ.iter().map(|typ| format!("`{typ}`")).collect();
    let typ = format!("{}{}", typ.join(" or "), if rule.stated { ", stated" } else { "" });
    in_words(&typ, &rule.require, &rule.forbid)
}

fn in_words(first: &str, require: &[AnyClaim], forbid: &[ClaimPath]) -> String {
    let require: Vec<_> = require.iter().map(|any| joined(any.claims(), " or ")).collect();
    let with = if require.is_empty() { String::new() } else { format!("with {}", require.join(" and ")) };
    let without = if forbid.is_empty() { String::new() } else { format!("without {}", joined(forbid, ", ")) };
    let parts = [first.to_owned(), with, without];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn joined(claims: &[ClaimPath], between: &str) -> String {
    claims.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}
