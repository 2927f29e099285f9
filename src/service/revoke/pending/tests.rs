use super::*;
use crate::{
    domain::{
        revocation::{Reach, Revocation},
        secret::Secret,
        time::UnixTime,
    },
    ops::metrics,
    store::Delivery,
};

const ISSUER: &str = "https://a.example";

fn at(second: i64) -> UnixTime {
    UnixTime::from_secs(second)
}

fn pending() -> Pending {
    Pending::new(RevokeMetrics::register(&mut metrics::registry()))
}

/// Of a subject's sessions up to a cut-off, with something to tell.
fn order(subject: &str, cut_off: i64, except: Option<&str>) -> Order {
    let of = Target::subject(ISSUER, subject);
    Order {
        revocations: vec![Revocation {
            target: of,
            reach: Reach::UpTo(at(cut_off)),
            made_at: at(1),
            until: at(cut_off + 60),
            kept_until: at(cut_off + 600),
        }],
        ending: Some(Ending {
            of,
            begun_up_to: at(cut_off),
            except: except.map(|session| Target::session(ISSUER, session)),
            at: at(cut_off),
            until: at(cut_off + 60),
            kept_until: at(cut_off + 600),
        }),
        deliveries: vec![delivery(cut_off)],
    }
}

fn delivery(number: i64) -> Delivery {
    Delivery {
        id: i128::from(number).to_be_bytes(),
        issuer: ISSUER.to_owned(),
        content: Secret::new(vec![1]),
        attempts: 0,
        due_at: at(0),
        not_after: at(9),
    }
}

#[test]
fn r11_what_is_about_the_same_is_one_order_that_reaches_as_far_as_all_of_them() {
    for cut_offs in [[5, 9], [9, 5]] {
        let pending = pending();
        let first: Vec<_> = cut_offs.map(|cut_off| pending.keep(order("alice", cut_off, None))).into();
        assert_eq!(first, [true, false]);
        let [(_, merged)] = pending.oldest().try_into().unwrap();
        assert_eq!(merged.revocations[0].reach, Reach::UpTo(at(9)));
        assert_eq!((merged.revocations[0].until, merged.revocations[0].kept_until), (at(69), at(609)));
        let Ending { begun_up_to, at: ends_at, until, kept_until, .. } = merged.ending.unwrap();
        assert_eq!((begun_up_to, ends_at, until, kept_until), (at(9), at(9), at(69), at(609)));
        assert_eq!(
            merged.deliveries.iter().map(|it| it.id[15]).collect::<Vec<_>>(),
            cut_offs.map(|it| delivery(it).id[15])
        );
    }
}

#[test]
fn what_is_about_something_else_stays_apart() {
    let pending = pending();
    for (subject, except) in [("alice", None), ("bob", None), ("alice", Some("s")), ("alice", Some("t"))] {
        pending.keep(order(subject, 5, except));
    }
    pending.keep(Order { ending: None, ..order("alice", 5, None) });
    assert_eq!(pending.len(), 5);
}

#[test]
fn what_came_while_an_order_was_being_stored_is_not_taken_for_stored() {
    let pending = pending();
    pending.keep(order("alice", 5, None));
    let batch = pending.oldest();
    let stored: HashSet<u64> = batch.iter().map(|(number, _)| *number).collect();
    pending.keep(order("alice", 9, None));
    assert!(!pending.stored(&batch, &stored));
    let batch = pending.oldest();
    assert_eq!(batch[0].1.revocations[0].reach, Reach::UpTo(at(9)));
    let stored = batch.iter().map(|(number, _)| *number).collect();
    assert!(pending.stored(&batch, &stored));
}

#[test]
fn what_cannot_be_stored_goes_behind_all_others() {
    let pending = pending();
    for subject in ["alice", "bob"] {
        pending.keep(order(subject, 5, None));
    }
    let batch = pending.oldest();
    assert!(!pending.stored(&batch[..1], &HashSet::new()));
    let targets: Vec<_> = pending.oldest().iter().map(|(_, order)| order.revocations[0].target).collect();
    assert_eq!(targets, ["bob", "alice"].map(|subject| Target::subject(ISSUER, subject)));
}

#[test]
fn what_is_told_is_bounded_and_ends_with_the_latest() {
    let pending = pending();
    for cut_off in 0..100 {
        pending.keep(order("alice", cut_off, None));
    }
    let [(_, merged)] = pending.oldest().try_into().unwrap();
    assert_eq!(merged.deliveries.len(), MOST_DELIVERIES);
    assert_eq!(merged.deliveries.last().unwrap().id, delivery(99).id);
}
