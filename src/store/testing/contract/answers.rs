//! Kept answers and held tokens: whose they are, and for how long (F2, F13).

use super::{
    ISSUER, Subject, at,
    families::{change, done, family, presented, tokens},
};
use crate::{
    domain::secret::Secret,
    store::{Change, Presented, Swapped, Version},
};

pub(in crate::store) async fn f2_a_kept_answer_is_given_to_the_bearer_of_its_token_alone(
    subject: &dyn Subject,
) {
    let store = subject.open().await;
    let (id, state) = family(&*store, "R0");
    let (other_id, other) = family(&*store, "S0");
    let whom = presented(&*store, "R0");
    let keep = Some((whom.clone(), tokens("R1"), at(3_600)));
    done(&*store, Change { keep, ..change(id, None, state) }).await;
    done(&*store, change(other_id, None, other)).await;
    drop(store);
    let store = subject.open().await;
    assert_eq!(store.answer(id, &whom).await.unwrap(), Some(tokens("R1")));
    let other = presented(&*store, "R9");
    for (what, id, to) in [
        ("another token", id, other.clone()),
        ("another token that claims to be it", id, Presented { token: other.token, ..whom.clone() }),
        ("its digest alone", id, Presented { token: Secret::new(Vec::new()), ..whom.clone() }),
        ("its token with another digest", id, Presented { digest: other.digest, ..whom.clone() }),
        ("another family", other_id, whom.clone()),
    ] {
        assert_eq!(store.answer(id, &to).await.unwrap(), None, "{what}");
    }
    assert_eq!(store.answer(id, &whom).await.unwrap(), Some(tokens("R1")), "it is still there");
    // Another client's token of the same bytes is another token.
    let digest = store.digest(ISSUER, "another", &whom.token);
    assert_eq!(store.answer(id, &Presented { digest, ..whom }).await.unwrap(), None);
}

pub(in crate::store) async fn a_transition_that_does_not_happen_keeps_and_forgets_nothing(
    subject: &dyn Subject,
) {
    let store = subject.open().await;
    let (id, state) = family(&*store, "R0");
    let [first, second] = ["R0", "R1"].map(|token| presented(&*store, token));
    let keep = Some((first.clone(), tokens("one"), at(3_600)));
    let hold = Some(tokens("held"));
    done(&*store, Change { keep, hold, ..change(id, None, state.clone()) }).await;
    for (from, whom) in [(None, &first), (Some(Version([0; 8])), &second)] {
        let swapped = store.swap(Change {
            keep: Some((whom.clone(), tokens("two"), at(3_600))),
            forget: vec![first.digest],
            hold: Some(tokens("other")),
            ..change(id, from, state.clone())
        });
        assert_eq!(swapped.await.unwrap(), Swapped::Changed);
    }
    assert_eq!(store.answer(id, &first).await.unwrap(), Some(tokens("one")));
    assert_eq!(store.answer(id, &second).await.unwrap(), None);
    assert_eq!(store.held(id).await.unwrap(), Some(tokens("held")));
}

pub(in crate::store) async fn forgotten_answers_are_gone(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, state) = family(&*store, "R0");
    let [first, second, third] = ["R0", "R1", "R2"].map(|token| presented(&*store, token));
    let mut version = None;
    for whom in [&first, &second] {
        let keep = Some((whom.clone(), tokens("old"), at(3_600)));
        version = Some(done(&*store, Change { keep, ..change(id, version, state.clone()) }).await);
    }
    let forget = vec![first.digest, third.digest];
    let keep = Some((third.clone(), tokens("new"), at(3_600)));
    done(&*store, Change { keep, forget, ..change(id, version, state) }).await;
    assert_eq!(store.answer(id, &first).await.unwrap(), None);
    assert_eq!(store.answer(id, &second).await.unwrap(), Some(tokens("old")), "it was not named");
    assert_eq!(store.answer(id, &third).await.unwrap(), Some(tokens("new")), "it came with it");
}

pub(in crate::store) async fn an_answer_is_over_at_its_end(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, state) = family(&*store, "R0");
    let [first, second] = ["R0", "R1"].map(|token| presented(&*store, token));
    let mut version = None;
    // Up to now, because a store may let answers go by a clock of its own.
    for (whom, until) in [(&first, at(0)), (&second, at(3_600))] {
        let keep = Some((whom.clone(), tokens("it"), until));
        version = Some(done(&*store, Change { keep, ..change(id, version, state.clone()) }).await);
    }
    store.sweep(at(0)).await.unwrap();
    assert_eq!(store.answer(id, &first).await.unwrap(), None);
    assert_eq!(store.answer(id, &second).await.unwrap(), Some(tokens("it")));
    assert!(store.read(id).await.unwrap().family.is_some());
}

pub(in crate::store) async fn f13_what_is_held_is_given_until_it_is_replaced(subject: &dyn Subject) {
    let store = subject.open().await;
    let (id, state) = family(&*store, "R0");
    let bare = crate::domain::tokens::Tokens {
        expires_at: None,
        refresh_token: None,
        id_token: None,
        scopes: Vec::new(),
        ..tokens("two")
    };
    let hold = Some(tokens("one"));
    let version = done(&*store, Change { hold, ..change(id, None, state.clone()) }).await;
    drop(store);
    let store = subject.open().await;
    assert_eq!(store.held(id).await.unwrap(), Some(tokens("one")));
    let version = done(&*store, change(id, Some(version), state.clone())).await;
    assert_eq!(store.held(id).await.unwrap(), Some(tokens("one")), "a transition without any leaves it");
    done(&*store, Change { hold: Some(bare.clone()), ..change(id, Some(version), state) }).await;
    assert_eq!(store.held(id).await.unwrap(), Some(bare));
    assert!(store.read(id).await.unwrap().is_held);
}
