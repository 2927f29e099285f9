//! What goes for good, and when.

use super::{ISSUER, Subject, all, at, delivery, known, order, record_of, session, sorted, token};
use crate::{
    domain::revocation::{Revocation, Target},
    store::{Delivery, Ending, Order, SessionRecord},
};

pub(in crate::store) async fn a_sweep_takes_what_is_over_and_nothing_else(subject: &dyn Subject) {
    let store = subject.open().await;
    let [over, exactly, kept] = [("over", -1), ("exactly", 0), ("kept", 1)].map(|(name, end)| Revocation {
        until: at(-9),
        kept_until: at(end),
        ..token(name)
    });
    // Up to now, because a store may let sessions go by a clock of its own.
    let [session_over, session_kept] = [("over", 0), ("kept", 3600)]
        .map(|(name, end)| SessionRecord { kept_until: at(end), ..session("a", name) });
    let [delivery_over, delivery_kept] =
        [(1, 0), (2, 1)].map(|(number, end)| Delivery { not_after: at(end), ..delivery(number) });
    let deliveries = vec![delivery_over, delivery_kept];
    store.record(Order { deliveries, ..order([over, exactly, kept]) }).await.unwrap();
    store.remember_sessions(vec![session_over.clone(), session_kept.clone()]).await.unwrap();
    let revision = store.snapshot().await.unwrap().revision;

    store.sweep(at(0)).await.unwrap();
    drop(store);
    let store = subject.open().await;
    assert_eq!(all(&*store).await, [kept]);
    assert_eq!(record_of(&*store, &session_over).await, None);
    assert_eq!(record_of(&*store, &session_kept).await, Some(session_kept.clone()));
    let left: Vec<_> = store.deliveries().await.unwrap().iter().map(|delivery| delivery.id).collect();
    assert_eq!(left, [delivery(2).id]);
    assert_eq!(store.snapshot().await.unwrap().revision, revision, "nothing was revoked");

    let of = Target::subject(ISSUER, "a");
    let ending = Ending { of, begun_up_to: at(9), except: None, at: at(9), until: at(9), kept_until: at(9) };
    let ended = store.record(Order { ending: Some(ending), ..Order::default() }).await.unwrap().ended;
    let ended: Vec<_> = ended.iter().map(SessionRecord::target).collect();
    assert_eq!(ended, [session_kept.target()]);
}

pub(in crate::store) async fn a_sweep_takes_any_number(subject: &dyn Subject) {
    const MANY: i64 = 2500;
    let store = subject.open().await;
    let tokens: Vec<_> = (0..MANY)
        .map(|nth| Revocation { until: at(-9), kept_until: at(nth % 5), ..token(&nth.to_string()) })
        .collect();
    store.record(order(tokens.clone())).await.unwrap();
    store.sweep(at(3)).await.unwrap();
    let kept = tokens.iter().copied().filter(|token| token.kept_until > at(3)).collect();
    assert_eq!(all(&*store).await, sorted(kept));
    store.sweep(at(4)).await.unwrap();
    assert_eq!(all(&*store).await, []);
}

pub(in crate::store) async fn what_was_given_a_longer_life_is_not_swept(subject: &dyn Subject) {
    let store = subject.open().await;
    let short = Revocation { until: at(-9), kept_until: at(-1), ..token("a") };
    let long = Revocation { kept_until: at(50), ..short };
    store.record(order([short])).await.unwrap();
    store.record(order([long])).await.unwrap();
    store.record(order([short])).await.unwrap();
    store.sweep(at(0)).await.unwrap();
    assert_eq!(known(&*store, short.target).await, Some(long));
}
