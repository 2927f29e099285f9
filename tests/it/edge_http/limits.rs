//! Checks under the limits that calls have, and the end of the process.

use std::{net::Ipv4Addr, time::Duration};

use countersign::ops::drain::Tasks;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
};

use super::kit::{AUDIENCE, ISSUER, Response, TO_ANSWER, count, raw, send};
use crate::support::{
    idp::{Idp, Reply},
    ports,
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::{until, within},
};

/// A service one of whose checks waits for a key server that holds its answer back.
struct Busy {
    service: Service,
    port: u16,
    go: watch::Sender<bool>,
    held: JoinHandle<Response>,
    /// Good, and its key is known.
    good: String,
    _idp: Idp,
}

impl Busy {
    async fn with(more: &str) -> Self {
        let (old, new) = (Signer::es256().named("old"), Signer::es256().named("new"));
        let document = key_set(&[&old]).to_string().into_bytes();
        let idp = Idp::start(move |_| Reply::ok(document.clone())).await;
        let port = ports::reserve();
        let keys = "{ min_refetch: 1ms, refresh_after: 1h, max_age: 24h, timeout: 30s }";
        let uri = idp.url("/keys");
        let yaml = format!(
            "issuers:\n  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_uri: {uri}, keys: {keys} }}\n\
             http: {{ listen: 127.0.0.1:{port} }}\n{more}"
        );
        let service = Service::start(&yaml).await;
        let (go, gate) = watch::channel(false);
        let document = key_set(&[&old, &new]).to_string().into_bytes();
        idp.change(move |_| Reply::Held(gate.clone(), document.clone()));
        let asked = idp.hits().len();
        let bearer = |signer: &Signer| format!("Bearer {}", signer.access_token(&claims(ISSUER, AUDIENCE)));
        let waits = bearer(&new);
        let held = Tasks::default()
            .spawn(async move { send(port, "GET", "/check?", &[("Authorization", &waits)]).await });
        idp.wait_for_hits(|hits| hits.len() > asked).await;
        Self { service, port, go, held, good: bearer(&old), _idp: idp }
    }

    /// Lets the check go on.
    async fn finish(self) -> (Service, Response) {
        self.go.send(true).unwrap();
        (self.service, within("the held check", TO_ANSWER, self.held).await.unwrap())
    }
}

#[tokio::test]
async fn checks_have_their_share_of_the_limit_and_more_are_told_to_come_back() {
    let busy = Busy::with("limits: { max_concurrent: 1 }\n").await;
    let good = [("Authorization", busy.good.as_str())];
    let answer = send(busy.port, "GET", "/check?optional=true", &good).await;
    assert_eq!((answer.status, answer.reason().as_str()), (503, "OVERLOADED"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    // A call over gRPC has no room, either.
    let said = busy.service.validate(busy.good.trim_start_matches("Bearer ")).await.cannot_tell();
    assert_eq!(said.code(), tonic::Code::ResourceExhausted);
    assert_eq!(count(&busy.service, "countersign_in_flight_requests").await, "1");
    let turned_away = "countersign_requests_total{method=\"HTTP /check\",code=\"RESOURCE_EXHAUSTED\"}";
    assert_eq!(count(&busy.service, turned_away).await, "1");

    let (service, answer) = busy.finish().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    until("room", TO_ANSWER, async || {
        (count(&service, "countersign_in_flight_requests").await == "0").then_some(())
    })
    .await;
    assert_eq!(count(&service, "countersign_requests_total{method=\"HTTP /check\",code=\"OK\"}").await, "1");
}

#[tokio::test]
async fn a_drain_answers_the_check_in_flight_and_closes_what_is_idle() {
    let mut busy = Busy::with("").await;
    let mut kept = TcpStream::connect((Ipv4Addr::LOCALHOST, busy.port)).await.unwrap();
    let request = format!("GET /check? HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\r\n", busy.good);
    kept.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 15];
    within("an answer", TO_ANSWER, kept.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let mut silent = TcpStream::connect((Ipv4Addr::LOCALHOST, busy.port)).await.unwrap();

    busy.service.sigterm().await;
    within("an idle connection's end", TO_ANSWER, kept.read_to_end(&mut vec![])).await.unwrap();
    within("a silent connection's end", TO_ANSWER, silent.read_to_end(&mut vec![])).await.ok();
    until("the listener to be closed", TO_ANSWER, async || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, busy.port)).await.err().map(drop)
    })
    .await;
    assert!(!busy.held.is_finished());
    assert!(busy.service.output().contains("shutting down"));

    busy.go.send(true).unwrap();
    let answer = within("the held check", TO_ANSWER, &mut busy.held).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{answer:?}");
    assert_eq!(busy.service.wait_exit().await.code(), Some(0), "{}", busy.service.output());
}

#[tokio::test]
async fn a_check_that_does_not_finish_within_the_drain_is_cut() {
    let mut busy = Busy::with("limits: { drain: 100ms }\n").await;
    busy.service.sigterm().await;
    assert_eq!(busy.service.wait_exit().await.code(), Some(1), "{}", busy.service.output());
    assert!(busy.service.output().contains("shut down, cutting calls that had not ended"));
    busy.held.abort();
}

#[tokio::test]
async fn a_connection_that_grows_old_is_closed_after_an_answer() {
    let busy = Busy::with("server: { max_connection_age: 1s }\n").await;
    let mut kept = TcpStream::connect((Ipv4Addr::LOCALHOST, busy.port)).await.unwrap();
    let request = format!("GET /check? HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\r\n", busy.good);
    kept.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the connection's end", Duration::from_secs(20), kept.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    // The check that is at work on its own, older connection is answered all the same.
    let (_service, answer) = busy.finish().await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn headers_are_bounded() {
    let busy = Busy::with("server: { max_header_bytes: 8KiB }\n").await;
    let with = |bytes: usize| {
        format!("GET /check? HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(bytes))
    };
    let fits = within("an answer", TO_ANSWER, raw(busy.port, with(7_000).as_bytes())).await;
    assert_eq!(fits.status, 401);
    let answer = within("an answer", TO_ANSWER, raw(busy.port, with(9_000).as_bytes())).await;
    assert_eq!(answer.status, 431);
    for (number, status) in [(990, 401), (1_010, 431)] {
        let many = "X: y\r\n".repeat(number);
        let many = format!("GET /check? HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{many}\r\n");
        let answer = within("an answer", TO_ANSWER, raw(busy.port, many.as_bytes())).await;
        assert_eq!(answer.status, status, "{number} headers");
    }
    let (_service, answer) = busy.finish().await;
    assert_eq!(answer.status, 200);
}
