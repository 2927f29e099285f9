//! `limits` can change.

use std::time::Duration;

use countersign::{ops::drain::Tasks, proto::client::Reason};
use tonic::Code;

use super::{AUDIENCE, Party, issuers, reloaded};
use crate::support::{
    idp::{Idp, Reply},
    service::Service,
    tokens::Signer,
    wait::{until, within},
};

#[tokio::test]
async fn limits_are_those_of_the_last_reload() {
    let one = Party::new("one");
    let keys = one.key_set().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(keys.clone())).await;
    let yaml = |limits: &str| {
        let (issuer, uri) = (one.issuer(), idp.url("/keys"));
        let keys = "{ min_refetch: 1ms, refresh_after: 1h, max_age: 24h, timeout: 60s }";
        let entry =
            format!("  - {{ issuer: {issuer}, audiences: [{AUDIENCE}], jwks_uri: {uri}, keys: {keys} }}\n");
        format!("{}limits: {limits}\n", issuers(&[entry]))
    };
    let mut service = Service::start(&yaml("{ max_concurrent: 1, max_token_bytes: 16KiB, drain: 1h }")).await;
    let token = one.token();
    service.validate(&token).await.good();

    // A call that waits for a key set until the caller, or this service, has had enough.
    idp.change(|_| Reply::Stalled(""));
    let asked = idp.hits().len();
    let mut client = service.client().await;
    let unknown = Signer::es256()
        .named("unknown")
        .access_token(&crate::support::tokens::claims(&one.issuer(), AUDIENCE));
    let held = Tasks::default().spawn(async move {
        let request = countersign::proto::client::ValidateRequest { token: unknown, ..Default::default() };
        client.validate(request).await
    });
    idp.wait_for_hits(|hits| hits.len() > asked).await;
    assert_eq!(service.validate(&token).await.cannot_tell().code(), Code::ResourceExhausted);

    service.configure(&yaml("{ max_concurrent: 2, max_token_bytes: 256, drain: 100ms }"));
    reloaded(&service, 1).await;
    assert_eq!(service.validate(&token).await.refused(), Reason::TooLarge);
    service.configure(&yaml("{ max_concurrent: 2, max_token_bytes: 16KiB, drain: 100ms }"));
    reloaded(&service, 2).await;
    service.validate(&token).await.good();

    service.sigterm().await;
    let status = within("the end", Duration::from_secs(20), service.wait_exit()).await;
    assert_eq!(status.code(), Some(1), "the call that waits is cut: {}", service.output());
    assert!(within("the cut call", Duration::from_secs(20), held).await.unwrap().is_err());
    until("the log to be whole", Duration::from_secs(5), async || {
        service.output().contains("cutting calls").then_some(())
    })
    .await;
}
