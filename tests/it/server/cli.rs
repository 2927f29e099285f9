//! `countersign validate`, the real binary: what it prints and how it exits.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
    time::Duration,
};

use countersign::{
    api::grpc::status::{self, CallError},
    proto::{
        client::TokenInfo,
        server::{
            Reason, Recovery, Rejection, ValidateRequest, ValidateResponse,
            token_service_server::TokenService, validate_response::Outcome,
        },
    },
    service::fault::Fault,
};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::support::{Gate, Running, config, soon, start, start_with};

/// The first part of the token says what to answer.
struct Scripted;

#[tonic::async_trait]
impl TokenService for Scripted {
    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        let request = request.into_inner();
        let outcome = match str::from_utf8(&request.token).unwrap() {
            "good.secret" => Outcome::Token(
                TokenInfo {
                    subject: format!(
                        "{:?} {:?} {}",
                        request.audiences, request.required_scopes, request.kind
                    ),
                    claims_json: br#"{"sub":"alice"}"#.as_slice().into(),
                    ..TokenInfo::default()
                }
                .encode_to_vec()
                .into(),
            ),
            "bad.secret" => Outcome::Rejection(Rejection {
                reason: Reason::Expired.into(),
                message: "the token is past its end".into(),
                recovery: Recovery::Refresh.into(),
            }),
            _ => {
                return Err(status::of(&CallError::Fault(Fault::KeysUnavailable {
                    retry_after: Duration::from_secs(3),
                })));
            }
        };
        Ok(Response::new(ValidateResponse { outcome: Some(outcome), ..ValidateResponse::default() }))
    }
}

/// Runs the command against the server; no output of it ever holds `secret`.
async fn validate(server: &Running, input: &'static str, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["validate", "--address", &format!("http://{}", server.tcp())]).args(args);
    let run = tokio::task::spawn_blocking(move || run(command, input));
    let output = soon(run).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(!stdout.contains("secret") && !stderr.contains("secret"), "{stdout}{stderr}");
    (output.status.code().unwrap(), if stdout.is_empty() { stderr } else { stdout })
}

fn run(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Dropped at once, so that the command sees the end of its input.
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[tokio::test]
async fn each_outcome_has_its_text_its_json_and_its_exit_code() {
    let server = start_with(&config(), Scripted, vec![]).await;
    let check = async |token: &str, code: i32, text: &str, json: &str| {
        let (got, shown) = validate(&server, "", &[token]).await;
        assert!(shown.starts_with(text), "{shown}");
        assert_eq!(got, code);
        let (got, shown) = validate(&server, "", &[token, "--json"]).await;
        assert!(shown.starts_with(json) && shown.ends_with("}\n"), "{shown}");
        assert_eq!(got, code);
    };
    check(
        "good.secret",
        0,
        "valid\n  subject: [] [] 1\n",
        r#"{"outcome":"token","token":{"claims":{"sub":"alice"},"#,
    )
    .await;
    check(
        "bad.secret",
        1,
        "refused: EXPIRED — the token is past its end (recovery: REFRESH)\n",
        r#"{"message":"the token is past its end","outcome":"rejection","reason":"EXPIRED","recovery":"REFRESH"}"#,
    )
    .await;
    check(
        "other.secret",
        3,
        "cannot tell: UNAVAILABLE KEYS_UNAVAILABLE cannot tell",
        r#"{"code":"UNAVAILABLE","message":"cannot tell"#,
    )
    .await;
}

#[tokio::test]
async fn the_token_may_come_from_standard_input_and_the_question_is_passed_on() {
    let server = start_with(&config(), Scripted, vec![]).await;
    let args = ["-", "--audience", "a", "--audience", "b", "--scope", "read", "--kind", "id"];
    let (code, shown) = validate(&server, "good.secret\n", &args).await;
    assert!(shown.contains(r#"subject: ["a", "b"] ["read"] 2"#), "{shown}");
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_wrong_command_line_exits_with_2_and_does_not_quote_the_token() {
    let server = start_with(&config(), Scripted, vec![]).await;
    for args in [
        &["Bearer", "good.secret"][..],
        &[],
        &["good.secret", "--timeout", "soon"],
        &["good.secret", "--address", "https://127.0.0.1:1"],
        &["good.secret", "--kind", "refresh"],
    ] {
        let (code, shown) = validate(&server, "", args).await;
        assert_eq!(code, 2, "{args:?}: {shown}");
    }
}

#[tokio::test]
async fn no_answer_in_time_and_no_service_are_cannot_tell() {
    let gate = Gate::new();
    let server = start(&config(), &gate).await;
    let (code, shown) = validate(&server, "", &["held.secret", "--timeout", "50ms"]).await;
    assert!(shown.starts_with("cannot tell: DEADLINE_EXCEEDED"), "{shown}");
    assert_eq!(code, 3);
    // An answer without an outcome must not pass for valid.
    let (code, shown) = validate(&server, "", &["quick"]).await;
    assert!(shown.starts_with("cannot tell: UNKNOWN NO_OUTCOME"), "{shown}");
    assert_eq!(code, 3);

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let address = format!("http://{closed}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["validate", "x", "--address", &address]);
    let output = soon(tokio::task::spawn_blocking(move || run(command, ""))).await.unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("cannot tell: UNAVAILABLE cannot connect to"), "{shown}");
    assert_eq!(output.status.code(), Some(3));
}
