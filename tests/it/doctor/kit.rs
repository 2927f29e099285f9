//! A provider that does as it should but for one thing, and `doctor` asking it.

use std::{
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use countersign::{domain::time::Clock as _, ops::clock::SystemClock};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{
    idp::{Hit, Idp, Reply},
    tokens::Signer,
    wait::within,
};

pub(super) const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// Never in anything that is printed.
pub(super) const SECRET: &str = "hunter2-hunter2";
const TO_RUN: Duration = Duration::from_mins(1);

/// What one run said.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) exit: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Report {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The codes of one issuer's findings that are not good.
    #[track_caller]
    pub(super) fn bad(&self, issuer: usize) -> Vec<String> {
        let findings = self.json()["issuers"][issuer]["findings"].clone();
        let bad = findings.as_array().unwrap().iter().filter(|finding| finding["severity"] != "ok");
        bad.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    }
}

/// Runs the binary on a configuration in this directory.
pub(super) async fn run(directory: &Path, config: &str, args: &[&str]) -> Report {
    std::fs::write(directory.join("countersign.yaml"), config).unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["doctor", "--config", "countersign.yaml"])
        .args(args)
        .current_dir(directory)
        .env("CLIENT_SECRET", SECRET)
        .kill_on_drop(true)
        .output();
    let output = within("doctor", TO_RUN, command).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    for secret in [SECRET, "hunter", "body-of-an-answer"] {
        assert!(!stdout.contains(secret) && !stderr.contains(secret), "{stdout}{stderr}");
    }
    Report { exit: output.status.code().unwrap(), stdout, stderr }
}

/// One issuer's entry.
pub(super) fn entry(issuer: &str, lines: &str) -> String {
    let indented: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("  - issuer: {issuer}\n    name: idp\n    audiences: [api]\n{}", indented.concat())
}

pub(super) const CLIENT: &str =
    "clients: [{id: app, secret: {env: CLIENT_SECRET}, auth: client_secret_post}]\n";

/// What the provider does on one path instead of what it should.
pub(super) type Lie = fn(&str) -> Reply;

/// Asks a provider that lies on one path; what is not good must be exactly this. Returns the run and the provider.
pub(super) async fn check(
    path: &'static str,
    lie: Lie,
    lines: &str,
    bad: &[&str],
    exit: i32,
) -> (Report, Idp) {
    let idp = provider(path, lie).await;
    let directory = tempfile::tempdir().unwrap();
    let config = format!("issuers:\n{}", entry(&idp.url(""), lines));
    let report = run(directory.path(), &config, &["--json"]).await;
    assert_eq!(
        (report.bad(0), report.exit),
        (bad.iter().map(ToString::to_string).collect(), exit),
        "{report:?}"
    );
    (report, idp)
}

/// A provider that lies on one path, and answers truthfully on all others.
pub(super) async fn provider(path: &'static str, lie: Lie) -> Idp {
    let keys = key_set(&[key("a")]);
    Idp::start(move |hit| {
        let base = base(hit);
        match hit.path.as_str() {
            asked if asked == path => lie(&base),
            WELL_KNOWN => json_reply(&metadata(&base)),
            "/keys" => json_reply(&keys),
            "/token" => oauth_error("400 Bad Request", "invalid_grant"),
            other => panic!("nobody should ask for {other}"),
        }
    })
    .await
}

/// The base address of the server that was asked.
fn base(hit: &Hit) -> String {
    let host = hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    format!("http://{host}")
}

/// What a good discovery document says.
pub(super) fn metadata(base: &str) -> Value {
    json!({
        "issuer": base,
        "jwks_uri": format!("{base}/keys"),
        "token_endpoint": format!("{base}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    })
}

/// The good document but for these members.
pub(super) fn metadata_but(base: &str, members: &Value) -> Reply {
    let mut document = metadata(base);
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    json_reply(&document)
}

pub(super) fn json_reply(value: &Value) -> Reply {
    Reply::ok(value.to_string().into_bytes()).with("date", date(0))
}

pub(super) fn oauth_error(status: &'static str, error: &str) -> Reply {
    let body = json!({"error": error, "error_description": "body-of-an-answer"}).to_string().into_bytes();
    Reply::Whole { status, headers: vec![], body }
}

pub(super) fn html(status: &'static str) -> Reply {
    let body = b"<title>body-of-an-answer</title>".to_vec();
    Reply::Whole { status, headers: vec![], body }.with("date", date(0))
}

/// `Date`, this many seconds from now.
pub(super) fn date(from_now: i64) -> String {
    let seconds = u64::try_from(SystemClock.now().as_secs() + from_now).unwrap();
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A fresh P-256 key.
pub(super) fn key(key_id: &str) -> Value {
    Signer::fresh("ES256").named(key_id).jwk()
}

pub(super) fn key_set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}
