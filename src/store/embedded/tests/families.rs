//! Token families in the file itself: what can be read there, and what becomes of what was changed there.

use super::*;
use crate::{
    domain::{
        rotation::{Family, FamilyId},
        secret::Secret,
        tokens::Tokens,
    },
    store::{
        Change, Pointed, Pointer, Presented, Rotations, Version,
        embedded::{
            rotations::answer_key,
            schema::{ANSWERS, FAMILIES, HELD, POINTERS},
        },
    },
};

const ACCESS: &str = "eyJqXwVzKd0aTn4";
const REFRESH: &str = "rt.8WqZkYxM2vLp";
const ID_TOKEN: &str = "eyJ7HgUbQc5RjSe";
const PRESENTED: &str = "rt.Nf9TbGyDmOiC";

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn tokens() -> Tokens {
    Tokens {
        access_token: secret(ACCESS),
        token_type: "Bearer".to_owned(),
        expires_at: None,
        refresh_token: Some(secret(REFRESH)),
        id_token: Some(secret(ID_TOKEN)),
        scopes: Vec::new(),
        session_id: "sid".to_owned(),
    }
}

/// A family with an answer, held tokens and a pointer.
async fn with_all(store: &EmbeddedStore) -> (FamilyId, Presented) {
    let token = secret(PRESENTED);
    let digest = store.digest("https://issuer.example", "client", &token);
    let (id, until) = (digest.family(), UnixTime::from_secs(60));
    let whom = Presented { token, digest };
    let change = Change {
        id,
        from: None,
        to: Family::new("https://issuer.example", "client", digest, until),
        keep: Some((whom.clone(), tokens(), until)),
        forget: Vec::new(),
        hold: Some(tokens()),
        durably: true,
    };
    store.swap(change).await.unwrap();
    store.point(vec![Pointed { from: Pointer::Token(digest), to: id, until }]).await.unwrap();
    (id, whom)
}

#[tokio::test]
async fn f9_nothing_of_a_token_can_be_read_in_the_file() {
    let place = Embedded::new();
    let store = place.store();
    let (id, whom) = with_all(&store).await;
    assert_eq!(store.held(id).await.unwrap(), Some(tokens()));
    assert_eq!(store.answer(id, &whom).await.unwrap(), Some(tokens()));
    drop(store);
    let file = fs::read(place.dir.path("countersign.redb")).unwrap();
    let is_there = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
    assert!(is_there(b"https://issuer.example"), "it is the file");
    for token in [ACCESS, REFRESH, ID_TOKEN, PRESENTED] {
        for part in token.as_bytes().windows(6) {
            assert!(!is_there(part), "{token}: {part:?}");
        }
    }
}

#[tokio::test]
async fn f9_what_was_changed_or_moved_counts_as_absent() {
    let place = Embedded::new();
    let store = place.store();
    let (id, whom) = with_all(&store).await;
    let key = answer_key(id, &whom.digest);
    let read = |transaction: &redb::ReadTransaction| {
        let answer = transaction.open_table(ANSWERS)?.get(&key)?.unwrap().value().to_vec();
        Ok((answer, transaction.open_table(HELD)?.get(&id.0)?.unwrap().value().to_vec()))
    };
    let (answer, held) = store.file.read_now(read).unwrap();
    let put = |answer: &[u8], held: &[u8]| {
        let written = store.file.write_now(|transaction| {
            transaction.open_table(ANSWERS)?.insert(&key, answer)?;
            transaction.open_table(HELD)?.insert(&id.0, held)?;
            Ok(())
        });
        written.unwrap();
    };
    for at in (0..answer.len()).step_by(7).chain([7, answer.len() - 1]) {
        let (mut answer, mut held) = (answer.clone(), held.clone());
        answer[at] ^= 1;
        let at_held = at % held.len();
        held[at_held] ^= 1;
        put(&answer, &held);
        assert_eq!(store.answer(id, &whom).await.unwrap(), None, "{at}");
        assert_eq!(store.held(id).await.unwrap(), None, "{at}");
    }
    put(&held, &answer);
    assert_eq!(store.answer(id, &whom).await.unwrap(), None, "held, and put where answers are");
    assert_eq!(store.held(id).await.unwrap(), None, "an answer, and put where tokens are held");
    put(b"", b"");
    assert_eq!(store.answer(id, &whom).await.unwrap(), None);
    put(&answer, &held);
    assert_eq!(store.answer(id, &whom).await.unwrap(), Some(tokens()));
    assert_eq!(store.held(id).await.unwrap(), Some(tokens()));
}

#[tokio::test]
async fn a_family_or_a_pointer_that_was_damaged_is_an_error_and_not_another() {
    let place = Embedded::new();
    let store = place.store();
    let (id, whom) = with_all(&store).await;
    let pointer = Pointer::Token(whom.digest);
    let key = pointer.key();
    let damage = |version: u8| {
        let written = store.file.write_now(|transaction| {
            let mut families = transaction.open_table(FAMILIES)?;
            families.insert(&id.0, (&[0; 8], &[version, 1, 2, 3, 4, 5][..]))?;
            transaction.open_table(POINTERS)?.insert(&key, &[version; 29])?;
            Ok(())
        });
        written.unwrap();
    };
    damage(1);
    for error in
        [store.read(id).await.map(drop).unwrap_err(), store.family_of(pointer).await.map(drop).unwrap_err()]
    {
        assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
        assert!(error.to_string().contains("token family"), "{error}");
    }
    damage(9);
    for error in
        [store.read(id).await.map(drop).unwrap_err(), store.family_of(pointer).await.map(drop).unwrap_err()]
    {
        assert!(matches!(error, StoreError::UnknownRecord { found: 9, .. }), "{error}");
    }
}

/// A file of the release before: it has the schema of today, and lacks these tables.
#[tokio::test]
async fn a_file_without_families_gets_them_and_keeps_its_history() {
    let place = Embedded::new();
    let store = place.store();
    let recorded = store.record(order(1)).await.unwrap().revision;
    drop(store);
    let database = redb::Database::open(place.dir.path("countersign.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.delete_table(FAMILIES).unwrap();
    transaction.delete_table(ANSWERS).unwrap();
    transaction.delete_table(HELD).unwrap();
    transaction.delete_table(POINTERS).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let store = place.store();
    assert_eq!(store.snapshot().await.unwrap().revision, recorded);
    assert_eq!(store.read(FamilyId([1; 16])).await.unwrap().family, None);
    let (id, whom) = with_all(&store).await;
    assert_eq!(store.family_of(Pointer::Token(whom.digest)).await.unwrap(), Some(id));
}

#[tokio::test]
async fn a_sweep_takes_any_number_of_what_is_over() {
    const MANY: u64 = 2500;
    let place = Embedded::new();
    let store = place.store();
    let until = |nth: u64| UnixTime::from_secs(if nth.is_multiple_of(10) { 20 } else { 10 });
    let digest = |nth: u64| store.digest("i", "c", &secret(&nth.to_string()));
    let begun = (0..MANY).map(|nth| {
        let digest = digest(nth);
        let whom = Presented { token: secret(&nth.to_string()), digest };
        store.swap(Change {
            id: digest.family(),
            from: None,
            to: Family::new("i", "c", digest, until(nth)),
            keep: Some((whom, tokens(), until(nth))),
            forget: Vec::new(),
            hold: Some(tokens()),
            durably: true,
        })
    });
    futures_util::future::try_join_all(begun).await.unwrap();
    let pointed = (0..MANY).map(|nth| {
        let from = Pointer::Token(digest(nth));
        Pointed { from, to: digest(nth).family(), until: until(nth) }
    });
    store.point(pointed.collect()).await.unwrap();
    for (now, left) in [(9, MANY), (10, MANY / 10), (20, 0)] {
        store.sweep(UnixTime::from_secs(now)).await.unwrap();
        let lengths = store.file.read_now(|transaction| {
            use redb::ReadableTableMetadata as _;
            Ok([
                transaction.open_table(FAMILIES)?.len()?,
                transaction.open_table(ANSWERS)?.len()?,
                transaction.open_table(HELD)?.len()?,
                transaction.open_table(POINTERS)?.len()?,
            ])
        });
        assert_eq!(lengths.unwrap(), [left; 4], "{now}");
    }
}

#[tokio::test]
async fn each_state_is_told_apart_from_those_of_a_file_that_was_put_back() {
    let place = Embedded::new();
    let mut versions = Vec::new();
    for _file in 0..2 {
        let store = place.store();
        let (id, _whom) = with_all(&store).await;
        versions.push(store.read(id).await.unwrap().family.unwrap().1);
        drop(store);
        fs::remove_file(place.dir.path("countersign.redb")).unwrap();
    }
    assert_ne!(versions[0], versions[1]);
    assert_ne!(versions[0], Version([0; 8]));
}
