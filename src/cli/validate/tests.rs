use std::time::Duration;

use super::{outcome::Outcome, *};
use crate::proto::client::{
    Reason, Recovery, Rejection, TokenInfo, TokenKind, ValidateResponse, validate_response,
};

fn token() -> Outcome {
    Outcome::of_response(ValidateResponse {
        outcome: Some(validate_response::Outcome::Token(TokenInfo {
            issuer: "https://idp.example".into(),
            subject: "evil\u{1b}[2J".into(),
            kind: TokenKind::Access.into(),
            scopes: vec!["read".into(), "write".into()],
            expires_at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            claims_json: br#"{"sub":"evil","n":1}"#.as_slice().into(),
            ..TokenInfo::default()
        })),
        ..ValidateResponse::default()
    })
}

fn rejection(reason: i32) -> Outcome {
    Outcome::of_response(ValidateResponse {
        outcome: Some(validate_response::Outcome::Rejection(Rejection {
            reason,
            message: "too old".into(),
            recovery: Recovery::Refresh.into(),
        })),
        ..ValidateResponse::default()
    })
}

#[test]
fn text_says_the_answer_in_its_first_word_and_cannot_steer_a_terminal() {
    assert_eq!(
        print::text(&token()),
        "valid\n  issuer: https://idp.example\n  subject: evil\\u{1b}[2J\n  principal: UNSPECIFIED\n  kind: ACCESS\
         \n  scopes: read write\n  expires_at: 2023-11-14T22:13:20Z\n  should_refresh: false\
         \n  claims: {\"n\":1,\"sub\":\"evil\"}"
    );
    assert_eq!(print::text(&rejection(999)), "refused: UNRECOGNIZED(999) — too old (recovery: REFRESH)");
    let fault = Outcome::of_status(&crate::api::grpc::status::overloaded(Duration::from_millis(250)));
    let text = print::text(&fault);
    assert!(text.starts_with("cannot tell: RESOURCE_EXHAUSTED OVERLOADED "), "{text}");
    assert!(text.ends_with("(retry after 250ms)"), "{text}");
}

#[test]
fn json_is_one_object_with_a_stable_shape() {
    assert_eq!(
        print::json(&rejection(Reason::Expired.into())),
        r#"{"message":"too old","outcome":"rejection","reason":"EXPIRED","recovery":"REFRESH"}"#
    );
    let shown: serde_json::Value = serde_json::from_str(&print::json(&token())).unwrap();
    assert_eq!(shown["outcome"], "token");
    assert_eq!(shown["token"]["expires_at"], "2023-11-14T22:13:20Z");
    assert_eq!(shown["token"]["claims"]["n"], 1);
}

#[test]
fn an_answer_without_an_outcome_is_no_answer() {
    let outcome = Outcome::of_response(ValidateResponse::default());
    assert!(matches!(outcome, Outcome::Fault { .. }));
}

#[test]
fn one_newline_is_not_part_of_the_token_and_input_is_bounded() {
    let read = |input: &str| read_token(input.as_bytes()).unwrap();
    assert_eq!(read("a.b.c"), "a.b.c");
    assert_eq!(read("a.b.c\n"), "a.b.c");
    assert_eq!(read("a.b.c\r\n"), "a.b.c");
    assert_eq!(read("a.b.c\n\n"), "a.b.c\n");
    assert!(read_token(io::repeat(b'x')).is_err());
}

#[test]
fn durations_and_addresses() {
    assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
    assert_eq!(duration("60m"), Ok(Duration::from_hours(1)));
    for bad in
        ["", "5", "s", "5h", "-5s", "5 s", "1.5s", "3601s", "99999999999999999m", "18446744073709551615ms"]
    {
        assert!(duration(bad).is_err(), "{bad}");
    }
    for good in [
        "http://127.0.0.1:50051",
        "http://[::1]:1",
        "unix:/run/countersign.sock",
        "unix:///run/x",
        "127.0.0.1:50051",
    ] {
        assert!(remote::address(good).is_ok(), "{good}");
    }
    for bad in ["https://127.0.0.1:1", "127.0.0.1", "50051", "unix:relative", "http://", "http:// x"] {
        assert!(remote::address(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_token_is_in_no_debug_output() {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }
    let line = <Line as clap::Parser>::parse_from(["validate", "eyJsecret"]);
    assert!(!format!("{:?}", line.args).contains("eyJsecret"));
}
