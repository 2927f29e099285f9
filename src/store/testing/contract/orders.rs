//! What a recorded order leaves (R1, R3, R11).

use super::{ISSUER, Subject, all, at, known, order, revoked, session, sorted, token};
use crate::domain::revocation::{Reach, Revocation, Target};

/// One of each kind, with all times different.
fn one_of_each() -> Vec<Revocation> {
    let targets = [
        Target::token_id(ISSUER, "id"),
        Target::signing_input(ISSUER, b"header.payload"),
        Target::session(ISSUER, "session"),
        Target::subject(ISSUER, "subject"),
        Target::client(ISSUER, "client"),
        Target::issuer(ISSUER),
        Target::exception(ISSUER, "subject", "session"),
    ];
    let up_to = |nth: i64| if nth < 3 { Reach::All } else { Reach::UpTo(at(nth)) };
    let revocation = |(nth, target)| Revocation {
        target,
        reach: up_to(nth),
        made_at: at(nth),
        until: at(100 + nth),
        kept_until: at(200 + nth),
    };
    sorted((0..).zip(targets).map(revocation).collect())
}

pub(in crate::store) async fn r1_what_was_recorded_survives_a_restart(subject: &dyn Subject) {
    subject.open().await.record(order(one_of_each())).await.unwrap();
    let store = subject.open().await;
    assert_eq!(all(&*store).await, one_of_each());
    for revocation in one_of_each() {
        assert_eq!(known(&*store, revocation.target).await, Some(revocation));
    }
}

/// A store does not look at the clock: its first life is over, and it is there.
pub(in crate::store) async fn r3_what_is_past_its_first_life_is_still_known(subject: &dyn Subject) {
    let store = subject.open().await;
    let old = Revocation { until: at(-3600), kept_until: at(3600), ..token("old") };
    store.record(order([old])).await.unwrap();
    store.sweep(at(0)).await.unwrap();
    assert_eq!(known(&*store, old.target).await, Some(old));
}

pub(in crate::store) async fn r11_a_replayed_order_changes_nothing(subject: &dyn Subject) {
    let store = subject.open().await;
    for _ in 0..3 {
        store.record(order(one_of_each())).await.unwrap();
        assert_eq!(all(&*store).await, one_of_each());
    }
}

pub(in crate::store) async fn r11_revocations_of_one_target_merge_in_any_order(subject: &dyn Subject) {
    let one = |target| Revocation {
        target,
        reach: Reach::UpTo(at(20)),
        made_at: at(1),
        until: at(100),
        kept_until: at(4000),
    };
    let other = |target| Revocation {
        target,
        reach: Reach::UpTo(at(10)),
        made_at: at(2),
        until: at(200),
        kept_until: at(3000),
    };
    let merged = |target| Revocation {
        target,
        reach: Reach::UpTo(at(20)),
        made_at: at(2),
        until: at(200),
        kept_until: at(4000),
    };
    let store = subject.open().await;
    let [a, b, c] = ["a", "b", "c"].map(|name| Target::subject(ISSUER, name));
    store.record(order([one(a), other(b), one(c), other(c)])).await.unwrap();
    store.record(order([other(a), one(b)])).await.unwrap();
    assert_eq!(all(&*store).await, sorted(vec![merged(a), merged(b), merged(c)]));
}

pub(in crate::store) async fn a_sight_holds_what_was_asked_for_and_nothing_else(subject: &dyn Subject) {
    let store = subject.open().await;
    let [asked, other] = ["asked", "other"].map(|name| revoked(Target::subject(ISSUER, name)));
    store.record(order([asked, other])).await.unwrap();
    store.remember_sessions(vec![session("a", "1"), session("a", "2")]).await.unwrap();
    let unknown = Target::client(ISSUER, "asked");
    let sight = store.sight(Some(session("a", "1").target()), &[asked.target, unknown]).await.unwrap();
    assert_eq!(sight.session, Some(session("a", "1")));
    assert_eq!(sight.revocations, [asked]);
    let sight = store.sight(Some(session("a", "3").target()), &[]).await.unwrap();
    assert_eq!((sight.session, sight.revocations.len()), (None, 0));
}
