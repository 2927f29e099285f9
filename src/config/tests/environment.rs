//! The environment over the file.

use super::*;
use crate::ops::telemetry::SampleRatio;

fn with(name: &str, value: &str, text: &str) -> Result<Loaded, Vec<String>> {
    load_with(text, &Environment::from_iter([(name, value)]))
}

#[test]
fn a_variable_wins_over_the_file() {
    let text =
        format!("listen: [127.0.0.1:7, 127.0.0.1:8]\ncache: {{max_bytes: 1GiB, max_age: 1m}}\n{ISSUER}");
    let config = with("COUNTERSIGN__CACHE__MAX_BYTES", "32MiB", &text).unwrap().config;
    assert_eq!(config.cache.max_bytes, 32 << 20);
    assert_eq!(config.cache.max_age.as_secs(), 60);
    let config = with("COUNTERSIGN__LISTEN", "127.0.0.1:1", &text).unwrap().config;
    assert_eq!(config.listen, [ListenAddress::Tcp("127.0.0.1:1".parse().unwrap())]);
    let config = with("COUNTERSIGN__CACHE__MAX_BYTES", "33554432", ISSUER).unwrap().config;
    assert_eq!(config.cache.max_bytes, 32 << 20);
    let config = with("COUNTERSIGN__ADMIN__LISTEN", "false", ISSUER).unwrap().config;
    assert_eq!(config.admin, None);
    let config = with("COUNTERSIGN__SERVER__REFLECTION", "true", ISSUER).unwrap().config;
    assert!(config.server.reflection);
    let config = with("COUNTERSIGN__LIMITS__MAX_CONCURRENT", "7", ISSUER).unwrap().config;
    assert_eq!(config.limits.max_concurrent, 7);
    let config = with("COUNTERSIGN__TELEMETRY__LOG", "off", ISSUER).unwrap().config;
    assert_eq!(config.telemetry.log, "off");
    let traced = format!("telemetry: {{otlp_endpoint: https://otel.example}}\n{ISSUER}");
    let config = with("COUNTERSIGN__TELEMETRY__SAMPLE_RATIO", "0.5", &traced).unwrap().config;
    assert_eq!(config.telemetry.otlp.map(|otlp| otlp.sample_ratio), SampleRatio::new(0.5));
}

#[test]
fn a_problem_names_the_variable_instead_of_a_line() {
    let cache = format!("cache: {{max_age: 1m}}\n{ISSUER}");
    for (name, value, expected) in [
        ("COUNTERSIGN__CACHE__MAX_BYTE", "1MiB", "cache.max_byte: unknown key; did you mean `max_bytes`?"),
        ("COUNTERSIGN__NOTHING__AT_ALL", "1", "nothing: unknown key"),
        (
            "COUNTERSIGN__LIMITS__MAX_CONCURRENT",
            "-1",
            "limits.max_concurrent: expected a whole number, found `-1`",
        ),
        ("COUNTERSIGN__CACHE__MAX_BYTES", "1KiB", "cache.max_bytes: must be between 1MiB and 1024GiB"),
        ("COUNTERSIGN__CACHE", "off", "names a whole section; name one key of it"),
        ("COUNTERSIGN__ISSUERS__0__NAME", "x", "reaches into a list; items of lists are written in the file"),
        ("COUNTERSIGN__ISSUERS", "x", "issuers: expected a list of sections, found a single value"),
        ("COUNTERSIGN__STORE__PATH", "", "store.path: must not be empty"),
        ("COUNTERSIGN__", "x", "names no key: write COUNTERSIGN__SECTION__KEY"),
    ] {
        let problems = with(name, value, &cache).map(|loaded| loaded.effective).unwrap_err();
        assert_eq!(problems, [format!("{name}: {expected}")]);
    }
}

#[test]
fn bytes_that_are_not_text_are_a_problem_of_the_variable() {
    let env = Environment::from_iter([("COUNTERSIGN__STORE__PATH", vec![0xff])]);
    let problems = load_with(ISSUER, &env).map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(problems, ["COUNTERSIGN__STORE__PATH: is not UTF-8"]);
}

#[test]
fn problems_of_the_file_and_of_the_environment_come_together() {
    let env = Environment::from_iter([("COUNTERSIGN__CACHE__MAX_AGE", "5"), ("COUNTERSIGN__X", "1")]);
    let problems = load_with(&format!("{ISSUER}limits: {{drain: x}}\n"), &env);
    let problems = problems.map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(problems[0].starts_with("countersign.yaml:4: limits.drain: "));
    assert!(problems[1].starts_with("COUNTERSIGN__CACHE__MAX_AGE: cache.max_age: "));
    assert!(problems[2].starts_with("COUNTERSIGN__X: x: unknown key"));
}
