//! What is remembered of sessions (S4).

use super::{ISSUER, Subject, at, order, record_of, revoked, session};
use crate::{
    domain::revocation::Target,
    store::{Ending, Order, SessionRecord},
};

pub(in crate::store) async fn s4_an_ended_session_never_becomes_active_again(subject: &dyn Subject) {
    let seen = session("a", "1");
    let ending = Ending {
        of: seen.target(),
        begun_up_to: at(0),
        except: None,
        at: at(10),
        until: at(70),
        kept_until: at(3600),
    };
    let store = subject.open().await;
    store.remember_sessions(vec![seen.clone()]).await.unwrap();
    store.record(Order { ending: Some(ending), ..Order::default() }).await.unwrap();
    store.remember_sessions(vec![seen.clone()]).await.unwrap();
    drop(store);
    let store = subject.open().await;
    store.remember_sessions(vec![seen.clone(), seen.clone()]).await.unwrap();
    assert_eq!(record_of(&*store, &seen).await, Some(SessionRecord { ended_at: Some(at(10)), ..seen }));
}

/// Its first token was seen by a replica that had not heard of the revocation, or was remembered a little late.
pub(in crate::store) async fn s4_a_session_that_was_revoked_before_it_was_seen_has_ended(
    subject: &dyn Subject,
) {
    let store = subject.open().await;
    let seen = SessionRecord { kept_until: at(3000), ..session("a", "1") };
    store.record(order([revoked(seen.target())])).await.unwrap();
    store.remember_sessions(vec![seen.clone()]).await.unwrap();
    let ended = SessionRecord { ended_at: Some(at(0)), kept_until: at(3600), ..seen.clone() };
    assert_eq!(record_of(&*store, &seen).await, Some(ended));
}

pub(in crate::store) async fn s4_a_session_ends_with_its_revocation(subject: &dyn Subject) {
    let store = subject.open().await;
    let seen = session("a", "1");
    store.remember_sessions(vec![seen.clone()]).await.unwrap();
    let unrelated = revoked(Target::token_id(ISSUER, "1"));
    store.record(order([unrelated])).await.unwrap();
    assert_eq!(record_of(&*store, &seen).await, Some(seen.clone()));
    store.record(order([revoked(seen.target())])).await.unwrap();
    assert_eq!(record_of(&*store, &seen).await, Some(SessionRecord { ended_at: Some(at(0)), ..seen }));
}

/// The earlier beginning, the longer life, and whoever came first for the rest; in whatever order.
pub(in crate::store) async fn what_is_known_of_a_session_merges(subject: &dyn Subject) {
    let store = subject.open().await;
    let first = SessionRecord { began_at: at(-5), kept_until: at(5000), ..session("a", "1") };
    let second = SessionRecord {
        client_id: "another".to_owned(),
        began_at: at(-7),
        kept_until: at(4000),
        ..session("a", "1")
    };
    store.remember_sessions(vec![first.clone()]).await.unwrap();
    store.remember_sessions(vec![second.clone(), first.clone()]).await.unwrap();
    drop(store);
    let merged = SessionRecord { began_at: at(-7), ..first.clone() };
    assert_eq!(record_of(&*subject.open().await, &first).await, Some(merged));
}

/// Issuer `a` with session `bc` is not `ab` with `c` (R5), and letters, spaces and NULs are what they are.
pub(in crate::store) async fn sessions_with_alike_names_are_different_ones(subject: &dyn Subject) {
    let store = subject.open().await;
    let named = |issuer: &str, session_id: &str| SessionRecord {
        issuer: issuer.to_owned(),
        ..session("subject", session_id)
    };
    let sessions = [
        named("a", "bc"),
        named("ab", "c"),
        named("a", "bC"),
        named("a", "bc\0"),
        named("a", " bc"),
        named("a", ""),
    ];
    store.remember_sessions(sessions.to_vec()).await.unwrap();
    for session in &sessions {
        assert_eq!(record_of(&*store, session).await.as_ref(), Some(session));
    }
}
