//! F7: a spent token whose successor is in use is somebody else's.

use countersign::proto::client::{Reason, Recovery};

use super::set::{Plan, Set};
use crate::support::wait::until;

/// So that a test need not wait for half a minute.
const SHORT: &str = "replay: 1s, replay_max: 2s";

#[tokio::test]
async fn f7_a_spent_token_ends_the_session_on_every_replica() {
    let set = Set::start(Plan { refresh: SHORT, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    let first = set.refresh(0, &login.refresh_token).await.tokens();
    let second = set.refresh(1, &first.refresh_token).await.tokens();
    assert!(set.replicas[2].validate(&second.access_token).await.is_good());

    let came = until("the replay to be over", super::set::LONG, async || {
        match set.refresh(2, &login.refresh_token).await {
            super::set::Came::Tokens(tokens) => {
                assert!(tokens.refresh_token == first.refresh_token, "another successor");
                None
            }
            other @ (super::set::Came::Refused(_) | super::set::Came::Fault(_)) => Some(other),
        }
    })
    .await;
    assert_eq!(came.refused(), (Reason::RefreshReused, Recovery::Login));
    for replica in [0, 1, 2] {
        until("the session to be refused", super::set::LONG, async || {
            (!set.replicas[replica].validate(&second.access_token).await.is_good()).then_some(())
        })
        .await;
        let said = set.replicas[replica].validate(&second.access_token).await;
        assert_eq!(said.refused(), Reason::Revoked);
        let came = set.refresh(replica, &second.refresh_token).await;
        assert_eq!(came.refused(), (Reason::RefreshReused, Recovery::Login));
    }
    assert_eq!(set.alarms(2).await, 1);
}

/// Nobody has presented the successor: it was lost on its way, and that is no theft.
#[tokio::test]
async fn f7_a_lost_successor_is_no_alarm() {
    let set = Set::start(Plan { refresh: SHORT, replicas: 2, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    let first = set.refresh(0, &login.refresh_token).await.tokens();
    let came = until("the longest replay to be over", super::set::LONG, async || {
        match set.refresh(1, &login.refresh_token).await {
            super::set::Came::Tokens(tokens) => {
                assert!(tokens.refresh_token == first.refresh_token, "another successor");
                None
            }
            other @ (super::set::Came::Refused(_) | super::set::Came::Fault(_)) => Some(other),
        }
    })
    .await;
    assert_eq!(came.refused(), (Reason::RefreshOutcomeLost, Recovery::Login));
    assert_eq!(set.alarms(1).await, 0);
}
