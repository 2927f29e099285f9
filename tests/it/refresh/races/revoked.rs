//! F11: a revocation wins over a refresh that is going on.

use countersign::proto::client::{Reason, Recovery, RevokeRequest, revoke_request::Target};

use super::super::set::{Calling, LONG, Plan, Set};
use crate::support::wait::until;

const REVOCATION: &str = "/token/revocation";

async fn told(set: &Set) -> u64 {
    set.provider.counts().await.get(REVOCATION).copied().unwrap_or(0)
}

/// `is_known`: whether somebody refreshed the session before, so that it is known whose the token is.
async fn check(set: &Set, account: &str, is_known: bool, target: impl Fn(String) -> Target) {
    let login = set.provider.user_tokens(account).await;
    let (mut access, mut token) = (login.access_token, login.refresh_token);
    if is_known {
        let tokens = set.refresh(2, &token).await.tokens();
        (access, token) = (tokens.access_token, tokens.refresh_token);
    }
    let session_id = set.replicas[1].validate(&access).await.good().session_id;
    let told_before = told(set).await;
    set.provider.plan("/token", &["held_after".into()]).await;
    let leads = Calling::start(&set.replicas[0], &token).await;
    set.provider.wait_held(1).await;
    let waits = Calling::start(&set.replicas[2], &token).await;
    let request = RevokeRequest { target: Some(target(session_id)), ..RevokeRequest::default() };
    set.replicas[1].client().await.revoke(request).await.unwrap();
    let before = set.provider.token_requests().await;
    set.provider.release().await;
    for call in [leads, waits] {
        assert_eq!(call.came().await.refused(), (Reason::Revoked, Recovery::Login));
    }
    for replica in [0, 1, 2] {
        let came = set.refresh(replica, &token).await;
        assert_eq!(came.refused(), (Reason::Revoked, Recovery::Login));
    }
    assert_eq!(set.provider.token_requests().await, before, "nothing is sent for what is revoked");
    until("the provider to be told of the new refresh token", LONG, async || {
        (told(set).await > told_before).then_some(())
    })
    .await;
    assert_eq!(told(set).await - told_before, 1);
}

#[tokio::test]
async fn f11_a_revocation_during_a_refresh_hands_out_nothing_and_tells_the_provider() {
    let set = Set::start(Plan::default()).await;
    check(&set, "alice", true, Target::SessionId).await;
    check(&set, "bob", false, Target::SessionId).await;
    check(&set, "carol", true, |_session| Target::Subject("carol".to_owned())).await;
    check(&set, "dave", false, |_session| Target::Subject("dave".to_owned())).await;
    // Only the session was revoked.
    let login = set.provider.user_tokens("alice").await;
    set.refresh(0, &login.refresh_token).await.tokens();
}
