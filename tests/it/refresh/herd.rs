//! F1 to F3: many callers, one exchange.

use futures_util::future::join_all;

use super::set::{Plan, Set, refresh_at};
use crate::support::wait::within;

#[tokio::test]
async fn f1_a_thousand_callers_on_three_replicas_cause_one_exchange_and_get_equal_answers() {
    let set = Set::start(Plan::default()).await;
    let login = set.provider.user_tokens("alice").await;
    let before = set.provider.token_requests().await;
    let calls = (0..1000).map(|caller| set.refresh(caller % 3, &login.refresh_token));
    let answers = within("a thousand answers", super::set::LONG, join_all(calls)).await;
    let answers: Vec<_> = answers.into_iter().map(super::set::Came::tokens).collect();
    for other in &answers {
        assert!(other.access_token == answers[0].access_token, "another access token");
        assert!(other.refresh_token == answers[0].refresh_token, "another refresh token");
        assert!(other.id_token == answers[0].id_token, "another ID token");
        assert_eq!(
            (&other.session_id, &other.expires_at, &other.scopes),
            (&answers[0].session_id, &answers[0].expires_at, &answers[0].scopes)
        );
    }
    assert_eq!(set.provider.token_requests().await - before, 1);
    assert!(answers[0].refresh_token != login.refresh_token, "it is rotated");

    // The session lives on: the provider would have ended it, had it seen the token twice.
    let next = set.refresh(1, &answers[0].refresh_token).await.tokens();
    assert!(set.replicas[2].validate(&next.access_token).await.is_good());
    assert_eq!(set.provider.token_requests().await - before, 2);
}

#[tokio::test]
async fn f2_who_comes_later_gets_the_same_successor() {
    let set = Set::start(Plan::default()).await;
    let login = set.provider.user_tokens("alice").await;
    let first = set.refresh(0, &login.refresh_token).await.tokens();
    assert!(!first.replayed);
    for replica in [0, 1, 2] {
        let later = set.refresh(replica, &login.refresh_token).await.tokens();
        assert!(later.replayed);
        assert!(later.refresh_token == first.refresh_token && later.access_token == first.access_token);
    }
}

/// F3: the caller is gone; what it began is done.
#[tokio::test]
async fn f3_a_caller_that_gives_up_loses_nothing() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    set.provider.plan("/token", &["held_after".into()]).await;
    let before = set.provider.token_requests().await;
    {
        let call = set.refresh(0, &login.refresh_token);
        tokio::select! {
            biased;
            () = set.provider.wait_held(1) => {}
            came = call => panic!("{came:?}"),
        }
    }
    set.provider.release().await;
    let tokens = set.refresh(0, &login.refresh_token).await.tokens();
    assert_eq!(set.provider.token_requests().await - before, 1);
    assert!(set.replicas[0].validate(&tokens.access_token).await.is_good());
}

/// The seeds of 50 sessions with 20 callers each. `make torture` has more.
#[tokio::test]
async fn f1_many_sessions_with_many_callers_each_are_refreshed_once_each() {
    let set = Set::start(Plan::default()).await;
    let sessions = 50;
    for round in 0..seeds() {
        let mut tokens = Vec::new();
        for session in 0..sessions {
            tokens.push(set.provider.user_tokens(&format!("user-{round}-{session}")).await.refresh_token);
        }
        let before = set.provider.token_requests().await;
        let set = &set;
        let calls = tokens.iter().enumerate().flat_map(|(session, token)| {
            (0..20).map(move |caller| {
                    let replica = (session * 7 + caller * 3 + usize::try_from(round).unwrap()) % 3;
                    async move {
                        (session, refresh_at(&set.replicas[replica], token).await.tokens().refresh_token)
                    }
                })
        });
        let answers = within("all answers", super::set::LONG * 3, join_all(calls)).await;
        let mut first: Vec<Option<String>> = vec![None; sessions];
        for (session, successor) in answers {
            let known = first[session].get_or_insert_with(|| successor.clone());
            assert!(*known == successor, "two successors of one token");
        }
        let requests = set.provider.token_requests().await - before;
        assert_eq!(requests, u64::try_from(sessions).unwrap(), "round {round}");
    }
}

fn seeds() -> u64 {
    crate::revocation::asked("REFRESH_SEEDS", 1)
}
