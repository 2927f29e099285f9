//! What leads to families.

use super::{ISSUER, Subject, at};
use crate::{
    domain::{
        revocation::Target,
        rotation::{FamilyId, RefreshDigest},
    },
    store::{Pointed, Pointer},
};

const ONE: FamilyId = FamilyId([1; 16]);
const ANOTHER: FamilyId = FamilyId([2; 16]);

fn token(nth: u8) -> Pointer {
    Pointer::Token(RefreshDigest([nth; 32]))
}

fn session(name: &str) -> Pointer {
    Pointer::Session(Target::session(ISSUER, name))
}

pub(in crate::store) async fn pointers_lead_to_families_and_are_replaced(subject: &dyn Subject) {
    let store = subject.open().await;
    assert_eq!(store.family_of(token(1)).await.unwrap(), None);
    let until = at(3600);
    let both = [token(1), session("a")].map(|from| Pointed { from, to: ONE, until });
    store.point(both.to_vec()).await.unwrap();
    store.point(Vec::new()).await.unwrap();
    drop(store);
    let store = subject.open().await;
    for pointer in [token(1), session("a")] {
        assert_eq!(store.family_of(pointer).await.unwrap(), Some(ONE), "{pointer:?}");
    }
    for pointer in [token(2), session("b")] {
        assert_eq!(store.family_of(pointer).await.unwrap(), None, "{pointer:?}");
    }
    store.point(vec![Pointed { from: session("a"), to: ANOTHER, until }]).await.unwrap();
    assert_eq!(store.family_of(session("a")).await.unwrap(), Some(ANOTHER));
    assert_eq!(store.family_of(token(1)).await.unwrap(), Some(ONE));
}

/// Whatever their bytes are.
pub(in crate::store) async fn pointers_of_both_kinds_are_different_ones(subject: &dyn Subject) {
    let store = subject.open().await;
    let Pointer::Session(target) = session("a") else { panic!("it is one") };
    let mut same = [0; 32];
    same[..16].copy_from_slice(target.key());
    let until = at(3600);
    store.point(vec![Pointed { from: session("a"), to: ONE, until }]).await.unwrap();
    assert_eq!(store.family_of(Pointer::Token(RefreshDigest(same))).await.unwrap(), None);
}

pub(in crate::store) async fn pointers_end(subject: &dyn Subject) {
    let store = subject.open().await;
    // Up to now, because a store may let them go by a clock of its own.
    let pointed = |from, end| Pointed { from, to: ONE, until: at(end) };
    let longer = [pointed(token(2), 0), pointed(token(2), 3600)];
    let shorter = [pointed(token(3), 3600), pointed(token(3), 0)];
    store.point(vec![pointed(token(1), 0), pointed(session("a"), 0)]).await.unwrap();
    for pointed in longer.into_iter().chain(shorter) {
        store.point(vec![pointed]).await.unwrap();
    }
    store.sweep(at(0)).await.unwrap();
    for (from, leads_to) in [(token(1), None), (session("a"), None), (token(2), Some(ONE)), (token(3), None)]
    {
        assert_eq!(store.family_of(from).await.unwrap(), leads_to, "{from:?}");
    }
}
