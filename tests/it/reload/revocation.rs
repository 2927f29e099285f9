//! `revocation` can change.

use std::time::Duration;

use countersign::proto::client::{RevokeRequest, revoke_request::Target};

use super::{AUDIENCE, Party, issuers, reloaded};
use crate::support::{
    idp::{Idp, Reply},
    service::Service,
    wait::within,
};

/// How far ahead of the service's own clock its cut-off is.
async fn ahead(service: &Service) -> i64 {
    let target = Some(Target::Subject("bob".into()));
    let request = RevokeRequest { target, ..RevokeRequest::default() };
    let mut client = service.client().await;
    let answer = within("an answer", Duration::from_secs(20), client.revoke(request)).await.unwrap();
    let cut_off = answer.into_inner().effective_not_before.unwrap().seconds;
    cut_off - countersign::domain::time::Clock::now(&countersign::ops::clock::SystemClock).as_secs()
}

#[tokio::test]
async fn a_cut_off_is_as_far_ahead_as_the_last_reload_says() {
    let one = Party::new("one");
    let keys = one.key_set().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(keys.clone())).await;
    let yaml = |ahead: &str| {
        let entry = format!(
            "  - {{ issuer: {}, audiences: [{AUDIENCE}], jwks_uri: {} }}\n",
            one.issuer(),
            idp.url("/keys")
        );
        format!("{}revocation: {{ issuer_clock_ahead: {ahead} }}\n", issuers(&[entry]))
    };
    let service = Service::start(&yaml("0s")).await;
    let before = ahead(&service).await;
    assert!(before <= 1, "{before}");
    service.configure(&yaml("60s"));
    reloaded(&service, 1).await;
    let after = ahead(&service).await;
    assert!((50..=61).contains(&after), "{after}");
}
