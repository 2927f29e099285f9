//! Token families in Redis itself: what can be read there, what becomes of what was changed there, and when it goes.

use std::time::Duration;

use super::{
    super::{keys::answer_field, reply},
    *,
};
use crate::{
    domain::{
        limit::Limit,
        rotation::{Family, FamilyId},
        secret::Secret,
        tokens::Tokens,
    },
    store::{
        Change, Pointed, Pointer, Presented, Rotations, Swapped, Version, codec::Encoder,
        rotations::SealedChange,
    },
};

const ISSUER: &str = "https://issuer.example";
const ACCESS: &str = "eyJqXwVzKd0aTn4";
const REFRESH: &str = "rt.8WqZkYxM2vLp";
const ID_TOKEN: &str = "eyJ7HgUbQc5RjSe";
const PRESENTED: &str = "rt.Nf9TbGyDmOiC";

/// The end of time, as far as any of this is concerned.
fn far() -> UnixTime {
    UnixTime::from_secs(i64::MAX)
}

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

fn presented(store: &RedisStore) -> Presented {
    let token = secret(PRESENTED);
    Presented { digest: store.digest(ISSUER, "client", &token), token }
}

/// With an answer and held tokens.
fn whole(store: &RedisStore, from: Option<Version>) -> Change {
    let whom = presented(store);
    Change {
        id: whom.digest.family(),
        from,
        to: Family::new(ISSUER, "client", whom.digest, far()),
        keep: Some((whom, tokens(), far())),
        forget: Vec::new(),
        hold: Some(tokens()),
        durably: true,
    }
}

async fn done(store: &RedisStore, change: Change) -> Version {
    match store.swap(change).await.unwrap() {
        Swapped::Done(version) => version,
        Swapped::Changed => panic!("it was what it had to be"),
    }
}

fn limit(burst: u32) -> Limit {
    Limit { burst, per: Duration::from_hours(10) }
}

fn pointers(store: &RedisStore) -> [Pointer; 2] {
    [Pointer::Token(presented(store).digest), Pointer::Session(Target::session(ISSUER, "sid"))]
}

/// A family with all that there can be, what leads to it, and a limit whose name is a token.
async fn with_all(store: &RedisStore) -> FamilyId {
    let change = whole(store, None);
    let id = change.id;
    done(store, change).await;
    store.point(pointers(store).map(|from| Pointed { from, to: id, until: far() }).to_vec()).await.unwrap();
    store.admit(vec![(PRESENTED.to_owned(), limit(10))], far()).await.unwrap().unwrap();
    id
}

/// Every key but those of the home slot.
async fn keys(store: &RedisStore) -> Vec<Vec<u8>> {
    let keys = store.core.link.scan(&format!("{}:*", store.core.prefix())).await.unwrap();
    assert_eq!(keys.len(), 4, "{keys:?}");
    keys
}

#[tokio::test]
async fn f9_nothing_of_a_token_can_be_read_in_redis() {
    let place = Place::new().await;
    let store = place.store().await;
    with_all(&store).await;
    let mut all = Vec::new();
    for key in keys(&store).await {
        let is_family = key.windows(8).any(|window| window == b":family:");
        let value = past(&store, if is_family { "HGETALL" } else { "GET" }, &[&key]).await;
        all.extend(key);
        if is_family {
            for (field, value) in reply::pairs(value).unwrap() {
                all.extend(reply::bytes(field).unwrap());
                all.extend(reply::bytes(value).unwrap());
            }
        } else {
            all.extend(reply::bytes(value).unwrap());
        }
    }
    let is_there = |part: &[u8]| all.windows(part.len()).any(|window| window == part);
    assert!(is_there(ISSUER.as_bytes()) && all.len() > 500, "these are the values");
    for token in [ACCESS, REFRESH, ID_TOKEN, PRESENTED] {
        for part in token.as_bytes().windows(6) {
            assert!(!is_there(part), "{token}: {part:?}");
        }
    }
}

#[tokio::test]
async fn all_of_it_goes_by_itself() {
    let place = Place::new().await;
    let store = place.store().await;
    with_all(&store).await;
    for key in keys(&store).await {
        let Value::Int(left) = past(&store, "PTTL", &[&key]).await else { panic!("{key:?}") };
        assert!(left > 0, "{key:?}: {left}");
    }
    // A limit is forgotten as soon as it limits nothing.
    let Value::Int(left) = past(&store, "PTTL", &[&store.core.keys.limit(PRESENTED)]).await else { panic!() };
    assert!((3_500_000..=3_600_000).contains(&left), "one of ten in ten hours: {left}");
}

#[tokio::test]
async fn f9_what_was_changed_or_moved_counts_as_absent() {
    let place = Place::new().await;
    let store = place.store().await;
    let id = with_all(&store).await;
    let whom = presented(&store);
    let (name, field) = (store.core.keys.family(id), answer_field(&whom.digest));
    let answer = reply::bytes(past(&store, "HGET", &[&name, &field]).await).unwrap();
    let held = reply::bytes(past(&store, "HGET", &[&name, b"held"]).await).unwrap();
    // Behind its end: to change that in clear is to change its seal, too.
    for at in (7..answer.len()).step_by(5) {
        let (mut answer, mut held) = (answer.clone(), held.clone());
        answer[at] ^= 1;
        let at_held = at % held.len();
        held[at_held] ^= 1;
        past(&store, "HSET", &[&name, &field, &answer, b"held", &held]).await;
        assert_eq!(store.answer(id, &whom).await.unwrap(), None, "{at}");
        assert_eq!(store.held(id).await.unwrap(), None, "{at}");
    }
    past(&store, "HSET", &[&name, &field, &held, b"held", &answer]).await;
    assert_eq!(store.answer(id, &whom).await.unwrap(), None);
    assert_eq!(store.held(id).await.unwrap(), None);
    past(&store, "HSET", &[&name, &field, b"", b"held", b""]).await;
    assert_eq!(store.answer(id, &whom).await.unwrap(), None);
    assert_eq!(store.held(id).await.unwrap(), None);
    past(&store, "HSET", &[&name, &field, &answer, b"held", &held]).await;
    assert_eq!(store.answer(id, &whom).await.unwrap(), Some(tokens()));
    assert_eq!(store.held(id).await.unwrap(), Some(tokens()));
}

#[tokio::test]
async fn a_damaged_family_or_pointer_is_an_error_and_not_another() {
    let place = Place::new().await;
    let store = place.store().await;
    let id = with_all(&store).await;
    let (name, [pointer, _session]) = (store.core.keys.family(id), pointers(&store));
    let leading = store.core.keys.pointer(pointer);
    let later = [&[9][..], PRESENTED.as_bytes()].concat();
    for (record, what) in [(&b"\x01damaged"[..], "is damaged"), (b"", "is damaged"), (&later, "of version 9")]
    {
        past(&store, "HSET", &[&name, b"record", record]).await;
        past(&store, "SET", &[&leading, record]).await;
        for error in [store.read(id).await.map(drop), store.family_of(pointer).await.map(drop)] {
            let said = format!("{:?} {}", error, error.as_ref().unwrap_err());
            assert!(said.contains("token family") && said.contains(what), "{said}");
            assert!(!said.contains(PRESENTED), "{said}");
        }
    }
    past(&store, "HDEL", &[&name, b"record"]).await;
    let error = store.read(id).await.unwrap_err();
    assert!(matches!(error, StoreError::DamagedEntry { .. }), "half of it: {error}");
    past(&store, "DEL", &[&name]).await;
    past(&store, "SET", &[&name, b"1"]).await;
    for error in [
        store.read(id).await.map(drop),
        store.swap(whole(&store, None)).await.map(drop),
        store.answer(id, &presented(&store)).await.map(drop),
        store.held(id).await.map(drop),
    ] {
        assert!(matches!(error, Err(StoreError::NotOurs { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn f5_a_state_from_before_a_flush_is_no_state_after_it() {
    let place = Place::new().await;
    let store = place.store().await;
    let before = done(&store, whole(&store, None)).await;
    past(&store, "FLUSHALL", &[]).await;
    assert_eq!(store.swap(whole(&store, Some(before))).await.unwrap(), Swapped::Changed);
    let after = done(&store, whole(&store, None)).await;
    assert_ne!(after, before);
    assert_eq!(store.swap(whole(&store, Some(before))).await.unwrap(), Swapped::Changed);
}

/// A connection may send it again where a slot moves.
#[tokio::test]
async fn f5_a_transition_that_comes_twice_is_done_once() {
    let place = Place::new().await;
    let store = place.store().await;
    let change = SealedChange::seal(&place.ring, whole(&store, None)).unwrap();
    let version = change.version;
    for _time in 0..2 {
        assert_eq!(store.core.swap_family(change.clone()).await.unwrap(), Swapped::Done(version));
    }
    let next = done(&store, whole(&store, Some(version))).await;
    assert_eq!(store.core.swap_family(change).await.unwrap(), Swapped::Changed);
    assert_eq!(store.read(whole(&store, None).id).await.unwrap().family.unwrap().1, next);
}

#[tokio::test]
async fn f2_an_answer_is_nobodys_once_its_end_has_passed_whether_or_not_it_is_still_there() {
    let place = Place::new().await;
    let store = place.store().await;
    let change = whole(&store, None);
    let (id, whom) = (change.id, presented(&store));
    let keep = Some((whom.clone(), tokens(), UnixTime::from_secs(1)));
    done(&store, Change { keep, ..change }).await;
    let (name, field) = (store.core.keys.family(id), answer_field(&whom.digest));
    assert_eq!(past(&store, "HEXISTS", &[&name, &field]).await, Value::Int(1));
    assert_eq!(store.answer(id, &whom).await.unwrap(), None);
}

#[tokio::test]
async fn what_does_not_reach_the_configured_durability_is_an_error() {
    let server = Arc::new(RedisServer::start().await);
    let settings = RedisSettings { durability: Durability::Replicas(1), ..reached_at(&[server.port()]) };
    let replica = RedisServer::with(&Options::default().replica_of(&server)).await;
    server.replicas(1).await;
    let place = Place::at(settings, server);
    let store = place.store().await;
    let version = done(&store, whole(&store, None)).await;
    replica.stop().await;
    let error = store.swap(whole(&store, Some(version))).await.unwrap_err();
    assert!(matches!(error, StoreError::Redis { .. }), "{error:?}");
    let pointed = pointers(&store).map(|from| Pointed { from, to: whole(&store, None).id, until: far() });
    assert!(store.point(pointed.to_vec()).await.is_err());
    // What nothing rests on does not wait: it was done, and is replaced.
    let (_family, version) = store.read(whole(&store, None).id).await.unwrap().family.unwrap();
    done(&store, Change { durably: false, ..whole(&store, Some(version)) }).await;
}

#[tokio::test]
async fn what_is_limited_comes_back_with_time_and_never_later() {
    let place = Place::new().await;
    let store = place.store().await;
    let name = store.core.keys.limit("a");
    let admit = async || store.admit(vec![("a".to_owned(), limit(10))], far()).await.unwrap();
    for _one in 0..10 {
        admit().await.unwrap();
    }
    let hour = Duration::from_hours(1);
    assert!((hour / 2..=hour).contains(&admit().await.unwrap_err().retry_after));
    let busy = reply::text(past(&store, "GET", &[&name]).await).unwrap().parse::<i64>().unwrap();
    let set = async |busy: i64| past(&store, "SET", &[&name, busy.to_string().as_bytes()]).await;
    let micros = i64::try_from(hour.as_micros()).unwrap();
    // As it looks an hour later.
    set(busy - micros).await;
    admit().await.unwrap();
    admit().await.unwrap_err();
    // As it looks after the clock was set back by a day, and after somebody wrote something else there.
    set(busy + 24 * micros).await;
    assert!(admit().await.unwrap_err().retry_after <= hour);
    past(&store, "SET", &[&name, b"anything"]).await;
    admit().await.unwrap();
}

#[tokio::test]
async fn what_was_taken_is_given_back_if_something_else_fails() {
    let place = Place::new().await;
    let store = place.store().await;
    past(&store, "RPUSH", &[&store.core.keys.limit("broken"), b"1"]).await;
    let both = vec![("a".to_owned(), limit(2)), ("broken".to_owned(), limit(2))];
    for _time in 0..5 {
        let error = store.admit(both.clone(), far()).await.unwrap_err();
        assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
    }
    let one = vec![("a".to_owned(), limit(2))];
    for expected in [true, true, false] {
        assert_eq!(store.admit(one.clone(), far()).await.unwrap().is_ok(), expected);
    }
}

/// One deployment's keys are another's only with its key ring.
#[tokio::test]
async fn f9_another_key_ring_knows_no_token_of_this_one() {
    let place = Place::new().await;
    let store = place.store().await;
    let id = with_all(&store).await;
    let stranger = KeyRing::generate().unwrap();
    let other = crate::store::rotations::Digests::new(&stranger).unwrap();
    assert_ne!(other.of(ISSUER, "client", &secret(PRESENTED)), presented(&store).digest);
    let name = store.core.keys.family(id);
    let forged = Encoder::new().end(&id.0);
    past(&store, "HSET", &[&name, b"held", &forged]).await;
    assert_eq!(store.held(id).await.unwrap(), None);
}
