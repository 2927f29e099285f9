//! Secrets: where they come from, and that nothing shows them.

use super::*;
use crate::issuer::KeySource;

/// Long enough for HS256, and to be searched for.
const SHARED: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

fn with_secret(reference: &str) -> String {
    with_issuer_lines(&format!("secret: {reference}"))
}

fn environment() -> Environment {
    Environment::from_iter([
        ("SHARED", SHARED.as_bytes()),
        ("LINE", b"hunter2-hunter2-hunter2-hunter2-hunter2\n"),
        ("SHORT", b"hunter2"),
        ("EMPTY", b""),
        ("BINARY", &[0xff; 64]),
        (
            "BASE64",
            b"/////////////////////////////////////////////////////////////////////////////////////w==",
        ),
    ])
}

fn secret_of(loaded: &Loaded) -> &[u8] {
    let KeySource::Secret(secret) = &loaded.config.issuers[0].source else { panic!("{loaded:?}") };
    secret.expose()
}

#[test]
fn secrets_come_from_variables_and_files() {
    let file = std::env::temp_dir().join(format!("countersign-secret-{}", std::process::id()));
    std::fs::write(&file, format!("{SHARED}\r\n")).unwrap();
    let in_file = format!("{{file: {}}}", file.display());
    for (reference, bytes) in [
        ("{env: SHARED}", SHARED.as_bytes()),
        ("{env: LINE}", SHARED.as_bytes()),
        ("{env: BINARY}", &[0xff; 64]),
        ("{env: BASE64, encoding: base64}", &[0xff; 64]),
        (&in_file, SHARED.as_bytes()),
    ] {
        let loaded = load_with(&with_secret(reference), &environment()).unwrap();
        assert_eq!(secret_of(&loaded), bytes, "{reference}");
        assert_eq!(loaded.config.issuers[0].policy.algorithms.iter().collect::<Vec<_>>().len(), 1);
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn secret_rules() {
    const NAME_ONE: &str = "name one with `{file: path}` or `{env: NAME}`";
    for (reference, expected) in [
        ("hunter2", format!("secret: secrets are not written here: {NAME_ONE}")),
        ("12345678", format!("secret: secrets are not written here: {NAME_ONE}")),
        ("[hunter2]", format!("secret: secrets are not written here: {NAME_ONE}")),
        ("", format!("secret: secrets are not written here: {NAME_ONE}")),
        ("{}", "secret: names no secret: write `{file: path}` or `{env: NAME}`".to_owned()),
        ("{env: MISSING}", "secret.env: the environment variable MISSING is not set".to_owned()),
        (
            "{env: hunter2}",
            "secret.env: the environment variable of this name (not shown) is not set".to_owned(),
        ),
        ("{env: EMPTY}", "secret.env: the secret is empty".to_owned()),
        ("{env: SHARED, file: a}", "secret.env: name a file or a variable, not both".to_owned()),
        ("{env: SHORT, encoding: base64}", "secret.env: is not base64".to_owned()),
        (
            "{env: SHARED, encoding: hex}",
            "secret.encoding: expected `raw` or `base64`, found `hex`".to_owned(),
        ),
        ("{value: hunter2}", "secret.value: unknown key".to_owned()),
        ("{env: SHORT}", "secret: too short: HS256 needs at least 32 bytes".to_owned()),
        (
            "{env: SHARED}\nalgorithms: [HS256, HS512]",
            "secret: too short: HS512 needs at least 64 bytes".to_owned(),
        ),
        (
            "{env: SHARED}\njwks_uri: https://a.example/k",
            "secret: `jwks_uri` says where the keys come from; write one of the two".to_owned(),
        ),
    ] {
        let problems = load_with(&with_secret(reference), &environment());
        let problems = problems.map(|loaded| loaded.effective).unwrap_err();
        let found = problems.iter().any(|line| *line == format!("countersign.yaml:4: issuers[0].{expected}"));
        assert!(found, "{reference}: {problems:#?}");
        assert!(!problems.iter().any(|line| line.contains("hunter2")), "{problems:#?}");
    }
    let problems = load_with(&with_secret("{file: missing}"), &environment()).map(|loaded| loaded.effective);
    let problem = problems.unwrap_err().remove(0);
    assert!(
        problem.starts_with("countersign.yaml:4: issuers[0].secret.file: /nowhere/missing cannot be read: ")
    );
}

#[test]
fn a_secret_goes_with_hs_algorithms_only() {
    let text = with_secret("{env: SHARED}\nalgorithms: [RS256]");
    let problems = load_with(&text, &environment()).map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(
        problems,
        ["countersign.yaml:5: issuers[0].algorithms: with a `secret`, only HS algorithms can be used"]
    );
}

#[test]
fn nothing_shows_a_secret() {
    let env = environment();
    let client = "clients: [{id: x, secret: {env: SHARED}}]";
    let loaded = load_with(&with_secret(&format!("{{env: SHARED}}\n{client}")), &env).unwrap();
    assert_eq!(loaded.config.issuers[0].clients.len(), 1);
    for shown in
        [format!("{loaded:?}"), format!("{:#?}", loaded.config), loaded.effective, format!("{env:?}")]
    {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_parser_repeats_no_secret_either() {
    for bad in [
        "hunter2: hunter2",
        "!hunter2",
        "!hunter2 x",
        "*hunter2",
        "%hunter2",
        "\"hunter2",
        "'hunter2",
        "[hunter2",
        "{hunter2",
        "!!int hunter2",
        "!!binary hunter2!",
        "@hunter2",
        "\"hunter2\\q\"",
        "hunter2\n\thunter2",
        "|2\nhunter2",
    ] {
        let problems = load(&with_secret(bad)).map(|loaded| loaded.effective).unwrap_err();
        assert!(!problems.iter().any(|line| line.contains("hunter2")), "{bad}: {problems:#?}");
    }
}

#[test]
fn a_file_that_is_no_configuration_is_not_repeated() {
    // `--config` with the path of a secret.
    let problems = load("hunter2").map(|loaded| loaded.effective).unwrap_err();
    assert!(!problems.iter().any(|line| line.contains("hunter2")), "{problems:#?}");
}
