//! F8: limits count what is sent to the provider, and nothing else.

use futures_util::future::join_all;
use tonic::Code;

use super::set::{Came, Plan, Set};

/// Refused for its limit, with a time to wait; what it says.
#[track_caller]
fn limited(came: Came) -> String {
    let Came::Fault(status) = &came else { panic!("{came:?}") };
    assert_eq!(status.code(), Code::ResourceExhausted);
    let message = status.message().to_owned();
    let (reason, retry) = came.fault();
    assert_eq!(reason, "REFRESH_RATE_LIMITED");
    assert!(retry.unwrap().as_secs() > 60, "{retry:?}");
    message
}

async fn start(refresh: &'static str) -> Set {
    Set::start(Plan { replicas: 2, refresh, ..Plan::default() }).await
}

#[tokio::test]
async fn f8_a_session_s_limit_counts_neither_replays_nor_those_who_wait() {
    let set = start("limit: { burst: 2, per: 15m }").await;
    let login = set.provider.user_tokens("alice").await;
    let before = set.provider.token_requests().await;
    let mut token = login.refresh_token;
    let mut access = String::new();
    for _attempt in 0..2 {
        let many = (0..20).map(|caller| set.refresh(caller % 2, &token));
        let came = join_all(many).await;
        let tokens = came.into_iter().map(Came::tokens).next_back().unwrap();
        for replica in [0, 1, 0] {
            assert!(set.refresh(replica, &token).await.tokens().replayed);
        }
        (token, access) = (tokens.refresh_token, tokens.access_token);
    }
    for replica in [0, 1] {
        let message = limited(set.refresh(replica, &token).await);
        assert!(message.contains("the last access token is valid until"), "{message}");
    }
    assert_eq!(set.provider.token_requests().await - before, 2);
    assert!(set.replicas[0].validate(&access).await.is_good(), "a limit ends nothing");

    // Nobody else is limited.
    let other = set.provider.user_tokens("bob").await;
    set.refresh(0, &other.refresh_token).await.tokens();
}

/// Two exchanges of different sessions, and no third, on whichever replica.
async fn two_and_no_more(refresh: &'static str) {
    let set = start(refresh).await;
    let mut logins = Vec::new();
    for account in ["alice", "bob", "carol"] {
        logins.push(set.provider.user_tokens(account).await.refresh_token);
    }
    let before = set.provider.token_requests().await;
    set.refresh(0, &logins[0]).await.tokens();
    let bob = set.refresh(1, &logins[1]).await.tokens();
    for replica in [0, 1] {
        limited(set.refresh(replica, &logins[2]).await);
        assert!(set.refresh(replica, &logins[0]).await.tokens().replayed, "a replay is no exchange");
    }
    assert_eq!(set.provider.token_requests().await - before, 2);
    assert!(set.replicas[0].validate(&bob.access_token).await.is_good());
}

#[tokio::test]
async fn f8_a_caller_s_limit_counts_on_all_replicas_together() {
    two_and_no_more("caller_limit: { burst: 2, per: 15m }").await;
}

#[tokio::test]
async fn f8_an_issuer_s_limit_counts_on_all_replicas_together() {
    two_and_no_more("issuer_limit: { burst: 2, per: 15m }").await;
}
