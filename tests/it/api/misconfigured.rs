//! A configuration that is wrong ends `serve` and `check` alike: 78, and a line for each problem.

use std::path::Path;

use tempfile::TempDir;

use super::start::{SECRET, run};

const GOOD: &str = "\
issuers:
  - issuer: https://a.example
    audiences: [a]
";

/// What both commands say of this configuration, which they must refuse.
async fn refused(directory: &Path, yaml: &str) -> Vec<String> {
    std::fs::write(directory.join("countersign.yaml"), yaml).unwrap();
    let mut said = vec![];
    for command in ["serve", "check"] {
        let ended = run(directory, &[command, "--config", "countersign.yaml"], &[]).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(78), ""),
            "{command}\n{yaml}\n{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
        said.push(ended.stderr);
    }
    assert_eq!(said[0], said[1], "serve and check");
    said[0].lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn one_problem_is_one_line_that_names_the_key_and_where_it_is() {
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("directory")).unwrap();
    std::fs::write(directory.path().join("short"), &SECRET[..31]).unwrap();
    for (yaml, said) in [
        (
            format!("{GOOD}cache: {{ max_byte: 1MiB }}"),
            "4: cache.max_byte: unknown key; did you mean `max_bytes`?",
        ),
        (
            format!("{GOOD}    leeway: 60"),
            "4: issuers[0].leeway: a duration needs a unit: write `60s` for seconds",
        ),
        (format!("{GOOD}    leeway: 1h"), "4: issuers[0].leeway: must be between"),
        (format!("{GOOD}    secret: {{ file: ./missing }}"), "4: issuers[0].secret.file: "),
        (format!("{GOOD}    secret: {{ file: ./directory }}"), "4: issuers[0].secret.file: "),
        (format!("{GOOD}    secret: {{ env: NOT_SET_BY_ANYBODY }}"), "4: issuers[0].secret.env: "),
        (
            format!("{GOOD}    secret: {{ file: ./short }}"),
            "4: issuers[0].secret: too short: HS256 needs at least 32",
        ),
        (format!("{GOOD}    secret: {SECRET}"), "4: issuers[0].secret: "),
        (
            format!("{GOOD}  - {{ issuer: https://a.example, name: b, audiences: [b] }}"),
            "4: issuers[1].issuer: the same as issuers[0] (line 2)",
        ),
        (
            format!("{GOOD}  - {{ issuer: https://a.example/b, audiences: [b] }}"),
            "4: issuers[1].name: `a.example` is the name of issuers[0] too (line 2)",
        ),
        (
            "issuers:\n  - { issuer: http://a.example, audiences: [a] }".to_owned(),
            "2: issuers[0].issuer: plain http is accepted for loopback hosts, or with `allow_http: true`",
        ),
        (format!("{GOOD}    algorithms: [HS256]"), "4: issuers[0].algorithms: HS algorithms need a `secret`"),
        (format!("{GOOD}    algorithms: [none]"), "4: issuers[0].algorithms[0]: "),
        (format!("{GOOD}    algorithms: []"), "4: issuers[0].algorithms: "),
        (format!("listen: 0.0.0.0:5\n{GOOD}"), "1: listen: 0.0.0.0:5 is not loopback"),
        (format!("listen: '[::]:5'\n{GOOD}"), "1: listen: \"[::]:5\" is not loopback"),
        (GOOD.replace("[a]", "[]"), "3: issuers[0].audiences: at least one is needed"),
        (format!("{GOOD}    kinds: {{ access: {{ typ: [JWT] }} }}"), "4: issuers[0].kinds.access"),
        (format!("{GOOD}limits: {{ drain: 1s }}\nlimits: {{ drain: 1s }}"), "5: "),
        ("issuers: [".to_owned(), ""),
    ] {
        let lines = refused(directory.path(), &yaml).await;
        let said = format!("countersign.yaml:{said}");
        assert!(lines.len() == 1 && lines[0].starts_with(&said), "{yaml}\n{lines:#?}\n{said}");
    }
}

#[tokio::test]
async fn several_problems_are_listed_together_in_the_order_of_the_file() {
    let directory = TempDir::new().unwrap();
    let yaml = "\
listen: 10.0.0.1:50051
cache: { max_age: 5, max_byte: 1MiB }
issuers:
  - { issuer: http://a.example, audiences: [] }
  - { issuer: https://b.example, audiences: [b], secret: { file: missing }, leeway: soon }
limits:
  drain: 2h
tls: { certificate: a, key: b }
";
    let lines = refused(directory.path(), yaml).await;
    let expected = [
        "1: listen: ",
        "2: cache.max_age: ",
        "2: cache.max_byte: ",
        "4: issuers[0].audiences: ",
        "4: issuers[0].issuer: ",
        "5: issuers[1].leeway: ",
        "5: issuers[1].secret.file: ",
        "7: limits.drain: ",
        "8: tls: documented, but not built in this version",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for expected in expected {
        let found = lines.iter().any(|line| line.starts_with(&format!("countersign.yaml:{expected}")));
        assert!(found, "{expected} is not in {lines:#?}");
    }
    let places: Vec<u32> =
        lines.iter().map(|line| line.split(':').nth(1).unwrap().parse().unwrap()).collect();
    assert!(places.is_sorted(), "{lines:#?}");
}

#[tokio::test]
async fn a_key_whose_feature_is_not_built_is_refused_by_name() {
    let directory = TempDir::new().unwrap();
    let keys = [
        "tls: { certificate: a, key: b, client_ca: c }",
        "callers: [{ name: a }]",
        "sessions: { idle_timeout: 1h }",
        "cookies: { mode: handle }",
        "events: { keep: 24h }",
    ];
    let lines = refused(directory.path(), &format!("{GOOD}{}\n", keys.join("\n"))).await;
    assert_eq!(lines.len(), keys.len(), "{lines:#?}");
    for (at, (key, line)) in keys.iter().zip(&lines).enumerate() {
        let name = key.split(':').next().unwrap();
        let said = format!("countersign.yaml:{}: {name}: documented, but not built in this version", at + 4);
        assert!(line.starts_with(&said), "{line}");
    }
    let lines = refused(directory.path(), &format!("{GOOD}    sessions: {{ idle_timeout: 1h }}\n")).await;
    let said = "countersign.yaml:4: issuers[0].sessions: documented, but not built in this version";
    assert!(lines.len() == 1 && lines[0].starts_with(said), "{lines:#?}");
}

#[tokio::test]
async fn a_variable_that_is_wrong_is_named_instead_of_a_line() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("countersign.yaml"), GOOD).unwrap();
    for (name, value, said) in [
        ("COUNTERSIGN__CACHE__MAX_AGE", "5", "cache.max_age: a duration needs a unit"),
        ("COUNTERSIGN__CACHE__MAX_BYTE", "5MiB", ""),
        ("COUNTERSIGN__LISTEN", "0.0.0.0:1", "listen: 0.0.0.0:1 is not loopback"),
    ] {
        let ended = run(directory.path(), &["serve", "--config", "countersign.yaml"], &[(name, value)]).await;
        assert_eq!(ended.code, Some(78), "{ended:?}");
        let said = format!("{name}: {said}");
        assert!(ended.stderr.lines().count() == 1 && ended.stderr.starts_with(&said), "{ended:?}");
    }
}
