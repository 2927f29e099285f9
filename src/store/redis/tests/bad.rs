//! What should not be there, and what Redis refuses.

use super::{
    super::{
        super::feed::{Feed as _, Hour},
        keys::Home,
    },
    batches::entry_key,
    *,
};
use crate::{
    domain::secret::Secret,
    store::{Ending, KeySetOrigin, Position, Revision, SealedKeySet, Shelf as _},
};

/// Whatever is stored, no error repeats it.
const MARK: &str = "eyJ-stored-content";

/// An error with everything behind it.
fn chain(error: &StoreError) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        said = format!("{said} {error} {error:?}");
        source = error.source();
    }
    assert!(!said.contains(MARK), "{said}");
    said
}

fn session() -> SessionRecord {
    SessionRecord {
        issuer: "https://issuer.example".to_owned(),
        session_id: MARK.to_owned(),
        subject: MARK.to_owned(),
        client_id: "client".to_owned(),
        began_at: UnixTime::from_secs(1),
        ended_at: None,
        kept_until: UnixTime::from_secs(i64::MAX),
    }
}

pub(super) fn delivery() -> Delivery {
    Delivery {
        id: [7; 16],
        issuer: "https://issuer.example".to_owned(),
        content: Secret::new(MARK.as_bytes().to_vec()),
        attempts: 0,
        due_at: UnixTime::from_secs(1),
        not_after: UnixTime::from_secs(2),
    }
}

/// What every operation that reads or writes this key comes to.
async fn of_all(store: &RedisStore) -> Vec<StoreError> {
    let origin = KeySetOrigin { issuer: "https://issuer.example", uri: "https://issuer.example/keys" };
    let ending = Ending {
        of: session().subject_target(),
        begun_up_to: UnixTime::from_secs(9),
        except: None,
        at: UnixTime::from_secs(9),
        until: UnixTime::from_secs(9),
        kept_until: UnixTime::from_secs(9),
    };
    let position = Position { id: "0-0".to_owned(), revision: Revision { epoch: 0, sequence: 0 } };
    let set = SealedKeySet {
        issuer: origin.issuer.to_owned(),
        uri: origin.uri.to_owned(),
        fetched_at: 1,
        sealed: MARK.as_bytes().to_vec(),
    };
    let with_delivery = Order { deliveries: vec![delivery()], ..order([1, 2]) };
    let answers = [
        store.record(with_delivery).await.map(drop),
        store.record(Order { ending: Some(ending), ..Order::default() }).await.map(drop),
        store.snapshot().await.map(drop),
        store.sight(Some(session().target()), &[revocation(1).target]).await.map(drop),
        store.remember_sessions(vec![session()]).await,
        store.deliveries().await.map(drop),
        store.postpone(delivery()).await,
        store.settle([8; 16]).await,
        store.sweep(UnixTime::from_secs(2)).await,
        store.beat().await.map(drop),
        store.end().await.map(drop),
        store.page(None).await.map(drop),
        store.follow(&position, std::time::Duration::ZERO).await.map(drop),
        store.tallies(Hour(0)).await.map(drop),
        store.of_hour(Hour(0)).await.map(drop),
        store.put(set).await,
        store.get(origin).await.map(drop),
    ];
    answers.into_iter().filter_map(Result::err).collect()
}

#[tokio::test]
async fn somebody_elses_data_under_the_prefix_is_an_error_that_says_so() {
    let names = ["meta", "copy", "until", "kept", "tallies", "feed", "outbox", "was"];
    for name in names {
        let place = Place::new().await;
        let store = place.store().await;
        store.record(order([1])).await.unwrap();
        let key = format!("{{{}}}:{name}", place.settings.prefix).into_bytes();
        for (kind, args) in [("SET", vec![MARK]), ("RPUSH", vec![MARK])] {
            past(&store, "DEL", &[&key]).await;
            let args: Vec<&[u8]> =
                [&key[..]].into_iter().chain(args.iter().map(|arg| arg.as_bytes())).collect();
            past(&store, kind, &args).await;
            // Where nothing has to be noted, nobody looks for earlier lives.
            let errors = of_all(&store).await;
            assert!(!errors.is_empty(), "{name} {kind}");
            for error in errors {
                let said = chain(&error);
                assert!(said.contains("are not this service's"), "{name} {kind}: {said}");
            }
        }
    }
    let place = Place::new().await;
    let store = place.store().await;
    store.remember_sessions(vec![session()]).await.unwrap();
    let keys = &store.core.keys;
    let keys = [
        keys.session(session().target().key()),
        keys.sessions_of(&session().subject_target()),
        keys.key_sets(),
    ];
    for key in keys {
        past(&store, "DEL", &[&key]).await;
        past(&store, "SET", &[&key, MARK.as_bytes()]).await;
        let errors = of_all(&store).await;
        assert!(!errors.is_empty());
        for error in &errors {
            assert!(chain(error).contains("are not this service's"), "{error}");
        }
        past(&store, "DEL", &[&key]).await;
    }
}

/// An order that fails leaves nothing behind: every write of the script comes after everything that can be wrong.
#[tokio::test]
async fn an_order_that_meets_somebody_elses_data_writes_nothing() {
    for which in [Home::Until, Home::Kept, Home::Tallies, Home::Feed, Home::Outbox] {
        let store = Place::new().await.store().await;
        store.record(order([1])).await.unwrap();
        let key = home(&store, which);
        past(&store, "DEL", &[&key]).await;
        past(&store, "SET", &[&key, MARK.as_bytes()]).await;
        let with_delivery = Order { deliveries: vec![delivery()], ..order([1, 2]) };
        assert!(store.record(with_delivery).await.is_err(), "{which:?}");
        let copy = past(&store, "HLEN", &[&home(&store, Home::Copy)]).await;
        let sequence = past(&store, "HGET", &[&home(&store, Home::Meta), b"seq"]).await;
        assert_eq!((copy, sequence), (Value::Int(1), Value::BulkString(b"1".to_vec())), "{which:?}");
    }
}

/// Values of the right type with other content.
#[tokio::test]
async fn damaged_values_are_errors_and_no_panic_and_are_not_repeated() {
    let fields: [(Home, &[u8]); 5] = [
        (Home::Meta, b"seq"),
        (Home::Meta, b"epoch"),
        (Home::Copy, &entry_key(1)),
        (Home::Tallies, b"0"),
        (Home::Outbox, &[7; 16]),
    ];
    for (which, field) in fields {
        for value in [MARK, "", "\u{1}", "-1", "1e3", "99999999999999999999"] {
            let store = Place::new().await.store().await;
            store.record(Order { deliveries: vec![delivery()], ..order([1]) }).await.unwrap();
            past(&store, "HSET", &[&home(&store, which), field, value.as_bytes()]).await;
            let errors = of_all(&store).await;
            assert!(!errors.is_empty(), "{which:?} {value}");
            for error in errors {
                let said = chain(&error);
                let is_said = ["is damaged", "of version", "of another form"];
                assert!(is_said.iter().any(|words| said.contains(words)), "{which:?} {value}: {said}");
            }
        }
    }
}

#[tokio::test]
async fn a_damaged_entry_of_the_feed_is_an_error() {
    let store = Place::new().await.store().await;
    let position = store.end().await.unwrap().position;
    let key = home(&store, Home::Feed);
    for fields in [
        [&b"e"[..], b"0", b"s", b"1", b"r", MARK.as_bytes()],
        [b"e", b"x", b"s", b"1", b"r", b""],
        [b"e", b"0", b"x", b"1", b"r", b""],
    ] {
        past(&store, "DEL", &[&key]).await;
        let args: Vec<_> = [&key[..], b"*"].into_iter().chain(fields).collect();
        past(&store, "XADD", &args).await;
        chain(&store.follow(&position, std::time::Duration::ZERO).await.unwrap_err());
    }
}

#[tokio::test]
async fn a_record_of_a_later_version_is_refused_and_says_so_wherever_it_is_needed() {
    let store = Place::new().await.store().await;
    store.record(order([1])).await.unwrap();
    past(&store, "HSET", &[&home(&store, Home::Copy), &entry_key(1), b"\x09 of a later release"]).await;
    let target = revocation(1).target;
    for error in [
        store.snapshot().await.map(drop).unwrap_err(),
        store.sight(None, &[target]).await.map(drop).unwrap_err(),
        store.record(order([1])).await.map(drop).unwrap_err(),
        store.sweep(UnixTime::from_secs(99)).await.unwrap_err(),
        store.page(None).await.map(drop).unwrap_err(),
        store.of_hour(Hour(0)).await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::UnknownEntry { found: 9, .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains(store.core.prefix()) && said.contains("run the newer release"), "{said}");
    }
    store.remember_sessions(vec![session()]).await.unwrap();
    past(&store, "HSET", &[&store.core.keys.session(session().target().key()), b"v", b"2"]).await;
    for error in [
        store.sight(Some(session().target()), &[]).await.map(drop).unwrap_err(),
        store.remember_sessions(vec![session()]).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, StoreError::UnknownEntry { found: 2, what: "a session's record", .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_later_schema_is_refused_at_start_and_later() {
    let place = Place::new().await;
    let store = place.store().await;
    past(&store, "HSET", &[&home(&store, Home::Meta), b"schema", b"3"]).await;
    for error in [
        store.record(order([1])).await.map(drop).unwrap_err(),
        RedisStore::open(&place.settings, Arc::clone(&place.ring)).await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::NewerSchema { found: 3, known: 1, .. }), "{error}");
    }
}

#[tokio::test]
async fn full_memory_refuses_orders_and_lets_contact_and_what_makes_room_through() {
    let store = Place::new().await.store().await;
    store.record(Order { deliveries: vec![delivery()], ..order([1]) }).await.unwrap();
    past(&store, "CONFIG", &[b"SET", b"maxmemory", b"1"]).await;
    let error = store.record(order([2])).await.unwrap_err();
    assert!(matches!(&error, StoreError::Redis { code: Some(code), .. } if code == "OOM"), "{error:?}");
    chain(&error);
    store.beat().await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().revocations, [revocation(1)], "nothing of it was recorded");
    store.sweep(UnixTime::from_secs(99)).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().revocations, []);
    assert_eq!(store.deliveries().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_redis_that_is_down_is_no_error_at_start_and_one_later() {
    let place = Place::new().await;
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nodes = vec![RedisNode { host: "127.0.0.1".to_owned(), port: nowhere }];
    let settings = RedisSettings { nodes, ..place.settings.clone() };
    let store = RedisStore::open(&settings, Arc::clone(&place.ring)).await.unwrap();
    for error in [
        store.record(order([1])).await.map(drop).unwrap_err(),
        store.snapshot().await.map(drop).unwrap_err(),
        store.beat().await.map(drop).unwrap_err(),
    ] {
        assert!(chain(&error).contains("Redis did not do"), "{error:?}");
    }
}
