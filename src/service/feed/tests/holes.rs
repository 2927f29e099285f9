//! R12: no hole in the feed stays, and what the store has lost it gets back.

use std::time::Duration;

use super::rig::{Replica, pass, replicas, session};
use crate::{
    domain::revocation::{Revocation, Target, check::Known as _},
    store::{Feed as _, testing::shared::Server},
};

#[tokio::test(start_paused = true)]
async fn r12_what_was_trimmed_before_it_was_read_is_found_in_the_copy() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    two.link.cut_off(true);
    for name in ["a", "b", "c"] {
        one.revoke(name).await.unwrap();
    }
    server.trim(1);
    two.link.cut_off(false);
    pass(15).await;
    assert!(["a", "b", "c"].iter().all(|name| two.knows(name)));
    assert!(two.counted(r#"feed_reads_total{reason="gap"} 1"#));
    assert!(one.counted(r#"feed_reads_total{reason="gap"} 0"#), "who had read them misses nothing");

    // Trimmed to nothing, the feed is silent: a heartbeat says what was recorded.
    two.link.cut_off(true);
    one.revoke("d").await.unwrap();
    server.trim(0);
    two.link.cut_off(false);
    pass(15).await;
    assert!(two.knows("d") && two.counted(r#"feed_reads_total{reason="silent"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn r12_an_emptied_store_is_refilled_and_not_believed() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    let mut last = None;
    for number in 0..40 {
        last = one.revoke(&number.to_string()).await;
    }
    pass(1).await;
    server.empty();
    pass(15).await;
    let names: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    assert!(names.iter().all(|name| server.holds(&session(name))));
    assert!(names.iter().all(|name| one.knows(name) && two.knows(name)));
    assert!(two.counted(r#"feed_reads_total{reason="epoch"} 1"#));
    let last = last.unwrap();
    assert!(one.covers(last) && two.covers(last), "whoever held it holds it still");
    let three = Replica::start(&server, 9);
    pass(3).await;
    assert!(names.iter().all(|name| three.knows(name)));
    assert!(!three.covers(last), "nobody can tell who came later");
}

#[tokio::test(start_paused = true)]
async fn r12_a_failover_that_loses_acknowledged_writes_gets_them_back_although_numbers_are_used_again() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    let kept = one.revoke("kept").await.unwrap();
    pass(1).await;
    let backup = server.backup();
    let lost = one.revoke("lost").await.unwrap();
    pass(1).await;
    server.fail_over_to(backup);
    // In the other life the next order gets the number that the lost one had.
    let again = two.revoke("again").await.unwrap();
    assert_eq!((again.sequence, again.epoch == lost.epoch), (lost.sequence, false));
    pass(15).await;
    for name in ["kept", "lost", "again"] {
        assert!(one.knows(name) && two.knows(name) && server.holds(&session(name)), "{name}");
    }
    assert!(one.covers(kept) && one.covers(lost) && one.covers(again));
    let three = Replica::start(&server, 9);
    pass(3).await;
    assert!(three.covers(kept), "this life goes on from it");
    assert!(!three.covers(lost), "it was lost, whoever has brought back what it said");
    assert!(three.set.reached().unwrap().never_covers(lost));
    assert!(three.knows("lost"));
}

#[tokio::test(start_paused = true)]
async fn r12_a_store_that_has_gone_back_in_one_epoch_is_read_again() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    let backup = server.backup();
    for name in ["a", "b"] {
        one.revoke(name).await.unwrap();
    }
    pass(1).await;
    server.go_back_to(backup);
    pass(15).await;
    assert!(server.holds(&session("a")) && server.holds(&session("b")));
    assert!(one.counted(r#"feed_reads_total{reason="went_back"} 1"#));
    assert!(two.knows("a") && two.knows("b"));
}

#[tokio::test(start_paused = true)]
async fn r12_what_differs_in_silence_is_found_each_minute_on_either_side() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    one.revoke("lost").await.unwrap();
    pass(1).await;
    server.lose(&session("lost"));
    server.slip_in(one.revocation("slipped in"));
    let pages = server.pages();
    pass(70).await;
    assert!(server.holds(&session("lost")));
    assert!(one.knows("slipped in") && two.knows("slipped in"));
    assert_eq!(server.pages(), pages, "hours are read, not all");
    assert!(one.counted(r#"feed_comparisons_total{result="differed"} 1"#));
    pass(60).await;
    assert!(one.counted(r#"feed_comparisons_total{result="differed"} 1"#), "once is enough");
}

#[tokio::test(start_paused = true)]
async fn r12_after_a_reconnect_it_is_compared_at_once() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    one.revoke("lost").await.unwrap();
    pass(12).await;
    server.lose(&session("lost"));
    two.link.cut_off(true);
    pass(8).await;
    two.link.cut_off(false);
    pass(8).await;
    assert!(server.holds(&session("lost")));
}

#[tokio::test(start_paused = true)]
async fn r12_two_that_push_back_at_once_share_the_work() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    for number in 0..900 {
        one.set.insert(&[one.revocation(&number.to_string())]).unwrap();
        two.set.insert(&[one.revocation(&number.to_string())]).unwrap();
    }
    server.empty();
    pass(20).await;
    assert_eq!(server.len(), 900);
    let beat = one.link.beat().await.unwrap();
    assert!(beat.revision.sequence <= 4, "two batches each at the most: {beat:?}");
    assert!(one.covers(beat.revision) && two.covers(beat.revision));
}

#[tokio::test(start_paused = true)]
async fn r3_longer_lives_read_the_copy_again() {
    let server = Server::start();
    let [one] = replicas(&server).await;
    let old = Revocation {
        made_at: one.now().minus(Duration::from_hours(30)),
        until: one.now().minus(Duration::from_hours(6)),
        ..one.revocation("old")
    };
    server.slip_in(old);
    one.set.lengthen(Duration::from_hours(48));
    assert!(!one.knows("old"));
    one.follower.read_again().await.unwrap();
    assert!(one.knows("old") && one.counted(r#"feed_reads_total{reason="longer_lives"} 1"#));
    server.down(true);
    assert!(one.follower.read_again().await.is_err());
}

/// Returns once a cut-off is known that comes with an exception; whether the exception is known, too, in the same moment.
async fn spared_when_cut_off(replica: &Replica) -> bool {
    let find = |target| replica.set.at(replica.now()).find(&target).is_some();
    let cut_off = async {
        while !find(Target::subject("i", "alice")) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        find(Target::exception("i", "alice", "s"))
    };
    tokio::time::timeout(Duration::from_mins(2), cut_off).await.expect("it comes")
}

/// A cut-off, something that fills parts of the copy, and at last what the cut-off spares, whose end is in a later hour.
fn slip_in_cut_off(server: &Server, by: &Replica) {
    let later = by.now().plus(Duration::from_hours(30));
    let exception = Target::exception("i", "alice", "s");
    let one = by.revocation("one");
    server.slip_in(Revocation { target: Target::subject("i", "alice"), ..one });
    for number in 0..60 {
        server.slip_in(Revocation { target: Target::issuer(&number.to_string()), ..one });
    }
    server.slip_in(Revocation { target: exception, until: later, kept_until: later, ..one });
}

#[tokio::test(start_paused = true)]
async fn r11_a_cut_off_is_never_known_before_what_it_spares_when_all_is_read_again() {
    let server = Server::start();
    let [one] = replicas(&server).await;
    slip_in_cut_off(&server, &one);
    let (read, spared) = tokio::join!(one.follower.read_again(), spared_when_cut_off(&one));
    read.unwrap();
    assert!(spared);
}

#[tokio::test(start_paused = true)]
async fn r11_a_cut_off_is_never_known_before_what_it_spares_when_hours_are_compared() {
    let server = Server::start();
    let [one] = replicas(&server).await;
    slip_in_cut_off(&server, &one);
    assert!(spared_when_cut_off(&one).await);
    assert!(one.counted(r#"feed_comparisons_total{result="differed"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn r2_what_arrives_while_the_clock_is_far_ahead_counts_when_it_is_put_right() {
    let server = Server::start();
    let [one, two] = replicas(&server).await;
    server.slip_in(one.revocation("read"));
    two.clock_is_ahead(Duration::from_hours(24 * 365));
    one.revoke("followed").await.unwrap();
    pass(1).await;
    two.set.lengthen(Duration::from_hours(25));
    two.follower.read_again().await.unwrap();
    two.clock_is_ahead(Duration::ZERO);
    assert!(two.knows("followed") && two.knows("read"));
}
