//! docs/providers.md holds what it shows.

use super::*;

const PAGE: &str = include_str!("../../../docs/providers.md");

/// Each with the section that it is in.
fn configurations() -> Vec<(&'static str, &'static str)> {
    let sections = PAGE.split("\n## ").skip(1);
    sections
        .flat_map(|section| {
            let title = section.lines().next().unwrap();
            section.split("```yaml\n").skip(1).map(move |rest| (title, rest.split("```").next().unwrap()))
        })
        .collect()
}

/// The variables that the page's configurations name.
fn page_environment() -> Environment {
    Environment::from_iter([
        ("SUPABASE_JWT_SECRET", "a secret that is 32 bytes long...."),
        ("HYDRA_SECRET", "hunter2"),
    ])
}

#[test]
fn every_configuration_on_the_page_has_nothing_wrong_with_it() {
    let env = page_environment();
    let configurations = configurations();
    assert!(configurations.len() > 10, "{configurations:?}");
    for (title, text) in configurations {
        let loaded = load_with(text, &env).unwrap_or_else(|problems| panic!("{title}: {problems:?}"));
        assert_eq!(loaded.warnings, [], "{title}");
        assert_eq!(loaded.config.issuers.len(), 1, "{title}");
    }
}

#[test]
fn every_profile_has_a_section_on_the_page() {
    let problem = load(&with_issuer_lines("profile: none")).map(|loaded| loaded.effective).unwrap_err();
    let known = problem[0].split("known: ").nth(1).unwrap().to_owned();
    for profile in known.split(", ").filter(|name| *name != "generic") {
        let line = format!("    profile: {profile}\n");
        assert!(configurations().iter().any(|(_, text)| text.contains(&line)), "{profile}");
    }
    assert_eq!(known.split(", ").count(), 9);
}

#[test]
fn an_issuer_that_cannot_be_the_providers_is_a_warning() {
    let warnings = |lines: &str| {
        let text = format!("issuers: [{{audiences: [a], {lines}}}]");
        good(&text).warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let said = warnings("profile: auth0, issuer: 'https://acme.eu.auth0.com'");
    assert_eq!(
        said,
        [
            "countersign.yaml:1: issuers[0].issuer: Auth0's issuers end in a slash, and tokens repeat theirs byte for byte: \
          write `https://acme.eu.auth0.com/`"
        ]
    );
    let said = warnings("profile: entra, issuer: 'https://login.microsoftonline.com/common/v2.0'");
    assert!(said[0].contains("issuers[0].issuer: no token says so"), "{said:?}");
    assert_eq!(warnings("profile: generic, issuer: 'https://acme.eu.auth0.com'"), [""; 0]);
}

#[test]
fn what_cannot_be_an_issuer_at_all_is_one_problem_and_no_warning() {
    let text = "issuers: [{profile: auth0, issuer: acme, audiences: [a]}]";
    let problems = load(text).map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn a_profile_brings_its_audience_claim_and_lifetime_and_what_is_written_wins() {
    use crate::domain::policy::AudienceClaim;
    let cognito = issuer_with("profile: cognito").policy;
    assert_eq!(cognito.audience_claim, AudienceClaim::ClientId);
    let bound = issuer_with("profile: cognito\naudience_claim: aud\nkinds: {access: {stated: false}}").policy;
    assert_eq!(bound.audience_claim, AudienceClaim::Aud);
    assert!(cognito.kinds.access.stated && !bound.kinds.access.stated && bound.kinds.id.stated);
    let hours = |lines: &str| issuer_with(lines).policy.max_token_lifetime.as_secs() / 3600;
    assert_eq!(hours("profile: entra"), 29);
    assert_eq!(hours("profile: entra\nmax_token_lifetime: 2h"), 2);
    let entra = issuer_with("profile: entra\nkinds: {client: {require: [idtyp]}}").policy;
    assert_eq!(entra.kinds.client.require.len(), 1);
    assert_eq!(entra.kinds.client.forbid[0].to_string(), "scp");
}

#[test]
fn every_profiles_effective_configuration_reads_as_the_same_again() {
    for (title, text) in configurations() {
        let env = page_environment();
        let first = load_with(text, &env).unwrap();
        let again = load_with(&first.effective, &env).unwrap();
        assert_eq!(format!("{:?}", again.config), format!("{:?}", first.config), "{title}");
    }
}
