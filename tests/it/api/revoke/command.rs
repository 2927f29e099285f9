//! `countersign revoke`: what it prints, and its exit codes.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    api::kit::{ISSUER, Setup, TO_ANSWER},
    support::wait::within,
};

/// Exit code, standard output and standard error.
async fn revoke(address: String, input: String, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["revoke", "--address", &address]).args(args);
    let run = move || {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Dropped at once, so that the command sees the end of its input.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    };
    let output = within("the command", TO_ANSWER, tokio::task::spawn_blocking(run)).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn every_target_of_the_command_line_is_revoked() {
    let setup = Setup::start().await;
    let address = || format!("unix:{}", setup.service.socket().display());
    let (shown, named) = (setup.good(), setup.token(|claims| claims["jti"] = "t-9".into()));
    let (in_session, of_bob) = (setup.of("carol", "s-1", "desk"), setup.of("bob", "s-2", "desk"));
    let (spared, of_shop) = (setup.of("bob", "s-3", "desk"), setup.of("dave", "s-4", "shop"));
    for token in [&shown, &named, &in_session, &of_bob, &spared, &of_shop] {
        setup.passes(token).await;
    }
    let targets: [&[&str]; 5] = [
        &["--token", "-"],
        &["--token-id", "t-9"],
        &["--session", "s-1"],
        &["--subject", "bob", "--except-session", "s-3", "--reason", "gone"],
        &["--client", "shop", "--propagate"],
    ];
    for (target, token) in targets.iter().zip([&shown, &named, &in_session, &of_bob, &of_shop]) {
        let args = [target, &["--issuer", ISSUER][..]].concat();
        let (code, said, wrong) = revoke(address(), format!("{shown}\n"), &args).await;
        assert_eq!((code, said.starts_with("revoked\n")), (0, true), "{target:?}: {said}{wrong}");
        setup.is_revoked(token).await;
    }
    setup.passes(&spared).await;
    let all = ["--all-of-issuer", "--issuer", ISSUER, "--not-before", "2020-01-01T00:00:00Z", "--json"];
    let (code, said, _) = revoke(address(), String::new(), &all).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["outcome"]), (0, &"revoked".into()));
    assert_eq!(said["effective_not_before"], "2020-01-01T00:00:00Z");
    setup.passes(&spared).await;
}

#[tokio::test]
async fn what_is_not_revoked_has_other_exit_codes() {
    let setup = Setup::start().await;
    let address = || format!("unix:{}", setup.service.socket().display());
    let (code, said, _) = revoke(address(), String::new(), &["--subject", "bob"]).await;
    assert_eq!(
        (code, said.starts_with("not revoked: INVALID_ARGUMENT INVALID_FIELD issuer: ")),
        (1, true),
        "{said}"
    );
    let (code, said, _) = revoke(address(), String::new(), &["--subject", "bob", "--json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["outcome"], &said["field"]), (1, &"not_revoked".into(), &"issuer".into()));
    let token = setup.undecidable();
    let (code, said, _) = revoke(address(), token.clone(), &["--token", "-"]).await;
    assert_eq!((code, said.starts_with("cannot tell: UNAVAILABLE KEYS_UNAVAILABLE ")), (3, true), "{said}");
    let nobody = format!("unix:{}", setup.service.directory().join("nobody").display());
    let (code, said, _) = revoke(nobody, String::new(), &["--subject", "bob"]).await;
    assert_eq!((code, said.starts_with("cannot tell: UNAVAILABLE cannot connect to")), (3, true), "{said}");
    let (code, _, wrong) = revoke(address(), String::new(), &["--subject", "a", "--token", &token]).await;
    assert_eq!(
        (code, wrong.contains("cannot be used with"), wrong.contains(&token)),
        (2, true, false),
        "{wrong}"
    );
}
