//! Records that this build cannot read: they are never left out without a word.

use redb::{ReadableDatabase as _, ReadableTable as _};

use super::{
    super::{
        records::revocation_key,
        schema::{EPOCH, REVOCATIONS},
    },
    *,
};
use crate::{
    domain::revocation::Target,
    store::{KeySetOrigin, KeySetStore, StoredKeySet},
};

/// Changes a stored revocation's record as nobody but a broken disk or a later release would.
fn change(file: &StoreFile, name: u64, change: impl Fn(&mut [u8; 38])) {
    let key = revocation_key(&revocation(name).target);
    file.write_now(|transaction| {
        let mut table = transaction.open_table(REVOCATIONS)?;
        let mut record = *table.get(&key)?.unwrap().value();
        change(&mut record);
        table.insert(&key, &record)?;
        Ok(())
    })
    .unwrap();
}

async fn with_two(place: &Embedded) -> EmbeddedStore {
    let store = EmbeddedStore::new(place.file(), Arc::clone(&place.ring)).unwrap();
    for name in [1, 2] {
        store.record(order(name)).await.unwrap();
    }
    store
}

async fn errors(store: &EmbeddedStore) -> Vec<StoreError> {
    let target = revocation(1).target;
    vec![
        store.snapshot().await.unwrap_err(),
        store.sight(None, &[target]).await.unwrap_err(),
        store.record(order(1)).await.unwrap_err(),
        store.sweep(UnixTime::from_secs(i64::MAX)).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn a_damaged_revocation_is_an_error_wherever_it_is_needed() {
    let place = Embedded::new();
    let store = with_two(&place).await;
    for at in 1..38 {
        change(&store.file, 1, |record| record[at] ^= 1);
        for error in errors(&store).await {
            assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
            assert!(error.to_string().contains("restore it from a backup"), "{error}");
        }
        change(&store.file, 1, |record| record[at] ^= 1);
    }
    assert_eq!(store.snapshot().await.unwrap().revocations.len(), 2);
}

#[tokio::test]
async fn a_revocation_of_a_later_version_is_refused_and_says_so() {
    let place = Embedded::new();
    let store = with_two(&place).await;
    change(&store.file, 1, |record| record[0] = 9);
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::UnknownRecord { found: 9, .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains("countersign.redb") && said.contains("run the newer release"), "{said}");
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_done_does_not_fail_the_others_of_its_transaction() {
    let place = Embedded::new();
    let store = with_two(&place).await;
    change(&store.file, 1, |record| record[5] ^= 1);
    let both = Order { revocations: vec![revocation(4), revocation(1)], ..Order::default() };
    let answers = store.file.with(|database| {
        let held = database.begin_write()?;
        let answers = [order(3), both, order(5)].map(|order| store.record(order));
        held.abort()?;
        Ok(answers)
    });
    let [before, bad, after] = answers.unwrap();
    let (before, bad, after) = tokio::join!(before, bad, after);
    assert!(matches!(bad, Err(StoreError::Corrupted { .. })), "{bad:?}");
    assert_eq!(after.unwrap().revision.sequence, before.unwrap().revision.sequence + 1);
    let half = store.sight(None, &[revocation(4).target]).await.unwrap();
    assert_eq!(half.revocations, [], "nothing of the order that failed");
}

/// A file as the first release wrote it: key sets, and `schema` 1.
#[tokio::test]
async fn a_file_of_schema_1_keeps_its_key_sets_and_begins_to_keep_revocations() {
    const META: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    let place = Embedded::new();
    let path = place.dir.path("countersign.redb");
    let origin = KeySetOrigin { issuer: "https://a.example", uri: "https://a.example/keys" };
    let set = StoredKeySet { fetched_at: UnixTime::from_secs(1), document: b"keys".to_vec() };
    {
        let key_sets = KeySetStore::in_file(place.file(), Arc::clone(&place.ring));
        key_sets.save(origin, &set).await.unwrap();
    }
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let later =
        ["revocations", "sessions", "sessions_of", "deliveries", "families", "answers", "held", "pointers"];
    for name in later {
        let tables: Vec<_> = transaction.list_tables().unwrap().collect();
        let table = tables.into_iter().find(|table| redb::TableHandle::name(table) == name).unwrap();
        assert!(transaction.delete_table(table).unwrap());
    }
    transaction.open_table(META).unwrap().retain(|_, _| false).unwrap();
    transaction.open_table(META).unwrap().insert("schema", 1).unwrap();
    transaction.commit().unwrap();
    assert_eq!(database.begin_read().unwrap().list_tables().unwrap().count(), 2);
    drop(database);

    let file = place.file();
    let store = EmbeddedStore::new(Arc::clone(&file), Arc::clone(&place.ring)).unwrap();
    let first = store.snapshot().await.unwrap();
    assert_eq!((first.revocations.len(), first.revision.sequence), (0, 0));
    let recorded = store.record(order(1)).await.unwrap().revision;
    assert_eq!(recorded.epoch, first.revision.epoch);
    let key_sets = KeySetStore::in_file(file, Arc::clone(&place.ring));
    assert_eq!(key_sets.load(origin).await.unwrap(), Some(set));
}

#[tokio::test]
async fn r12_a_file_that_lost_its_counters_begins_another_history_with_what_it_keeps() {
    let place = Embedded::new();
    let store = with_two(&place).await;
    let before = store.snapshot().await.unwrap();
    store
        .file
        .write_now(|transaction| {
            transaction.open_table(META)?.remove(EPOCH)?;
            Ok(())
        })
        .unwrap();
    drop(store);
    let after = place.open().await.snapshot().await.unwrap();
    assert_ne!(after.revision.epoch, before.revision.epoch);
    assert_eq!(after.revocations.len(), 2);
}

#[tokio::test]
async fn r12_each_file_has_an_epoch_of_its_own() {
    let places = [Embedded::new(), Embedded::new()];
    let mut epochs = Vec::new();
    for place in &places {
        epochs.push(place.open().await.snapshot().await.unwrap().revision.epoch);
    }
    assert_ne!(epochs[0], epochs[1]);
}

#[tokio::test]
async fn what_is_to_be_delivered_is_sealed_in_the_file_and_others_do_not_suffer_from_one_that_does_not_open()
{
    let place = Embedded::new();
    let ring = Arc::new(KeyRing::generate().unwrap());
    let delivery = |id, content: &str| Delivery {
        id: [id; 16],
        issuer: "https://a.example".to_owned(),
        content: crate::domain::secret::Secret::new(content.as_bytes().to_vec()),
        attempts: 0,
        due_at: UnixTime::from_secs(1),
        not_after: UnixTime::from_secs(2),
    };
    for (ring, id) in [(&place.ring, 1), (&ring, 2)] {
        let store = EmbeddedStore::new(place.file(), Arc::clone(ring)).unwrap();
        let deliveries = vec![delivery(id, "eyJ-a-refresh-token")];
        store.record(Order { deliveries, ..Order::default() }).await.unwrap();
    }
    let bytes = fs::read(place.dir.path("countersign.redb")).unwrap();
    assert!(!bytes.windows(8).any(|window| b"eyJ-a-refresh-token".starts_with(window)));
    let opened = place.open().await.deliveries().await.unwrap();
    let ids: Vec<_> = opened.iter().map(|delivery| delivery.id).collect();
    assert_eq!(ids, [[1; 16]]);
}

#[test]
fn keys_of_all_kinds_are_told_apart() {
    let of = |kind| revocation_key(&Target::from_stored(kind, [7; 16]));
    let keys: std::collections::BTreeSet<_> =
        crate::domain::revocation::TargetKind::ALL.into_iter().map(of).collect();
    assert_eq!(keys.len(), 7);
}
