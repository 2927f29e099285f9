//! F12: what the provider gives is handed out only if it is the session's.

use serde_json::{Value, json};

use super::super::set::{Plan, Set};
use crate::support::peer::UserTokens;

/// What the provider answers, for whomever these are.
fn answer(access: &UserTokens, rest: &UserTokens) -> Value {
    let body = json!({
        "access_token": access.access_token,
        "refresh_token": rest.refresh_token,
        "id_token": rest.id_token,
        "token_type": "Bearer",
        "expires_in": 600,
    });
    json!({ "status": 200, "headers": { "content-type": "application/json" }, "body": body.to_string() })
}

/// Nobody gets it, wherever and how often they ask, and the provider is not asked again.
async fn handed_to_nobody(set: &Set, token: &str, answer: Value) {
    set.provider.plan("/token", &[json!({ "after": answer })]).await;
    let before = set.provider.token_requests().await;
    for replica in [0, 1, 0] {
        assert_eq!(set.refresh(replica, token).await.fault(), ("UPSTREAM_INVALID".to_owned(), None));
    }
    assert_eq!(set.provider.token_requests().await - before, 1);
}

#[tokio::test]
async fn f12_tokens_of_another_subject_session_or_with_another_s_id_token_are_handed_to_nobody() {
    let set = Set::start(Plan { replicas: 2, ..Plan::default() }).await;
    let bob = set.provider.user_tokens("bob").await;
    let alice = set.provider.user_tokens("alice").await;
    let refreshed = set.refresh(1, &alice.refresh_token).await.tokens();
    handed_to_nobody(&set, &refreshed.refresh_token, answer(&bob, &bob)).await;

    let carol = set.provider.user_tokens("carol").await;
    let refreshed = set.refresh(0, &carol.refresh_token).await.tokens();
    let elsewhere = set.provider.user_tokens("carol").await;
    handed_to_nobody(&set, &refreshed.refresh_token, answer(&elsewhere, &elsewhere)).await;

    // Nobody has refreshed it before, so that its access token alone says whose it is.
    let dave = set.provider.user_tokens("dave").await;
    let erin = set.provider.user_tokens("erin").await;
    handed_to_nobody(&set, &dave.refresh_token, answer(&dave, &erin)).await;
}
