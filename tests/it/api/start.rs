//! What the binary starts with, what it does not start with, and `check`.

use std::{net::TcpListener, path::Path, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::process::Command;
use tonic::transport::Endpoint;

use countersign::proto::client::token_service_client::TokenServiceClient;

use super::kit::{AUDIENCE, ISSUER, about, ask, token_in};
use crate::support::{
    ports,
    service::Service,
    tokens::{Signer, claims},
    wait::within,
};

const TO_END: Duration = Duration::from_secs(30);

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs the binary to its end, in a directory.
pub(super) async fn run(directory: &Path, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(args).envs(env.iter().copied()).current_dir(directory);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = within("the command to end", TO_END, command.output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub(super) const SECRET: &str = "0123456789abcdef-a-shared-secret-that-nobody-prints-0123456789abcdef";

/// A configuration that is served on a socket in this directory, and its issuer's signer.
fn shared(directory: &Path) -> (String, Signer) {
    std::fs::write(directory.join("secret"), SECRET).unwrap();
    let yaml = format!(
        "\
issuers:
  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], secret: {{ file: {}/secret }} }}
",
        directory.display()
    );
    (yaml, Signer::shared("HS256", SECRET.as_bytes()))
}

#[tokio::test]
async fn a_taken_port_ends_the_start_with_69_and_names_the_address() {
    let directory = TempDir::new().unwrap();
    let (yaml, _) = shared(directory.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for section in [
        format!("listen: {address}\n"),
        format!("listen: ['127.0.0.1:0', '{address}']\nadmin: {{ listen: off }}\n"),
        format!("admin: {{ listen: {address} }}\n"),
    ] {
        let (status, output) = Service::refused(&format!("{yaml}{section}")).await;
        assert_eq!(status.code(), Some(69), "{output}");
        let said = format!("countersign: cannot listen on {address}: ");
        assert_eq!(output.lines().filter(|line| line.starts_with(&said)).count(), 1, "{output}");
        assert!(!output.contains("\"listening\""), "nothing was served: {output}");
    }
}

#[tokio::test]
async fn a_second_process_on_the_same_store_is_refused_and_the_first_goes_on() {
    let directory = TempDir::new().unwrap();
    let (yaml, signer) = shared(directory.path());
    let first = Service::start(&yaml).await;
    let store = first.directory().join("countersign.redb");
    let keys = std::fs::read(first.directory().join("countersign.redb.keys")).unwrap();
    let section = format!("store: {{ kind: embedded, path: {} }}\n", store.display());
    let (status, output) = Service::refused(&format!("{yaml}{section}")).await;
    assert_eq!(status.code(), Some(69), "{output}");
    let said = format!("countersign: the store {} is open in another process", store.display());
    assert!(output.lines().any(|line| line.starts_with(&said)), "{output}");
    assert_eq!(std::fs::read(first.directory().join("countersign.redb.keys")).unwrap(), keys);
    first.validate(&signer.access_token(&claims(ISSUER, AUDIENCE))).await.good();
}

#[tokio::test]
async fn any_caller_may_be_allowed_and_the_log_warns_of_it() {
    let directory = TempDir::new().unwrap();
    let (yaml, signer) = shared(directory.path());
    let port = ports::reserve();
    let section = format!("listen: 0.0.0.0:{port}\ninsecure_allow_any_caller: true\n");
    let service = Service::start(&format!("{yaml}{section}")).await;
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
    let mut client = TokenServiceClient::new(endpoint.connect().await.unwrap());
    let token = signer.access_token(&claims(ISSUER, AUDIENCE));
    token_in(ask(&mut client, about(token)).await.unwrap());
    let warned = |line: &str| line.contains("\"WARN\"") && line.contains("insecure_allow_any_caller");
    assert_eq!(service.output().lines().filter(|line| warned(line)).count(), 1, "{}", service.output());
}

#[tokio::test]
async fn check_prints_what_is_in_effect_and_no_secret_wherever_it_comes_from() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    std::fs::write(path.join("secret"), format!("{SECRET}-file\n")).unwrap();
    let secrets = [format!("{SECRET}-file"), format!("{SECRET}-env")];
    let yaml = format!(
        "\
issuers:
  - {{ issuer: {ISSUER}/file, name: file, audiences: [a], secret: {{ file: secret }} }}
  - {{ issuer: {ISSUER}/env, name: env, audiences: [a], secret: {{ env: TEST_SECRET }}, algorithms: [HS512] }}
limits: {{ drain: 5s }}
"
    );
    std::fs::write(path.join("countersign.yaml"), &yaml).unwrap();
    let env = [("TEST_SECRET", secrets[1].as_str()), ("COUNTERSIGN__LIMITS__DRAIN", "7s")];
    let good = run(path, &["check", "--config", "countersign.yaml"], &env).await;
    assert_eq!((good.code, good.stderr.as_str()), (Some(0), ""));
    for line in ["drain: 7s", "max_token_lifetime: 24h", "algorithms: [HS512]", "env: TEST_SECRET"] {
        assert!(good.stdout.contains(line), "{line}\n{}", good.stdout);
    }
    // What was printed is a configuration, with the same effect.
    std::fs::write(path.join("printed.yaml"), &good.stdout).unwrap();
    let again = run(path, &["check", "--config", "printed.yaml"], &env[..1]).await;
    assert_eq!((again.code, &again.stdout), (Some(0), &good.stdout), "{}", again.stderr);

    std::fs::write(path.join("bad.yaml"), yaml.replace("5s", "5").replace("HS512", "RS256")).unwrap();
    let bad = run(path, &["check", "--config", "bad.yaml"], &env[..1]).await;
    assert_eq!((bad.code, bad.stdout.as_str()), (Some(78), ""));
    for said in [good, again, bad] {
        for secret in &secrets {
            assert!(!format!("{said:?}").contains(secret.as_str()), "{said:?}");
        }
    }
}
