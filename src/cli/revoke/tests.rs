use clap::{FromArgMatches as _, error::ErrorKind};

use super::*;
use crate::proto::client::{RevokeResponse, Upstream};

fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
    let command = <Args as clap::Args>::augment_args(clap::Command::new("revoke"));
    Args::from_arg_matches(&command.try_get_matches_from([&["revoke"], arguments].concat())?)
}

#[test]
fn exactly_one_target_is_given() {
    let targets: [&[&str]; 6] = [
        &["--token", "x"],
        &["--token-id", "x"],
        &["--session", "x"],
        &["--subject", "x"],
        &["--client", "x"],
        &["--all-of-issuer"],
    ];
    for (at, target) in targets.iter().enumerate() {
        assert!(parse(target).unwrap().target.wanted().unwrap().is_some(), "{target:?}");
        let two = [target, targets[(at + 1) % targets.len()]].concat();
        assert_eq!(parse(&two).unwrap_err().kind(), ErrorKind::ArgumentConflict, "{two:?}");
    }
    assert_eq!(parse(&[]).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    let of_a_session = parse(&["--session", "x", "--except-session", "y"]).unwrap_err();
    assert_eq!(of_a_session.kind(), ErrorKind::ArgumentConflict);
    assert!(parse(&["--subject", "x", "--except-session", "y"]).is_ok());
}

#[test]
fn times_are_those_of_rfc_3339() {
    let read = |text| time(text).map(|time| (time.seconds, time.nanos)).ok();
    assert_eq!(read("2023-11-14T22:13:20Z"), Some((1_700_000_000, 0)));
    assert_eq!(read("2023-11-14T23:13:20.5+01:00"), Some((1_700_000_000, 500_000_000)));
    for bad in ["", "now", "1700000000", "2023-11-14T25:00:00Z"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn what_was_done_is_said_to_people_and_to_programs() {
    let outcome = Outcome::Revoked(RevokeResponse {
        revision: "00-1\u{1b}[2J".into(),
        effective_not_before: Some(Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        revoked_sessions: 2,
        upstream: Upstream::Queued.into(),
    });
    assert_eq!(
        print::text(&outcome),
        "revoked\n  effective_not_before: 2023-11-14T22:13:20Z\n  revoked_sessions: 2\n  upstream: QUEUED\n  \
         revision: 00-1\\u{1b}[2J"
    );
    let shown: serde_json::Value = serde_json::from_str(&print::json(&outcome)).unwrap();
    assert_eq!(shown["outcome"], "revoked");
    assert_eq!(shown["effective_not_before"], "2023-11-14T22:13:20Z");
    assert_eq!(shown["upstream"], "QUEUED");
}
