//! What a reload changes, at once, and what it leaves alone.

use countersign::proto::client::Reason;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{Party, issuers, reloaded, start};
use crate::support::{service::Service, tokens::Signer, wait::until};

/// What health says of an issuer; `None`: there is none.
async fn health(service: &Service, name: &str) -> Option<ServingStatus> {
    let request = HealthCheckRequest { service: format!("issuer/{name}") };
    match HealthClient::new(service.channel().await).check(request).await {
        Ok(response) => Some(response.into_inner().status()),
        Err(status) if status.code() == Code::NotFound => None,
        Err(status) => panic!("{status}"),
    }
}

async fn healthy(service: &Service, name: &str) {
    until("the issuer to be healthy", super::TO_RELOAD, async || {
        (health(service, name).await == Some(ServingStatus::Serving)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn c1_an_issuer_comes_and_goes_with_its_cached_tokens_health_and_metrics() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let service = start(&one, &two).await;
    assert_eq!(service.validate(&two.token()).await.refused(), Reason::UnknownIssuer);
    assert_eq!(health(&service, "two").await, None);

    service.configure(&issuers(&[two.entry(""), one.entry("")]));
    reloaded(&service, 1).await;
    let (of_one, of_two) = (one.token(), two.token());
    for _ in 0..2 {
        service.validate(&of_one).await.good();
        service.validate(&of_two).await.good();
    }
    healthy(&service, "two").await;
    let fetched = "countersign_key_fetches_total{issuer=\"two\",trigger=\"scheduled\",outcome=\"ok\"}";
    assert!(service.metric(fetched).await >= 1.0);

    service.configure(&issuers(&[one.entry("")]));
    reloaded(&service, 2).await;
    assert_eq!(service.validate(&of_two).await.refused(), Reason::UnknownIssuer, "though it was cached");
    service.validate(&of_one).await.good();
    assert_eq!(
        (health(&service, "one").await, health(&service, "two").await),
        (Some(ServingStatus::Serving), None)
    );
    let metrics = service.admin_get("/metrics").await.body;
    assert!(metrics.contains("issuer=\"one\"") && !metrics.contains("issuer=\"two\""), "{metrics}");
    assert_eq!(service.admin_get("/readyz").await.body, "ready\n");
}

#[tokio::test]
async fn c1_an_issuer_that_stays_keeps_its_cached_tokens() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let service = start(&one, &two).await;
    let token = one.token();
    service.validate(&token).await.good();
    service.configure(&issuers(&[two.entry(""), one.entry("")]));
    reloaded(&service, 1).await;
    service.validate(&token).await.good();
    let lookups = |result| format!("countersign_cache_lookups_total{{result=\"{result}\"}}");
    assert_eq!(service.metric(&lookups("hit")).await.to_bits(), 1_f64.to_bits());
    assert_eq!(service.metric(&lookups("miss")).await.to_bits(), 1_f64.to_bits());
}

#[tokio::test]
async fn c1_changed_rules_count_for_cached_tokens_at_once() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let service = start(&one, &two).await;
    let token = one.token();
    let other_audience = one.entry("").replace("https://api.", "https://other.");
    let mut reloads = 0;
    for (entry, reason) in [
        (other_audience, Reason::AudienceMismatch),
        (one.entry(", algorithms: [RS256]"), Reason::AlgorithmNotAllowed),
        (one.entry(", kinds: { access: { typ: [other+jwt] } }"), Reason::WrongKind),
    ] {
        for _ in 0..2 {
            service.validate(&token).await.good();
        }
        service.configure(&issuers(&[entry]));
        reloads += 1;
        reloaded(&service, reloads).await;
        assert_eq!(service.validate(&token).await.refused(), reason);
        service.configure(&issuers(&[one.entry("")]));
        reloads += 1;
        reloaded(&service, reloads).await;
    }
    service.validate(&token).await.good();
}

#[tokio::test]
async fn c1_a_changed_secret_counts_for_cached_tokens_at_once() {
    let [old, new] = [[b'o'; 32], [b'n'; 32]];
    let issuer = "https://shared.example.test";
    let entry = format!("  - {{ issuer: {issuer}, audiences: [a], secret: {{ file: ./secret }} }}\n");
    let service = Service::start_with_files(&issuers(&[entry]), &[("secret", &old)]).await;
    let token = |secret: &[u8]| {
        Signer::shared("HS256", secret).access_token(&crate::support::tokens::claims(issuer, "a"))
    };
    let (of_old, of_new) = (token(&old), token(&new));
    for _ in 0..2 {
        service.validate(&of_old).await.good();
        assert_eq!(service.validate(&of_new).await.refused(), Reason::BadSignature);
    }
    service.put("secret", new);
    reloaded(&service, 1).await;
    assert_eq!(service.validate(&of_old).await.refused(), Reason::BadSignature);
    service.validate(&of_new).await.good();
    assert!(!service.output().contains("nnnn"), "{}", service.output());
}

#[tokio::test]
async fn a_service_that_never_got_keys_becomes_ready_with_an_issuer_that_has_some() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let out_of_reach = format!(
        "  - {{ name: gone, issuer: https://gone.example.test, audiences: [a], jwks_uri: 'http://127.0.0.1:{}/' }}\n",
        crate::support::ports::reserve()
    );
    let mut service = Service::start_unready(&issuers(&[out_of_reach]));
    until("the service to wait for keys", super::TO_RELOAD, async || {
        let answer = service.try_admin_get("/readyz").await?;
        assert_ne!(answer.status, 200);
        (answer.body.contains("usable keys") && !answer.body.contains("first key fetch")).then_some(())
    })
    .await;
    service.put("one.json", one.key_set());
    service.configure(&issuers(&[one.entry("")]));
    service.ready().await;
    assert_eq!(service.admin_get("/readyz").await.body, "ready\n");
    service.validate(&one.token()).await.good();
    assert_eq!(service.validate(&two.token()).await.refused(), Reason::UnknownIssuer);
}
