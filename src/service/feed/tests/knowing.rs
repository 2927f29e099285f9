//! R1, R6, R7, R8: what a replica says that it knows.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::rig::{Replica, pass, replicas, session};
use crate::{ops::readiness::ReadyState, store::testing::shared::Server};

#[tokio::test(start_paused = true)]
async fn r6_a_process_that_starts_while_the_store_is_down_becomes_ready_by_itself() {
    let server = Server::start();
    let [one] = replicas(&server).await;
    one.revoke("a").await.unwrap();
    server.down(true);
    let two = Replica::start(&server, 2);
    pass(60).await;
    assert!(!two.set.is_loaded());
    let waiting = ReadyState::Starting(vec!["revocations read from the store".to_owned()]);
    assert_eq!(two.readiness.state(), waiting);
    server.down(false);
    timeout(Duration::from_secs(6), two.readiness.ready()).await.unwrap();
    assert!(two.knows("a"));
}

#[tokio::test(start_paused = true)]
async fn r9_what_was_revoked_before_the_first_reading_is_in_the_store_after_it() {
    let server = Server::start();
    server.down(true);
    let one = Replica::start(&server, 1);
    assert!(one.revoke("early").await.is_none());
    server.down(false);
    pass(15).await;
    assert!(server.holds(&session("early")));
}

/// The core of read-your-writes: what another replica recorded before lies between.
#[tokio::test(start_paused = true)]
async fn r8_an_own_order_says_nothing_about_those_of_others_before_it() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    let theirs = two.revoke("theirs").await.unwrap();
    let ours = one.revoke("ours").await.unwrap();
    assert!(theirs.sequence < ours.sequence);
    let mut reached = one.set.watch_reached();
    for _ in 0..2 {
        assert!(!one.covers(ours) || one.knows("theirs"));
        drop(timeout(Duration::from_millis(1), reached.changed()).await);
    }
    let waiting = reached.wait_for(|it| it.as_ref().is_some_and(|it| it.covers(ours)));
    drop(timeout(Duration::from_millis(20), waiting).await.expect("milliseconds"));
    assert!(one.knows("theirs"));

    // With its feed silent, it does not say so at all.
    one.link.cut_off(true);
    let theirs = two.revoke("more").await.unwrap();
    one.set.recorded(theirs);
    assert!(!one.covers(theirs));
}

#[tokio::test(start_paused = true)]
async fn r8_a_revision_arrives_at_another_replica_within_milliseconds() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    let revision = one.revoke("a").await.unwrap();
    let mut reached = two.set.watch_reached();
    let waiting = reached.wait_for(|it| it.as_ref().is_some_and(|it| it.covers(revision)));
    drop(timeout(Duration::from_millis(20), waiting).await.unwrap());
    assert!(two.knows("a"));
}

#[tokio::test(start_paused = true)]
async fn r7_a_replica_that_is_cut_off_says_how_old_is_what_it_knows() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    assert!(one.contact.age() < Duration::from_secs(2));
    two.link.cut_off(true);
    let as_of = two.contact.as_of();
    pass(30).await;
    assert!(as_of <= two.contact.as_of() && two.contact.age() >= Duration::from_secs(29));
    assert!(two.contact.as_of() <= two.now().minus(Duration::from_secs(29)));
    assert!(two.counted("feed_contact_lost 1") && one.counted("feed_contact_lost 0"));
    let ReadyState::Ready(degraded) = two.readiness.state() else { panic!("it stays ready") };
    assert_eq!(degraded.len(), 1);
    assert!(degraded[0].starts_with("revocations are not current: "), "{degraded:?}");
    assert!(!two.contact.is_stale());
    pass(35).await;
    assert!(two.contact.is_stale());
    two.link.cut_off(false);
    pass(8).await;
    assert!(two.contact.age() < Duration::from_secs(2) && two.counted("feed_contact_lost 0"));
    assert_eq!(two.readiness.state(), ReadyState::Ready(vec![]));
}

#[tokio::test(start_paused = true)]
async fn r7_a_frozen_store_is_no_contact() {
    let server = Server::start();
    let [one] = replicas(&server).await;
    one.link.hang(true);
    pass(10).await;
    assert!(one.contact.age() > Duration::from_secs(8));
    one.link.hang(false);
    pass(8).await;
    assert!(one.contact.age() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn r7_who_wants_to_know_now_has_a_contact_at_once_and_shares_it() {
    let server = Server::start();
    let [one] = replicas(&server).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let now = Instant::now();
    let all = futures_util::future::join_all((0..50).map(|_| one.contact.hear_since(now)));
    timeout(Duration::from_millis(20), all).await.expect("without waiting for the next second");
    one.link.cut_off(true);
    let never = one.contact.hear_since(Instant::now());
    assert!(timeout(Duration::from_millis(500), never).await.is_err());
}

/// What was recorded last before a failover may have reached the new primary and not this replica's set. It is there by the time that
/// the copy was read, and in no moment lost.
#[tokio::test(start_paused = true)]
async fn r8_a_revision_of_an_earlier_epoch_is_never_said_to_be_lost_that_this_one_goes_on_from() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    one.revoke("a").await.unwrap();
    pass(1).await;
    two.link.cut_off(true);
    let last = one.revoke("b").await.unwrap();
    server.fail_over_to(server.backup());
    pass(3).await;
    one.revoke("c").await.unwrap();
    server.trim(1);
    // It hears of another epoch by nothing but the feed and the reading.
    two.link.writes_fail(true);
    let mut reached = two.set.watch_reached();
    two.link.cut_off(false);
    let next = reached.wait_for(|it| it.as_ref().is_some_and(|it| it.revision().epoch != last.epoch));
    let next = timeout(Duration::from_mins(1), next).await.unwrap().unwrap().clone().unwrap();
    assert!(next.covers(last) && !next.never_covers(last), "{next:?}");
}
