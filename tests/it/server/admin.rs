//! The admin port over a real socket.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use countersign::{api::ListenAddress, app::KeyHolder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
};
use tonic_health::pb::health_check_response::ServingStatus;

use super::support::{Gate, Watch, config, health, question, soon, start, start_with, tcp};

/// Status code and body.
pub(crate) async fn get(admin: &ListenAddress, path: &str) -> (u16, String) {
    let mut stream = soon(TcpStream::connect(tcp(admin))).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    soon(stream.read_to_string(&mut response)).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_replica_is_ready_when_an_issuer_has_keys() {
    let (attempted, attempt) = oneshot::channel::<()>();
    let usable = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&usable);
    let holder = KeyHolder::new("idp", async { attempt.await.unwrap() }, move || seen.load(Ordering::SeqCst));
    let server = start_with(&config(), Gate::new(), vec![holder]).await;
    let channel = server.channel().await;

    let (code, body) = get(&server.admin, "/readyz").await;
    assert_eq!(code, 503);
    assert!(body.contains("usable keys of at least one issuer"), "{body}");
    assert!(body.contains("first key fetch of issuer idp"), "{body}");
    for service in ["", "countersign.v1.TokenService", "issuer/idp"] {
        assert_eq!(health(&channel, service).await, ServingStatus::NotServing, "{service}");
    }

    usable.store(true, Ordering::SeqCst);
    attempted.send(()).unwrap();
    for service in ["", "countersign.v1.TokenService", "issuer/idp"] {
        Watch::open(&channel, service).await.until_serving().await;
    }
    assert_eq!(get(&server.admin, "/readyz").await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn metrics_count_what_was_asked() {
    let server = start(&config(), &Gate::new()).await;
    server.client().await.validate(question("quick")).await.unwrap();
    let (code, text) = get(&server.admin, "/metrics").await;
    assert_eq!(code, 200);
    let sample = r#"countersign_requests_total{method="countersign.v1.TokenService/Validate",code="OK"} 1"#;
    assert!(text.lines().any(|line| line == sample), "{text}");
}
