//! `countersign healthcheck`, and the pod of `helm test` that runs it.

use tokio::{net::TcpListener, process::Command};

use super::kit::committed;
use crate::support::{
    idp::{Idp, Reply},
    ports,
    service::Service,
    wait::until,
};

const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// How it ended, and everything that it wrote.
async fn healthcheck<S: AsRef<std::ffi::OsStr> + Sync>(arguments: &[S]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = command.arg("healthcheck").args(arguments).output().await.unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap(), text)
}

/// A service at all addresses of this port, for tokens that are signed with a shared secret.
async fn serving(port: u16) -> Service {
    let yaml = format!(
        "listen: \"0.0.0.0:{port}\"\ninsecure_allow_any_caller: true\nissuers: [{{name: acme, issuer: acme, secret: {{file: secret}}, audiences: [api]}}]\n"
    );
    Service::start_with_files(&yaml, &[("secret", SECRET)]).await
}

#[tokio::test]
async fn who_serves_is_healthy_asked_by_address_or_by_configuration() {
    let port = ports::reserve();
    let service = serving(port).await;
    let address = format!("127.0.0.1:{port}");
    let file = service.directory().join("countersign.yaml").to_str().unwrap().to_owned();
    let healthy = (0, "serving\n".to_owned());
    assert_eq!(healthcheck(&["--address", &address]).await, healthy);
    assert_eq!(healthcheck(&["--config", &file]).await, healthy);
    assert_eq!(healthcheck(&["--address", &address, "--service", "issuer/acme"]).await, healthy);
    let (code, said) = healthcheck(&["--address", &address, "--service", "issuer/other"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("NOT_FOUND"), "{said}");
}

/// A process goes on with what it had when its file goes bad, and its Secrets may be gone as well.
#[tokio::test]
async fn a_file_that_went_bad_makes_nobody_unhealthy() {
    let port = ports::reserve();
    let service = serving(port).await;
    let file = service.directory().join("other.yaml").to_str().unwrap().to_owned();
    for bad in ["issuers: [{}]\nno_such_key: 1", "issuers: [{issuer: acme, secret: {file: /nowhere}}]"] {
        std::fs::write(&file, format!("listen: [\"0.0.0.0:{port}\", unix:/a]\n{bad}\n")).unwrap();
        assert_eq!(healthcheck(&["--config", &file]).await, (0, "serving\n".to_owned()), "{bad}");
    }
    std::fs::write(&file, "listen: nowhere\n").unwrap();
    let (code, said) = healthcheck(&["--config", &file]).await;
    assert_eq!(code, 1);
    assert!(said.contains("other.yaml:1: listen: "), "{said}");
    assert_eq!(healthcheck(&["--no-such-option"]).await.0, 2);
}

#[tokio::test]
async fn who_is_not_ready_is_not_healthy() {
    let idp = Idp::start(|_| Reply::status("500 Internal Server Error")).await;
    let yaml = format!("issuers: [{{issuer: \"{}\", audiences: [api]}}]\n", idp.url(""));
    let service = Service::start_unready(&yaml);
    let file = service.directory().join("countersign.yaml").to_str().unwrap().to_owned();
    until("its socket", DEADLINE, async || service.socket().exists().then_some(())).await;
    let (code, said) = healthcheck(&["--config", &file]).await;
    assert_eq!(code, 1);
    assert!(said.ends_with("NOT_SERVING\n"), "{said}");
}

#[tokio::test]
async fn nobody_and_who_does_not_answer_are_not_healthy() {
    let address = format!("127.0.0.1:{}", ports::reserve());
    let (code, said) = healthcheck(&["--address", &address]).await;
    assert_eq!(code, 1);
    assert!(said.contains("cannot connect"), "{said}");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let (code, said) = healthcheck(&["--address", &address, "--timeout", "100ms"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("no answer within 100ms"), "{said}");
    let (code, said) = healthcheck(&["--config", "/nowhere.yaml"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("cannot be read"), "{said}");
}

/// The command of the test's pod, against a process here in the place of the Service.
#[tokio::test]
async fn the_pod_of_helm_test_asks_what_can_be_asked() {
    let rendered = committed("minimal");
    let arguments = rendered.one("Pod", "cs-countersign-test")["spec"]["containers"][0]["args"].clone();
    let port = ports::reserve();
    let service = serving(port).await;
    let arguments: Vec<_> = arguments
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| {
            argument.as_str().unwrap().replace("cs-countersign:50051", &format!("localhost:{port}"))
        })
        .collect();
    let (command, arguments) = arguments.split_first().unwrap();
    assert_eq!(command, "healthcheck");
    assert!(arguments.iter().any(|argument| argument.contains("localhost")), "{arguments:?}");
    assert_eq!(healthcheck(arguments).await, (0, "serving\n".to_owned()));
    drop(service);
    assert_eq!(healthcheck(arguments).await.0, 1);
}

/// Those of the container are asked of a process that was started with its arguments, but for the file's place.
#[tokio::test]
async fn the_probes_of_the_container_are_answered() {
    let rendered = committed("minimal");
    let container =
        rendered.one("StatefulSet", "cs-countersign")["spec"]["template"]["spec"]["containers"][0].clone();
    assert_eq!(container["args"][0], "serve");
    let service = serving(ports::reserve()).await;
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"].as_str().unwrap();
        assert_eq!(service.admin_get(path).await.status, 200, "{probe}");
    }
}
