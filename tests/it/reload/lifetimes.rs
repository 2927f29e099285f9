//! How long tokens may live can change, and with it for how long revocations matter.

use std::time::Duration;

use countersign::{
    domain::time::Clock as _,
    ops::clock::SystemClock,
    proto::client::{Reason, RevokeRequest, revoke_request::Target},
};

use super::{AUDIENCE, Party, TO_RELOAD, issuers, reloaded};
use crate::support::{
    service::Service,
    tokens::claims,
    wait::{until, within},
};

/// R3: while tokens lived for a second, nobody needed a cut-off after that; tokens that live for an hour need it again.
#[tokio::test]
async fn r3_where_tokens_may_live_longer_what_was_revoked_for_short_ones_counts_again() {
    let one = Party::new("one");
    let yaml = |lifetime: &str| {
        let entry = one.entry(&format!(", max_token_lifetime: {lifetime}, leeway: 0s"));
        format!("{}revocation: {{ issuer_clock_ahead: 0s }}\n", issuers(&[entry]))
    };
    let keys = one.key_set();
    let service = Service::start_with_files(&yaml("1s"), &[("one.json", keys.as_bytes())]).await;

    let target = Some(Target::Subject("bob".into()));
    let request = RevokeRequest { target, ..RevokeRequest::default() };
    let mut client = service.client().await;
    let answer = within("an answer", Duration::from_secs(20), client.revoke(request)).await.unwrap();
    let cut_off = answer.into_inner().effective_not_before.unwrap().seconds;
    until("the first life to be over", TO_RELOAD, async || {
        (SystemClock.now().as_secs() > cut_off + 1).then_some(())
    })
    .await;

    service.configure(&yaml("1h"));
    reloaded(&service, 1).await;
    let token = |subject: &str, id: &str| {
        let mut claims = claims(&one.issuer(), AUDIENCE);
        claims["sub"] = subject.into();
        claims["jti"] = id.into();
        claims["iat"] = (cut_off - 10).into();
        claims["exp"] = (cut_off + 600).into();
        one.signer.access_token(&claims)
    };
    service.validate(&token("carol", "t1")).await.good();
    assert_eq!(service.validate(&token("bob", "t2")).await.refused(), Reason::Revoked);
}
