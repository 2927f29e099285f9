use super::*;
use crate::config::{Config, Environment};

/// The entries of a configuration with these issuers; `more` begins with a comma.
fn entries(issuers: &[(&str, &str)]) -> Vec<IssuerSettings> {
    let entry = |(host, more): &(&str, &str)| {
        format!("{{ issuer: 'https://{host}.example', name: {host}, audiences: [api]{more} }}")
    };
    let list: Vec<_> = issuers.iter().map(entry).collect();
    let yaml = format!("issuers: [{}]", list.join(", "));
    let env = Environment::from_iter([
        ("OLD", "an old secret of thirty-two bytes"),
        ("NEW", "a new secret of thirty-two bytes."),
    ]);
    Config::parse(&yaml, &env, std::path::Path::new(".")).unwrap().config.issuers
}

fn planned(running: &[(&str, &str)], wanted: &[(&str, &str)]) -> Vec<String> {
    let (running, wanted) = (entries(running), entries(wanted));
    let steps = plan(&running.iter().collect::<Vec<_>>(), wanted);
    let shown = steps.into_iter().map(|step| match step {
        Step::Keep(at) => format!("keep {at}"),
        Step::Replace(at, settings) => format!("replace {at} by {}", settings.policy.name),
        Step::Add(settings) => format!("add {}", settings.policy.name),
    });
    shown.collect()
}

#[test]
fn an_issuer_is_kept_wherever_it_stands_unless_anything_about_it_changes() {
    let running = [("a", ""), ("b", "")];
    assert_eq!(planned(&running, &running), ["keep 0", "keep 1"]);
    assert_eq!(planned(&running, &[("b", ""), ("c", ""), ("a", "")]), ["keep 1", "add c", "keep 0"]);
    assert_eq!(planned(&running, &[("b", "")]), ["keep 1"]);
}

#[test]
fn any_changed_setting_is_a_change() {
    const BASE: &str = "issuer: 'https://a.example', name: a, audiences: [api]";
    let settings = |entry: &str| {
        let yaml = format!("issuers: [{{ {entry} }}]");
        Config::parse(&yaml, &Environment::default(), std::path::Path::new(".")).unwrap().config.issuers
    };
    let running = settings(BASE);
    for changed in [
        BASE.replace("api", "other"),
        BASE.replace("name: a", "name: other"),
        format!("{BASE}, leeway: 1s"),
        format!("{BASE}, algorithms: [RS256]"),
        format!("{BASE}, jwks_uri: 'https://a.example/keys'"),
        format!("{BASE}, keys: {{ timeout: 1s }}"),
        format!("{BASE}, kinds: {{ id: {{ typ: [] }} }}"),
        format!("{BASE}, claims: {{ roles: [groups] }}"),
        format!("{BASE}, required_claims: []"),
        format!("{BASE}, max_token_age: 1h"),
        format!("{BASE}, allow_http: true"),
    ] {
        let steps = plan(&running.iter().collect::<Vec<_>>(), settings(&changed));
        assert!(matches!(steps.as_slice(), [Step::Replace(0, _)]), "{changed}: {steps:?}");
    }
}

#[test]
fn a_changed_secret_is_a_change() {
    let with = |name: &'static str| [("a", name)];
    let (old, new) = (with(", secret: { env: OLD }"), with(", secret: { env: NEW }"));
    assert_eq!(planned(&old, &old), ["keep 0"]);
    assert_eq!(planned(&old, &new), ["replace 0 by a"]);
}
