//! Which sessions an order ends.

use super::{ISSUER, Subject, all, at, known, record_of, session, sorted};
use crate::{
    domain::revocation::{Reach, Revocation, Target},
    store::{Ending, Order, SessionRecord, Store},
};

/// Of the sessions begun up to now, at second 10.
fn ending(of: Target) -> Order {
    let ending =
        Ending { of, begun_up_to: at(0), except: None, at: at(10), until: at(70), kept_until: at(7000) };
    Order { ending: Some(ending), ..Order::default() }
}

fn ended(session: SessionRecord) -> SessionRecord {
    SessionRecord { ended_at: Some(at(10)), kept_until: at(7000), ..session }
}

/// The revocation that an ended session gets.
fn its_own(session: &SessionRecord) -> Revocation {
    Revocation {
        target: session.target(),
        reach: Reach::All,
        made_at: at(10),
        until: at(70),
        kept_until: at(7000),
    }
}

async fn ended_by(store: &dyn Store, order: Order) -> Vec<SessionRecord> {
    let mut ended = store.record(order).await.unwrap().ended;
    ended.sort_by(|one, other| one.session_id.cmp(&other.session_id));
    ended
}

pub(in crate::store) async fn ending_a_subject_ends_its_active_sessions_up_to_the_cut_off(
    subject: &dyn Subject,
) {
    let store = subject.open().await;
    let before = SessionRecord { began_at: at(-1), ..session("a", "1 before") };
    let exactly = session("a", "2 exactly");
    let after =
        SessionRecord { began_at: at(0).plus(std::time::Duration::from_millis(1)), ..session("a", "3") };
    let spared = session("a", "4 spared");
    let gone = SessionRecord { ended_at: Some(at(-5)), ..session("a", "5 gone") };
    let others = session("b", "6 others");
    let elsewhere = SessionRecord { issuer: "https://other.example".to_owned(), ..session("a", "7") };
    let untouched = [after, spared.clone(), gone, others, elsewhere];
    let remembered = untouched.iter().chain([&before, &exactly]).cloned().collect();
    store.remember_sessions(remembered).await.unwrap();

    let mut order = ending(Target::subject(ISSUER, "a"));
    order.ending.as_mut().unwrap().except = Some(spared.target());
    let [before, exactly] = [before, exactly].map(ended);
    assert_eq!(ended_by(&*store, order).await, [before.clone(), exactly.clone()]);
    drop(store);

    let store = subject.open().await;
    for session in untouched.iter().chain([&before, &exactly]) {
        assert_eq!(record_of(&*store, session).await.as_ref(), Some(session));
    }
    assert_eq!(all(&*store).await, sorted(vec![its_own(&before), its_own(&exactly)]));
}

pub(in crate::store) async fn ending_a_session_ends_it_alone(subject: &dyn Subject) {
    let store = subject.open().await;
    let (one, other) = (session("a", "1"), session("a", "2"));
    store.remember_sessions(vec![one.clone(), other.clone()]).await.unwrap();
    assert_eq!(ended_by(&*store, ending(one.target())).await, [ended(one.clone())]);
    assert_eq!(record_of(&*store, &one).await, Some(ended(one.clone())));
    assert_eq!(record_of(&*store, &other).await, Some(other));
    assert_eq!(all(&*store).await, [its_own(&one)]);
}

pub(in crate::store) async fn an_ended_session_does_not_end_again(subject: &dyn Subject) {
    let store = subject.open().await;
    let one = session("a", "1");
    store.remember_sessions(vec![one.clone()]).await.unwrap();
    assert_eq!(ended_by(&*store, ending(one.target())).await.len(), 1);
    for of in [one.target(), one.subject_target()] {
        let mut later = ending(of);
        later.ending.as_mut().unwrap().at = at(20);
        assert_eq!(ended_by(&*store, later).await, []);
    }
    assert_eq!(record_of(&*store, &one).await, Some(ended(one)));
}

/// R10: the unknown is no error, and nothing is made up for it.
pub(in crate::store) async fn ending_an_unknown_session_is_fine(subject: &dyn Subject) {
    let store = subject.open().await;
    let unknown = session("a", "1");
    for of in [unknown.target(), unknown.subject_target(), Target::client(ISSUER, "client")] {
        assert_eq!(ended_by(&*store, ending(of)).await, []);
    }
    assert_eq!(record_of(&*store, &unknown).await, None);
    assert_eq!(known(&*store, unknown.target()).await, None);
}
