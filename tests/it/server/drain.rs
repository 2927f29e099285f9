//! The end of the process.

use std::time::Duration;

use countersign::app::Exit;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::Instant};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt as _;

use super::{
    admin::get,
    raw::{Raw, end},
    support::{Gate, Watch, config, hold, soon, start},
};

#[tokio::test]
async fn a_drain_says_so_first_then_refuses_new_calls_and_lets_the_old_ones_finish() {
    let gate = Gate::new();
    let server = start(&config(), &gate).await;
    let (address, admin) = (server.tcp(), server.admin.clone());
    let mut watch = Watch::open(&server.channel().await, "").await;
    watch.until_serving().await;
    let held = hold(&server.client().await, &gate).await;

    let ending = server.shut_down();
    assert_eq!(watch.next().await.unwrap(), Some(ServingStatus::NotServing), "before anything is closed");
    let end = watch.next().await.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(end.get_error_details().error_info().unwrap().reason, "DRAINING");
    soon(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    assert_eq!(get(&admin, "/readyz").await, (503, "not ready\nshutting down\n".to_owned()));
    assert!(!held.is_finished());

    gate.open();
    let answer = soon(held).await.unwrap().unwrap();
    assert_eq!(answer.into_inner().revision, "answered");
    assert_eq!(ending.exit().await, Exit::Clean);
}

#[tokio::test]
async fn a_call_that_outlives_the_drain_is_cut_and_the_exit_says_so() {
    let (gate, mut config) = (Gate::new(), config());
    config.limits.drain = Duration::from_millis(50);
    let server = start(&config, &gate).await;
    let _held = hold(&server.client().await, &gate).await;
    assert_eq!(server.shut_down().exit().await, Exit::Cut(1));
}

#[tokio::test]
async fn batch_answers_that_nobody_fetches_are_cut_and_the_exit_says_so() {
    let mut config = config();
    config.limits.drain = Duration::from_millis(50);
    let server = start(&config, &Gate::new()).await;
    let raw = Raw::connect(server.tcp()).await;
    let mut unread = Vec::new();
    for _ in 0..5 {
        unread.push(soon(raw.begin_batch().await).await.unwrap());
    }
    assert_eq!(server.shut_down().exit().await, Exit::Cut(5));
}

#[tokio::test]
async fn a_fetched_batch_is_no_longer_counted() {
    let server = start(&config(), &Gate::new()).await;
    let raw = Raw::connect(server.tcp()).await;
    assert_eq!(end(raw.begin_batch().await).await.code(), Code::Ok);
    assert_eq!(server.shut_down().exit().await, Exit::Clean);
}

#[tokio::test]
async fn a_second_signal_ends_a_drain_at_once() {
    let gate = Gate::new();
    let server = start(&config(), &gate).await;
    let _held = hold(&server.client().await, &gate).await;
    assert_eq!(server.shut_down().force().await, Exit::Cut(1));
}

#[tokio::test]
async fn half_open_connections_do_not_hold_a_drain() {
    let server = start(&config(), &Gate::new()).await;
    let mut half_open = Vec::new();
    for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        half_open.push(stream);
    }
    // Accepted in order, so those before are at work too.
    drop(server.channel().await);
    let begun = Instant::now();
    assert_eq!(server.shut_down().exit().await, Exit::Clean);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn idle_connections_do_not_hold_a_drain() {
    let server = start(&config(), &Gate::new()).await;
    let idle = Raw::connect(server.tcp()).await;
    assert_eq!(server.shut_down().exit().await, Exit::Clean);
    idle.closed().await;
}
