//! R9: a store that does not take a revocation is said, never swallowed, and gets it later.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::rig::{ISSUER, NOW, Rig};
use crate::{
    domain::revocation::Target,
    service::revoke::{Aim, Demand, Named, NotRevoked},
};

fn about(named: Named<'_>) -> Demand<'_> {
    let aim = Aim::Named(named);
    Demand { aim, issuer: ISSUER, not_before: None, except_session_id: "", reason: "", propagate: false }
}

#[tokio::test(start_paused = true)]
async fn r9_what_the_store_does_not_take_is_refused_here_said_and_stored_later() {
    let rig = Rig::start().await;
    rig.saw(&[("s-1", "alice", 50)]).await;
    rig.store.fail(true);
    let target = Target::subject(ISSUER, "alice");
    assert_eq!(rig.revoke(about(Named::Subject("alice"))).await.err(), Some(NotRevoked::NotStored));
    assert!(rig.known(&target).is_some(), "refused here");
    assert!(rig.has_counted("countersign_unstored_revocations 1"));
    assert!(rig.has_counted(r#"countersign_revoke_requests_total{target="subject",outcome="unstored"} 1"#));
    let storing = rig.revoker.store_pending();
    tokio::pin!(storing);
    drop(timeout(Duration::from_secs(3), &mut storing).await);
    // At once, and after 0.2, 0.6, 1.4 and 3.0 seconds.
    assert_eq!(rig.store.attempts(), 5);
    assert!(rig.store.revocation(&target).is_none());
    rig.store.fail(false);
    drop(timeout(Duration::from_secs(4), &mut storing).await);
    assert_eq!(rig.store.attempts(), 6, "once more, and then it is stored");
    assert_eq!(rig.stored(&target), rig.known(&target));
    assert!(rig.known(&Target::session(ISSUER, "s-1")).is_some(), "the session that ended with it, too");
    assert!(rig.has_counted("countersign_unstored_revocations 0"));
    assert_eq!(rig.revocations.revision().map(|it| it.sequence), Some(1));
}

#[tokio::test(start_paused = true)]
async fn r9_repetitions_come_at_least_every_half_minute_and_in_batches() {
    let rig = Rig::start().await;
    rig.store.fail(true);
    for id in 0..600 {
        drop(rig.revoke(about(Named::TokenId(&id.to_string()))).await);
    }
    assert_eq!(rig.store.attempts(), 600);
    let storing = rig.revoker.store_pending();
    tokio::pin!(storing);
    drop(timeout(Duration::from_mins(10), &mut storing).await);
    let tried = rig.store.attempts();
    assert_eq!((tried - 600) % 256, 0, "no more than a batch while the store is away");
    drop(timeout(Duration::from_secs(30), &mut storing).await);
    assert_eq!(rig.store.attempts(), tried + 256);
    rig.store.fail(false);
    drop(timeout(Duration::from_secs(30), &mut storing).await);
    assert_eq!(rig.store.sequence(), 600);
}

#[tokio::test(start_paused = true)]
async fn r9_the_end_of_the_process_tries_once_more() {
    let rig = Rig::start().await;
    rig.store.fail(true);
    drop(rig.revoke(about(Named::TokenId("a"))).await);
    rig.revoker.store_or_give_up().await;
    assert_eq!((rig.store.attempts(), rig.store.sequence()), (2, 0));
    rig.store.fail(false);
    rig.revoker.store_or_give_up().await;
    assert_eq!((rig.store.attempts(), rig.store.sequence()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn r1_a_caller_that_gives_up_changes_nothing_about_what_has_begun() {
    let rig = Rig::start().await;
    let demand = about(Named::TokenId("a"));
    {
        let revoking = rig.revoke(demand);
        tokio::pin!(revoking);
        assert!(futures_util::poll!(&mut revoking).is_pending(), "it has begun, in a task of its own");
    }
    sleep(Duration::from_millis(1)).await;
    let target = Target::token_id(ISSUER, "a");
    assert!(rig.known(&target).is_some());
    assert_eq!(rig.stored(&target), rig.known(&target));
}

/// As the answer tells them to.
#[tokio::test(start_paused = true)]
async fn r11_repetitions_while_the_store_is_away_are_one_order() {
    let rig = Rig::start().await;
    rig.store.fail(true);
    for second in 0..1500 {
        for named in [Named::TokenId("a"), Named::Subject("alice"), Named::AllOfIssuer] {
            assert_eq!(rig.revoke(about(named)).await.err(), Some(NotRevoked::NotStored));
        }
        rig.set_millis((NOW + second) * 1000);
    }
    assert!(rig.has_counted("countersign_unstored_revocations 3"));
    rig.store.fail(false);
    let before = rig.store.attempts();
    rig.revoker.store_or_give_up().await;
    assert_eq!((rig.store.attempts() - before, rig.store.sequence()), (3, 3));
    for target in [Target::token_id(ISSUER, "a"), Target::subject(ISSUER, "alice"), Target::issuer(ISSUER)] {
        assert_eq!(rig.stored(&target), rig.known(&target), "the latest of them");
    }
}
