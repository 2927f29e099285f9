//! SIGTERM to the real process.

use std::time::Duration;

use countersign::ops::drain::Tasks;
use tokio::{net::UnixStream, sync::watch};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use super::kit::{AUDIENCE, ISSUER, TO_ANSWER, about, ask, status_in, token_in};
use crate::support::{
    idp::{Idp, Reply},
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::{until, within},
};

async fn health_of(channel: &Channel, service: &str) -> tonic::Streaming<HealthCheckResponse> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let watch = HealthClient::new(channel.clone()).watch(request).await;
    watch.unwrap().into_inner()
}

/// An issuer that asks the key server whenever a key is missing.
fn config(idp: &Idp, more: &str) -> String {
    let keys = "{ min_refetch: 1ms, refresh_after: 1h, max_age: 24h, timeout: 30s }";
    let uri = idp.url("/keys");
    format!(
        "issuers:\n  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_uri: {uri}, keys: {keys} }}\n{more}"
    )
}

/// The call waits for a key server that holds its answer back.
#[tokio::test]
async fn sigterm_says_so_lets_the_call_in_flight_finish_and_exits_with_0() {
    let (old, new) = (Signer::es256().named("old"), Signer::es256().named("new"));
    let document = key_set(&[&old]).to_string().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(document.clone())).await;
    let mut service = Service::start(&config(&idp, "")).await;
    let channel = service.channel().await;
    let mut watches = vec![];
    for name in ["", "countersign.v1.TokenService", "issuer/idp.example.test"] {
        let mut watch = health_of(&channel, name).await;
        let serving =
            async { while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {} };
        within("SERVING", TO_ANSWER, serving).await;
        watches.push(watch);
    }

    let (go, held) = watch::channel(false);
    let document = key_set(&[&old, &new]).to_string().into_bytes();
    idp.change(move |_| Reply::Held(held.clone(), document.clone()));
    let asked = idp.hits().len();
    let mut client = service.client().await;
    let token = new.access_token(&claims(ISSUER, AUDIENCE));
    let call = Tasks::default().spawn(async move { ask(&mut client, about(token)).await });
    idp.wait_for_hits(|hits| hits.len() > asked).await;

    service.sigterm().await;
    for mut watch in watches {
        let next = within("NOT_SERVING", TO_ANSWER, watch.message()).await.unwrap().unwrap();
        assert_eq!(next.status(), ServingStatus::NotServing);
        let end = within("the stream's end", TO_ANSWER, watch.message()).await.unwrap_err();
        assert_eq!(end.code(), Code::Unavailable, "another replica will serve it");
    }
    let ready = service.admin_get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (503, "not ready\nshutting down\n"));
    assert_eq!(service.admin_get("/livez").await.status, 200);
    until("the listener to be closed", TO_ANSWER, async || {
        UnixStream::connect(service.socket()).await.err().map(drop)
    })
    .await;
    assert!(!call.is_finished());

    go.send(true).unwrap();
    token_in(within("the held call", TO_ANSWER, call).await.unwrap().unwrap());
    let status = service.wait_exit().await;
    assert_eq!(status.code(), Some(0), "{}", service.output());
    assert!(!service.socket().exists());
}

#[tokio::test]
async fn a_call_that_does_not_finish_within_the_drain_is_cut_and_the_exit_code_is_1_but_no_token_is_blamed() {
    let old = Signer::es256().named("old");
    let document = key_set(&[&old]).to_string().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(document.clone())).await;
    let mut service = Service::start(&config(&idp, "limits: { drain: 100ms }\n")).await;
    idp.change(|_| Reply::Stalled(""));
    let asked = idp.hits().len();
    let mut client = service.client().await;
    let token = Signer::es256().named("new").access_token(&claims(ISSUER, AUDIENCE));
    let call = Tasks::default().spawn(async move { ask(&mut client, about(token)).await });
    idp.wait_for_hits(|hits| hits.len() > asked).await;
    service.sigterm().await;
    let status = within("the end", Duration::from_secs(20), service.wait_exit()).await;
    assert_eq!(status.code(), Some(1), "{}", service.output());
    let cut = status_in(within("the cut call", TO_ANSWER, call).await.unwrap());
    assert!([Code::Unavailable, Code::Unknown, Code::Cancelled].contains(&cut.code()), "{cut:?}");
}
