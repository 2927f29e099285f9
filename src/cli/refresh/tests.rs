use clap::Parser as _;

use super::*;
use crate::cli::Cli;

fn tokens() -> TokenSet {
    TokenSet {
        access_token: "a.b.c".to_owned(),
        token_type: "Bearer".to_owned(),
        refresh_token: "r1".to_owned(),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        replayed: true,
        ..TokenSet::default()
    }
}

#[test]
fn exactly_one_credential_is_needed() {
    let parses =
        |arguments: &[&str]| Cli::try_parse_from(["countersign", "refresh"].iter().chain(arguments)).is_ok();
    assert!(parses(&["-"]));
    assert!(parses(&["--session", "s1", "--force"]));
    assert!(!parses(&[]));
    assert!(!parses(&["-", "--session", "s1"]));
}

#[test]
fn people_and_programs_are_told_the_same() {
    let refreshed = Outcome::Refreshed(tokens());
    let expected = "refreshed (replayed)\n  access_token: a.b.c\n  token_type: Bearer\n  refresh_token: r1\n  scopes: read write";
    assert_eq!(print::text(&refreshed), expected);
    let object: serde_json::Value = serde_json::from_str(&print::json(&refreshed)).unwrap();
    assert_eq!((object["refresh_token"].as_str(), object["replayed"].as_bool()), (Some("r1"), Some(true)));

    let rejection = Rejection { reason: 24, message: "used".to_owned(), recovery: 3 };
    let refused = Outcome::Refused(rejection);
    let object: serde_json::Value = serde_json::from_str(&print::json(&refused)).unwrap();
    assert_eq!(
        print::text(&refused),
        format!("refused: {} used (recovery: LOGIN)", object["reason"].as_str().unwrap())
    );

    let fault = Outcome::Fault(Fault::local("UNAVAILABLE", "no\nservice".to_owned()));
    assert_eq!(print::text(&fault), "cannot tell: UNAVAILABLE no\\nservice");
}
