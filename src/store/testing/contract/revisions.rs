//! Where in the one order of all revocations something stands (R8).

use std::collections::{BTreeSet, HashSet};

use futures_util::future::{FutureExt as _, join_all};

use super::{DEADLINE, Subject, all, order, sorted, token};
use crate::domain::revocation::Target;

pub(in crate::store) async fn a_new_store_is_empty(subject: &dyn Subject) {
    let store = subject.open().await;
    assert!(store.snapshot().await.unwrap().revocations.is_empty());
    assert!(store.deliveries().await.unwrap().is_empty());
}

pub(in crate::store) async fn r8_revisions_increase_strictly_and_survive_a_restart(subject: &dyn Subject) {
    let mut last = subject.open().await.snapshot().await.unwrap().revision;
    for restart in 0..3 {
        let store = subject.open().await;
        assert_eq!(store.snapshot().await.unwrap().revision, last, "restart {restart}");
        for name in ["a", "b", "a"] {
            let recorded = store.record(order([token(name)])).await.unwrap().revision;
            assert_eq!(recorded.epoch, last.epoch);
            assert!(recorded.sequence > last.sequence, "{recorded} after {last}");
            assert_eq!(store.snapshot().await.unwrap().revision, recorded);
            last = recorded;
        }
    }
}

/// At least: what is recorded while a snapshot is read may be in it.
pub(in crate::store) async fn r8_a_snapshot_has_all_that_its_revision_says(subject: &dyn Subject) {
    snapshots_while_orders_are_recorded(subject, BTreeSet::is_superset).await;
}

/// For a store that reads all of it at one moment: whoever reads in between sees all of an order or nothing of it.
pub(in crate::store) async fn r8_a_snapshot_is_what_its_revision_says(subject: &dyn Subject) {
    snapshots_while_orders_are_recorded(subject, |found, said| found == said).await;
}

/// Each order has three revocations.
async fn snapshots_while_orders_are_recorded(
    subject: &dyn Subject,
    fits: fn(&BTreeSet<Target>, &BTreeSet<Target>) -> bool,
) {
    const ORDERS: usize = 50;
    let nth = |at: usize| ["a", "b", "c"].map(|name| token(&format!("{name}{at}")));
    let store = subject.open().await;
    let first = store.snapshot().await.unwrap().revision.sequence;
    let write = async {
        for at in 0..ORDERS {
            store.record(order(nth(at))).await.unwrap();
        }
    };
    let read = async {
        loop {
            let snapshot = store.snapshot().await.unwrap();
            let orders = usize::try_from(snapshot.revision.sequence - first).unwrap();
            let found = snapshot.revocations.iter().map(|revocation| revocation.target).collect();
            let said = (0..orders).flat_map(nth).map(|revocation| revocation.target).collect();
            assert!(fits(&found, &said), "{} of {orders} orders", found.len());
            if orders == ORDERS {
                break;
            }
        }
    };
    let both = async { tokio::join!(write, read) };
    tokio::time::timeout(DEADLINE, both).await.expect("every order is seen");
}

pub(in crate::store) async fn many_orders_at_once_are_all_recorded(subject: &dyn Subject) {
    let store = subject.open().await;
    let tokens: Vec<_> = (0..200).map(|at| token(&at.to_string())).collect();
    let recorded = join_all(tokens.iter().map(|token| store.record(order([*token])))).await;
    let revisions: HashSet<_> =
        recorded.into_iter().map(|recorded| recorded.unwrap().revision.sequence).collect();
    assert_eq!(revisions.len(), tokens.len(), "each order has a revision of its own");
    assert_eq!(all(&*store).await, sorted(tokens.clone()));
    drop(store);
    assert_eq!(all(&*subject.open().await).await, sorted(tokens));
}

pub(in crate::store) async fn a_caller_that_gives_up_changes_nothing(subject: &dyn Subject) {
    let store = subject.open().await;
    let given_up = token("given up");
    drop(store.record(order([given_up])).now_or_never());
    store.record(order([token("waited for")])).await.unwrap();
    let both = sorted(vec![given_up, token("waited for")]);
    let recorded = async { while all(&*store).await != both {} };
    tokio::time::timeout(DEADLINE, recorded).await.expect("recorded all the same");
}
