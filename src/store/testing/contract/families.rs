//! Token families: what they are, and that they change only from what they were (F5).

use std::sync::Arc;

use futures_util::future::join_all;

use super::{ISSUER, NOW, Subject, at};
use crate::{
    domain::{
        revocation::Target,
        rotation::{Answered, Attempt, Family, FamilyId, Owner, Phase, RefreshDigest, Spent, Unknown, Whose},
        secret::Secret,
        tokens::Tokens,
    },
    store::{Change, Presented, Rotations, Swapped, Version},
};

const CLIENT: &str = "client";

/// A refresh token of the client.
pub(super) fn presented(store: &dyn Rotations, token: &str) -> Presented {
    let token = Secret::new(token.as_bytes().to_vec());
    let digest = store.digest(ISSUER, CLIENT, &token);
    Presented { token, digest }
}

/// The family that begins with this token, kept for an hour.
pub(super) fn family(store: &dyn Rotations, token: &str) -> (FamilyId, Family) {
    let digest = presented(store, token).digest;
    (digest.family(), Family::new(ISSUER, CLIENT, digest, at(3600)))
}

pub(super) fn change(id: FamilyId, from: Option<Version>, to: Family) -> Change {
    Change { id, from, to, keep: None, forget: Vec::new(), hold: None, durably: true }
}

/// That can be told by their name.
pub(super) fn tokens(name: &str) -> Tokens {
    let secret = |what: &str| Secret::new(format!("{what} {name}").into_bytes());
    Tokens {
        access_token: secret("access"),
        token_type: "Bearer".to_owned(),
        expires_at: Some(at(300)),
        refresh_token: Some(secret("refresh")),
        id_token: Some(secret("id")),
        scopes: vec!["openid".to_owned(), "offline_access".to_owned()],
        session_id: "sid".to_owned(),
    }
}

/// Does it, and says what it is told apart by from now on.
pub(super) async fn done(store: &dyn Rotations, change: Change) -> Version {
    match store.swap(change).await.unwrap() {
        Swapped::Done(version) => version,
        Swapped::Changed => panic!("it was what it had to be"),
    }
}

/// With something in each place.
fn full(mut family: Family) -> Family {
    let digest = |nth| RefreshDigest([nth; 32]);
    let unknown = Unknown { first_at: at(1), since: at(2), times: 3, not_before: at(4) };
    family.whose = Some(Whose { subject: "sub".to_owned(), session_id: "sid".to_owned(), began_at: at(-1) });
    family.generation = 5;
    let spent = |nth| Spent {
        digest: digest(nth),
        at: at(nth.into()),
        successor_seen_at: Some(at(200)),
        binding: Some([9; 32]),
    };
    family.spent = (0..200).map(spent).collect();
    family.answered = Some(Answered { to: digest(199), at: at(199), binding: Some([9; 32]) });
    family.access_expires_at = Some(at(300));
    family.access = Some(Target::token_id(ISSUER, "jti"));
    family.phase =
        Phase::Sent(Attempt { owner: Owner([0xff; 16]), lease_until: at(12), after: Some(unknown) });
    family.attempts_until = at(90);
    family
}

pub(in crate::store) async fn a_family_that_nobody_has_seen_is_none(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, family) = family(&*store, "R0");
    let reading = store.read(id).await.unwrap();
    assert_eq!((reading.family, reading.is_held), (None, false));
    // A store's clock is about right, if it has one.
    assert!(reading.now.is_none_or(|now| (now.as_secs() - *NOW).abs() < 600), "{:?}", reading.now);
    assert_eq!(store.held(id).await.unwrap(), None);
    assert_eq!(store.answer(id, &presented(&*store, "R0")).await.unwrap(), None);
    let swapped = store.swap(change(id, Some(Version([0; 8])), family)).await.unwrap();
    assert_eq!(swapped, Swapped::Changed, "there is nothing of any version");
    assert_eq!(store.read(id).await.unwrap().family, None);
}

pub(in crate::store) async fn what_a_family_became_is_read_and_survives_a_restart(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, first) = family(&*store, "R0");
    let version = done(&*store, Change { durably: false, ..change(id, None, first.clone()) }).await;
    assert_eq!(store.read(id).await.unwrap().family, Some((first.clone(), version)));
    let second = full(first);
    let version = done(&*store, change(id, Some(version), second.clone())).await;
    assert_eq!(store.read(id).await.unwrap().family, Some((second.clone(), version)));
    drop(store);
    let store = subject.open().await;
    assert_eq!(store.read(id).await.unwrap().family, Some((second, version)));
}

pub(in crate::store) async fn f5_a_family_begins_once_however_many_begin_it(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, family) = family(&*store, "R0");
    let attempts = (0..50).map(|nth| {
        let begun = Family { generation: nth, ..family.clone() };
        store.swap(change(id, None, begun))
    });
    one_is_stored(&*store, id, join_all(attempts).await.into_iter().map(Result::unwrap).collect()).await;
}

pub(in crate::store) async fn f5_one_of_many_at_once_replaces_a_family(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, family) = family(&*store, "R0");
    let version = done(&*store, change(id, None, family.clone())).await;
    // On threads of their own where the test has them.
    let attempts = (0..50).map(|nth| {
        let (store, to) = (Arc::clone(&store), Family { generation: nth, ..family.clone() });
        let durably = nth % 2 == 0;
        async move { store.swap(Change { durably, ..change(id, Some(version), to) }).await.unwrap() }
    });
    one_is_stored(&*store, id, join_all(attempts).await).await;
}

/// Of attempts by number, one came to something, and that is what is there.
async fn one_is_stored(store: &dyn Rotations, id: FamilyId, came_to: Vec<Swapped>) {
    let done: Vec<_> = (0_u64..)
        .zip(came_to)
        .filter_map(|(nth, swapped)| match swapped {
            Swapped::Done(version) => Some((nth, version)),
            Swapped::Changed => None,
        })
        .collect();
    let (family, version) = store.read(id).await.unwrap().family.unwrap();
    assert_eq!(done, [(family.generation, version)]);
}

pub(in crate::store) async fn f5_a_family_is_replaced_only_where_it_is_what_it_was(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, family) = family(&*store, "R0");
    let first = done(&*store, change(id, None, family.clone())).await;
    let second = done(&*store, change(id, Some(first), family.clone())).await;
    assert_ne!(first, second, "the same state is told apart");
    let other = Family { generation: 9, ..family.clone() };
    for stale in [None, Some(first), Some(Version([0; 8]))] {
        let swapped = store.swap(change(id, stale, other.clone())).await.unwrap();
        assert_eq!(swapped, Swapped::Changed, "{stale:?}");
    }
    assert_eq!(store.read(id).await.unwrap().family, Some((family, second)));
}

pub(in crate::store) async fn families_do_not_touch_each_other(subject: &dyn Subject) {
    let store = subject.open().await;
    let (one, first) = family(&*store, "R0");
    let (another, second) = family(&*store, "S0");
    assert_ne!(one, another);
    let hold = Some(tokens("S"));
    let version = done(&*store, change(one, None, first.clone())).await;
    let other = done(&*store, Change { hold, ..change(another, None, second.clone()) }).await;
    assert_eq!(store.swap(change(one, Some(other), second)).await.unwrap(), Swapped::Changed);
    let reading = store.read(one).await.unwrap();
    assert_eq!((reading.family, reading.is_held), (Some((first, version)), false));
    assert!(store.read(another).await.unwrap().is_held);
    assert_eq!(store.held(one).await.unwrap(), None);
}

pub(in crate::store) async fn a_family_is_over_at_its_end_with_all_that_is_kept_beside_it(
    subject: &dyn Subject,
) {
    let store = subject.open().await;
    let (over, ending) = family(&*store, "R0");
    let (kept, staying) = family(&*store, "S0");
    // Up to now, because a store may let families go by a clock of its own.
    let ending = Family { kept_until: at(0), ..ending };
    for (id, family, name) in [(over, ending, "R0"), (kept, staying.clone(), "S0")] {
        let keep = Some((presented(&*store, name), tokens(name), family.kept_until));
        let hold = Some(tokens(name));
        done(&*store, Change { keep, hold, ..change(id, None, family) }).await;
    }
    store.sweep(at(0)).await.unwrap();
    let reading = store.read(over).await.unwrap();
    assert_eq!((reading.family, reading.is_held), (None, false));
    assert_eq!(store.held(over).await.unwrap(), None);
    assert_eq!(store.answer(over, &presented(&*store, "R0")).await.unwrap(), None);
    let reading = store.read(kept).await.unwrap();
    assert_eq!((reading.family.map(|(family, _)| family), reading.is_held), (Some(staying), true));
    assert_eq!(store.held(kept).await.unwrap(), Some(tokens("S0")));
    assert_eq!(store.answer(kept, &presented(&*store, "S0")).await.unwrap(), Some(tokens("S0")));
}

pub(in crate::store) async fn f9_a_digest_is_of_an_issuer_a_client_and_a_token(subject: &dyn Subject) {
    let of = |store: &dyn Rotations, parts: [&str; 3]| {
        let [issuer, client_id, token] = parts;
        store.digest(issuer, client_id, &Secret::new(token.as_bytes().to_vec()))
    };
    let store = subject.open().await;
    let one = of(&*store, ["ab", "cd", "ef"]);
    for other in
        [["a", "bcd", "ef"], ["abc", "d", "ef"], ["ab", "c", "def"], ["ab", "cd", "e"], ["", "", "abcdef"]]
    {
        assert_ne!(of(&*store, other), one, "{other:?}");
    }
    drop(store);
    assert_eq!(of(&*subject.open().await, ["ab", "cd", "ef"]), one, "after a restart");
}
