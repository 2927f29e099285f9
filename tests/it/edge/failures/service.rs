//! Something happens to the service, or to an issuer.

use countersign::{ops::drain::Tasks, proto::client::ValidateRequest};
use serde_json::json;

use super::{
    super::scene::{AUDIENCE, Signers, UNREACHABLE, start_service},
    gate::Gate,
    scene::{Edge, Patience, Told},
    table::Row,
};
use crate::support::{
    idp::{Idp, Reply},
    service::Service,
    tokens::{Signer, claims, key_set},
};

/// Both ways of the service to say that it cannot tell.
async fn services() -> Vec<(Told, Service, Signers)> {
    let mut services = Vec::new();
    for told in Told::ALL {
        let (service, signers) = start_service(told.yaml(), &[]).await;
        services.push((told, service, signers));
    }
    services
}

#[tokio::test]
pub(super) async fn e4_the_service_is_stopped() {
    let row = Row::of("the service is stopped");
    for (told, mut service, signers) in services().await {
        let token = signers.token(&[]);
        let edge = Edge::before(service.socket(), told, Patience::Patient).await;
        edge.is_well(&token).await;
        service.kill9().await;
        edge.shows(&row, &token).await;
        service.restart().await;
        edge.is_well(&token).await;
    }
}

#[tokio::test]
pub(super) async fn e4_the_service_is_frozen() {
    let row = Row::of("the service is frozen");
    for (told, service, signers) in services().await {
        let token = signers.token(&[]);
        let edge = Edge::before(service.socket(), told, Patience::Hasty).await;
        edge.is_well(&token).await;
        service.stop().await;
        edge.shows(&row, &token).await;
        service.go_on().await;
        edge.is_well(&token).await;
    }
}

#[tokio::test]
pub(super) async fn e4_the_service_is_slow() {
    let row = Row::of("the service is slower than `timeout`");
    for (told, service, signers) in services().await {
        let token = signers.token(&[]);
        let gate = Gate::to(service.socket());
        let edge = Edge::before(gate.socket(), told, Patience::Hasty).await;
        edge.is_well(&token).await;
        gate.close();
        edge.shows(&row, &token).await;
        gate.open();
        edge.is_well(&token).await;
    }
}

#[tokio::test]
pub(super) async fn e4_the_service_is_overloaded() {
    const BUSY: &str = "https://busy.example.test";
    let row = Row::of("the service is overloaded (`limits.max_concurrent`)");
    for told in Told::ALL {
        let keys = key_set(&[&Signer::es256()]).to_string().into_bytes();
        let idp = Idp::start(move |_| Reply::ok(keys.clone())).await;
        let yaml = format!(
            "  - {{ issuer: {BUSY}, audiences: [{AUDIENCE}], jwks_uri: '{}', \
             keys: {{ min_refetch: 1ms, refresh_after: 1h, max_age: 24h, timeout: 60s }} }}\n\
             limits: {{ max_concurrent: 1 }}\n{}",
            idp.url("/keys"),
            told.yaml(),
        );
        let (service, signers) = start_service(&yaml, &[]).await;
        let token = signers.token(&[]);
        let edge = Edge::before(service.socket(), told, Patience::Patient).await;
        edge.is_well(&token).await;
        // A call that waits for a key set takes the only place.
        idp.change(|_| Reply::Stalled(""));
        let asked = idp.hits().len();
        let unknown = Signer::es256().named("unknown").access_token(&claims(BUSY, AUDIENCE));
        let mut client = service.client().await;
        drop(Tasks::default().spawn(async move {
            client.validate(ValidateRequest { token: unknown, ..ValidateRequest::default() }).await
        }));
        idp.wait_for_hits(|hits| hits.len() > asked).await;
        edge.shows(&row, &token).await;
    }
}

#[tokio::test]
pub(super) async fn e4_an_issuers_keys_are_unavailable() {
    let row = Row::of("an issuer's keys are unavailable");
    for (told, service, signers) in services().await {
        let edge = Edge::before(service.socket(), told, Patience::Patient).await;
        edge.is_well(&signers.token(&[])).await;
        edge.shows(&row, &signers.token(&[("iss", json!(UNREACHABLE))])).await;
        // Others are not concerned.
        edge.is_well(&signers.token(&[])).await;
    }
}
