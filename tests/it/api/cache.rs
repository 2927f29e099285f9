//! The cache against a key set that changes.

use std::time::Duration;

use countersign::proto::client::Reason;

use super::kit::{AUDIENCE, ISSUER};
use crate::support::{
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::until,
};

/// `refresh_after`, one reading of a file, and time for a busy machine.
const WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn k2_a_withdrawn_keys_cached_token_is_refused_within_refresh_after() {
    let (stays, goes) = (Signer::es256().named("stays"), Signer::es256().named("goes"));
    let yaml = format!(
        "\
issuers:
  - issuer: {ISSUER}
    audiences: [{AUDIENCE}]
    jwks_file: ./keys.json
    keys: {{ refresh_after: 1s, min_refetch: 100ms, max_age: 1h }}
"
    );
    let both = key_set(&[&stays, &goes]).to_string();
    let service = Service::start_with_files(&yaml, &[("keys.json", both.as_bytes())]).await;
    let [kept, withdrawn] = [&stays, &goes].map(|signer| signer.access_token(&claims(ISSUER, AUDIENCE)));
    for _ in 0..2 {
        service.validate(&kept).await.good();
        service.validate(&withdrawn).await.good();
    }
    let hits = "countersign_cache_lookups_total{result=\"hit\"}";
    assert!((service.metric(hits).await - 2.0).abs() < f64::EPSILON, "both are cached");

    // In one step, as an operator would: the service must not find half a file.
    service.put("keys.json", key_set(&[&stays]).to_string());
    // Nobody asks about an unknown key: the schedule alone has to find out.
    let refused = until("the withdrawn key to be refused", WITHIN, async || {
        let said = service.validate(&withdrawn).await;
        (!said.is_good()).then_some(said)
    })
    .await;
    assert_eq!(refused.refused(), Reason::UnknownKey);
    service.validate(&kept).await.good();
    assert_eq!(service.validate(&withdrawn).await.refused(), Reason::UnknownKey, "and stays so");
}
