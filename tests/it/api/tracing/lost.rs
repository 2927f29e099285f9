//! What traces cost when nobody takes them.

use std::time::Duration;

use countersign::ops::drain::Tasks;
use tokio::{net::TcpListener, time::Instant};
use tonic::Request;

use super::{Setup, asked, config};
use crate::{
    api::kit::{AUDIENCE, ISSUER, about},
    support::{
        collector::Collector,
        idp::{Idp, Reply},
        ports,
        service::Service,
        tokens::{Signer, claims, key_set},
        wait::{until, within},
    },
};

/// More than the queue and a batch hold.
const MANY: usize = 4_000;

async fn check_lost(collector: &str) -> String {
    let signer = Signer::es256();
    let document = key_set(&[&signer]).to_string().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(document.clone())).await;
    let mut service = Service::start(&config(&idp, collector, "1")).await;
    let client = service.client().await;
    let token = signer.access_token(&claims(ISSUER, AUDIENCE));
    let tasks = Tasks::default();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (mut client, token) = (client.clone(), token.clone());
            tasks.spawn(async move {
                for _ in 0..MANY / 16 {
                    asked(&mut client, Request::new(about(token.as_str()))).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        within("the answers", Duration::from_mins(1), caller).await.unwrap();
    }
    assert!(service.metric(r#"countersign_spans_total{state="ended"}"#).await >= 4_000.0);
    assert!(service.metric(r#"countersign_spans_total{state="exported"}"#).await < 0.5);
    let duration = "countersign_request_duration_seconds_bucket{le=\"1.0\",method=\"countersign.v1.TokenService/Validate\"}";
    assert!(service.metric(duration).await >= 4_000.0, "no call waited for the collector");
    until("the log to say so, once", Duration::from_secs(30), async || {
        service.output().contains("spans cannot be exported").then_some(())
    })
    .await;
    let stopped = Instant::now();
    service.sigterm().await;
    assert!(service.wait_exit().await.success(), "{}", service.output());
    // Two and a half seconds are what it may take; the rest is for a busy machine.
    assert!(stopped.elapsed() < Duration::from_secs(8), "{:?}", stopped.elapsed());
    service.output()
}

#[tokio::test]
async fn a_collector_that_takes_everything_and_never_answers_costs_no_call_anything_and_the_end_two_seconds()
{
    let collector = Collector::start_silent().await;
    let output = check_lost(&collector.url()).await;
    assert!(!collector.requests().is_empty(), "it was tried");
    assert!(output.contains("the last spans could not be exported"), "{output}");
}

#[tokio::test]
async fn a_collector_that_accepts_connections_and_says_nothing_costs_no_call_anything() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let output = check_lost(&format!("http://{}", listener.local_addr().unwrap())).await;
    assert!(output.contains("the last spans could not be exported"), "{output}");
}

#[tokio::test]
async fn a_collector_that_is_down_costs_no_call_anything() {
    check_lost(&format!("http://127.0.0.1:{}", ports::reserve())).await;
}

#[tokio::test]
async fn a_collector_that_comes_back_is_found_again() {
    let port = ports::reserve();
    let setup = Setup::with("1", &format!("http://127.0.0.1:{port}")).await;
    let mut client = setup.service.client().await;
    let mut say_until = async |condition: &dyn Fn() -> bool| {
        until("the exporter to notice", Duration::from_mins(1), async || {
            asked(&mut client, Request::new(about(setup.old_token()))).await.unwrap();
            condition().then_some(())
        })
        .await;
    };
    say_until(&|| setup.service.output().contains("spans cannot be exported")).await;
    let collector = Collector::start_at(port).await;
    say_until(&|| setup.service.output().contains("spans can be exported again")).await;
    assert!(!collector.spans().is_empty());
    assert!(setup.service.metric(r#"countersign_spans_total{state="exported"}"#).await > 0.5);
    assert!(setup.service.metric(r#"countersign_spans_total{state="failed"}"#).await > 0.5);
    assert_eq!(setup.service.output().matches("spans cannot be exported").count(), 1, "once for each change");
}

#[tokio::test]
async fn a_collector_that_does_not_speak_tls_costs_no_call_anything() {
    let collector = Collector::start().await;
    check_lost(&collector.url().replace("http://", "https://")).await;
    assert!(collector.requests().is_empty());
}
