//! To a store that replicas share, and back.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use super::{
    super::shared::{Shared as _, export, import},
    double::SharedMemory,
    *,
};
use crate::store::{Durability, RedisNode, RedisSettings, SealedKeySet, Shelf as _, Store as _, Topology};

/// The records of an export, without the lines that say when, and of which revision.
fn records(export: &str) -> BTreeSet<&str> {
    let records =
        export.lines().filter(|line| !line.contains("\"countersign_export\"") && !line.contains("\"end\""));
    records.collect()
}

async fn exported_from(store: &SharedMemory) -> String {
    let mut export_to = Vec::new();
    export(store, at(1), &mut export_to).await.unwrap();
    String::from_utf8(export_to).unwrap()
}

impl Place {
    /// An export of an embedded store with so many revocations and sessions more.
    async fn exported_with(&self, number: usize) -> String {
        let store = self.open("one").await;
        for name in 0..number {
            let name = format!("{name}");
            let revocations = vec![revocation(Target::token_id("https://a.example", &name), Reach::All, 9)];
            store.revocations.record(Order { revocations, ..Order::default() }).await.unwrap();
            store.revocations.remember_sessions(vec![session(&name, None)]).await.unwrap();
        }
        drop(store);
        drop(fs::remove_file(self.0.path("export")));
        export_to(&self.settings("one"), at(1), &self.0.path("export")).await.unwrap();
        fs::read_to_string(self.0.path("export")).unwrap()
    }
}

#[tokio::test]
async fn from_an_embedded_store_to_a_shared_one_and_back_nothing_is_lost() {
    let place = Place::new();
    place.exported().await;
    let export = place.exported_with(30).await;
    let store = SharedMemory::default();
    let imported = import(&store, &place.0.path("export")).await.unwrap();
    assert_eq!(imported.counts, Counts { revocations: 33, sessions: 32, deliveries: 1, key_sets: 1 });
    assert_eq!(imported.revision, store.snapshot().await.unwrap().revision);
    let back = exported_from(&store).await;
    assert_eq!(records(&back), records(&export));

    fs::write(place.0.path("back"), &back).unwrap();
    super::super::import(&place.settings("two"), &place.0.path("back")).await.unwrap();
    assert_eq!(seen(&place.open("two").await).await, seen(&place.open("one").await).await);
}

#[tokio::test]
async fn records_go_in_by_the_batch_and_every_one_of_them_does() {
    let place = Place::new();
    let mut export = Vec::new();
    let mut written =
        writer::Lines::begin(&mut export, "0000000000000001-1".parse().unwrap(), at(1)).unwrap();
    for number in 0..1_201 {
        let target = Target::token_id("https://a.example", &number.to_string());
        written.put(&Item::Revocation(revocation(target, Reach::All, 9))).unwrap();
    }
    written.end().unwrap();
    fs::write(place.0.path("many"), export).unwrap();
    let store = SharedMemory::default();
    import(&store, &place.0.path("many")).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().revocations.len(), 1_201);
    assert_eq!(store.writes.load(Ordering::SeqCst), 3);
}

/// As with an embedded store, but it goes on in its epoch: what it gave out revisions for, it still has.
#[tokio::test]
async fn r11_an_import_into_a_shared_store_merges_and_takes_nothing_back() {
    let place = Place::new();
    place.exported().await;
    let store = SharedMemory::default();
    let subject = Target::subject("https://a.example", "subject");
    let later = revocation(subject, Reach::UpTo(at(9)), 2);
    let before = store.record(Order { revocations: vec![later], ..Order::default() }).await.unwrap().revision;
    let ended = session("a", Some(at(4)));
    store.remember_sessions(vec![ended.clone()]).await.unwrap();
    let origin = |set: &SealedKeySet| (set.issuer.clone(), set.fetched_at);
    let younger = SealedKeySet {
        issuer: ORIGIN.issuer.to_owned(),
        uri: ORIGIN.uri.to_owned(),
        fetched_at: at(8).as_millis(),
        sealed: vec![1],
    };
    store.put(younger.clone()).await.unwrap();
    for _twice in 0..2 {
        let imported = import(&store, &place.0.path("export")).await.unwrap();
        assert_eq!(imported.revision.epoch, before.epoch);
        assert!(imported.revision.sequence > before.sequence);
    }
    assert_eq!(store.store.session(&ended.target()), Some(ended));
    assert_eq!(store.store.revocation(&subject), Some(revocation(subject, Reach::UpTo(at(9)), 5)));
    let kept = store.key_sets().await.unwrap();
    assert_eq!(kept.iter().map(origin).collect::<Vec<_>>(), [origin(&younger)], "the younger one");
    assert_eq!(store.sealed_deliveries().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_that_stops_says_so_and_is_done_by_another_one() {
    let place = Place::new();
    place.exported().await;
    let export = place.exported_with(600).await;
    for writes in 0..6 {
        let store = SharedMemory::with_patience(writes);
        let error = import(&store, &place.0.path("export")).await.unwrap_err();
        assert!(error.to_string().contains("may have been done in part: run it again"), "{error}");
        let TransferError::InPart(source) = error else { panic!("{error}") };
        assert!(matches!(*source, TransferError::Store(StoreError::Random)), "{source}");
        store.patience.as_ref().unwrap().store(usize::MAX, Ordering::SeqCst);
        import(&store, &place.0.path("export")).await.unwrap();
        assert_eq!(records(&exported_from(&store).await), records(&export), "{writes}");
    }
}

#[tokio::test]
async fn a_shared_store_takes_nothing_of_an_export_that_is_not_whole() {
    let place = Place::new();
    let export = place.exported().await;
    fs::write(place.0.path("cut"), &export.as_bytes()[..export.len() - 1]).unwrap();
    let settings = StoreSettings { kind: shared_kind(), ..place.settings("one") };
    let error = super::super::import(&settings, &place.0.path("cut")).await.unwrap_err();
    assert!(matches!(error, TransferError::Unusable { .. }), "{error}");
}

/// Nobody listens there, and nobody is asked.
fn shared_kind() -> StoreKind {
    StoreKind::Redis(Box::new(RedisSettings {
        nodes: vec![RedisNode { host: "127.0.0.1".to_owned(), port: 1 }],
        topology: Topology::Single,
        database: 0,
        username: None,
        password: None,
        tls: None,
        prefix: "countersign".to_owned(),
        durability: Durability::Fsync,
    }))
}
