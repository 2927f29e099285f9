//! What identity providers are still to be told.

use super::{Subject, at, delivery, order, token};
use crate::store::{Delivery, Order, Store};

/// All that can be seen of them.
async fn kept(store: &dyn Store) -> Vec<String> {
    let deliveries = store.deliveries().await.unwrap();
    let mut seen: Vec<_> = deliveries.iter().map(seen).collect();
    seen.sort();
    seen
}

/// Everything about it, its content by comparison.
fn seen(delivery: &Delivery) -> String {
    let [number, ..] = delivery.id;
    let is_right = delivery.content == super::delivery(number).content;
    format!("{delivery:?} {is_right}")
}

fn with(deliveries: impl Into<Vec<Delivery>>) -> Order {
    Order { deliveries: deliveries.into(), ..order([token("told")]) }
}

pub(in crate::store) async fn deliveries_survive_a_restart_with_their_content(subject: &dyn Subject) {
    subject.open().await.record(with([delivery(1), delivery(2)])).await.unwrap();
    assert_eq!(kept(&*subject.open().await).await, [seen(&delivery(1)), seen(&delivery(2))]);
}

pub(in crate::store) async fn a_postponed_delivery_keeps_its_content(subject: &dyn Subject) {
    let store = subject.open().await;
    store.record(with([delivery(1)])).await.unwrap();
    let later = Delivery { attempts: 3, due_at: at(30), not_after: at(90), ..delivery(1) };
    store.postpone(later.clone()).await.unwrap();
    store.postpone(Delivery { attempts: 1, ..delivery(2) }).await.unwrap();
    drop(store);
    assert_eq!(kept(&*subject.open().await).await, [seen(&later)], "the unknown one is not made up");
}

pub(in crate::store) async fn a_settled_delivery_is_gone(subject: &dyn Subject) {
    let store = subject.open().await;
    store.record(with([delivery(1), delivery(2)])).await.unwrap();
    store.settle(delivery(1).id).await.unwrap();
    store.settle(delivery(1).id).await.unwrap();
    store.postpone(Delivery { attempts: 1, ..delivery(1) }).await.unwrap();
    drop(store);
    assert_eq!(kept(&*subject.open().await).await, [seen(&delivery(2))]);
}

/// An order whose answer got lost is asked for again.
pub(in crate::store) async fn a_replayed_order_does_not_forget_attempts(subject: &dyn Subject) {
    let store = subject.open().await;
    store.record(with([delivery(1)])).await.unwrap();
    let later = Delivery { attempts: 1, due_at: at(30), ..delivery(1) };
    store.postpone(later.clone()).await.unwrap();
    store.record(with([delivery(1)])).await.unwrap();
    assert_eq!(kept(&*store).await, [seen(&later)]);
}
