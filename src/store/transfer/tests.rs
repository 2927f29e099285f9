mod double;
mod shared;

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use super::{
    super::{
        Delivery, EmbeddedStore, KeyRing, KeySetOrigin, KeySetStore, OpenedStore, Order, SessionRecord,
        StoreFile, StoredKeySet, testing::TempDir,
    },
    *,
};
use crate::domain::{
    revocation::{Reach, Revocation, Target},
    secret::Secret,
};

const ORIGIN: KeySetOrigin<'_> = KeySetOrigin { issuer: "https://a.example", uri: "https://a.example/keys" };

/// A directory with stores that share a key ring, and with exports.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let dir = TempDir::new();
        KeyRing::create(&dir.path("ring")).unwrap();
        Self(dir)
    }

    fn settings(&self, name: &str) -> StoreSettings {
        StoreSettings { key_ring: Some(self.0.path("ring")), ..StoreSettings::embedded(self.0.path(name)) }
    }

    async fn open(&self, name: &str) -> OpenedStore {
        crate::store::open(&self.settings(name)).await.unwrap()
    }

    /// A store with something of each sort, and its export.
    async fn exported(&self) -> String {
        let store = self.open("one").await;
        store.revocations.record(everything()).await.unwrap();
        store
            .revocations
            .remember_sessions(vec![session("a", None), session("b", Some(at(5)))])
            .await
            .unwrap();
        store.key_sets.save(ORIGIN, &key_set(7)).await.unwrap();
        drop(store);
        let counts = export_to(&self.settings("one"), at(1), &self.0.path("export")).await.unwrap();
        assert_eq!(counts, Counts { revocations: 3, sessions: 2, deliveries: 1, key_sets: 1 });
        fs::read_to_string(self.0.path("export")).unwrap()
    }

    /// Tries to import this into a store that is not there yet.
    async fn refused(&self, export: &[u8]) -> TransferError {
        fs::write(self.0.path("bad"), export).unwrap();
        let error = import(&self.settings("none"), &self.0.path("bad")).await.unwrap_err();
        assert!(!self.0.path("none").exists(), "{error}");
        error
    }
}

fn at(second: i64) -> UnixTime {
    UnixTime::from_secs(second)
}

fn revocation(target: Target, reach: Reach, kept_until: i64) -> Revocation {
    Revocation { target, reach, made_at: at(1), until: at(2), kept_until: at(kept_until) }
}

fn session(session_id: &str, ended_at: Option<UnixTime>) -> SessionRecord {
    SessionRecord {
        issuer: "https://a.example".to_owned(),
        session_id: session_id.to_owned(),
        subject: "subject \"with\" quotes\n".to_owned(),
        client_id: "client".to_owned(),
        began_at: at(1),
        ended_at,
        kept_until: at(9),
    }
}

fn key_set(fetched_at: i64) -> StoredKeySet {
    StoredKeySet { fetched_at: at(fetched_at), document: format!("keys of {fetched_at}").into_bytes() }
}

fn everything() -> Order {
    let subject = Target::subject("https://a.example", "subject");
    Order {
        revocations: vec![
            revocation(Target::token_id("https://a.example", "t"), Reach::All, 3),
            revocation(Target::session("https://a.example", "s"), Reach::All, 4),
            revocation(subject, Reach::UpTo(at(8)), 5),
        ],
        ending: None,
        deliveries: vec![Delivery {
            id: [3; 16],
            issuer: "https://a.example".to_owned(),
            content: Secret::new(b"a refresh token".to_vec()),
            attempts: 2,
            due_at: at(6),
            not_after: at(7),
        }],
    }
}

/// Everything that can be seen of a store, but for its revision.
async fn seen(store: &OpenedStore) -> String {
    let revocations = &store.revocations;
    let mut kept = revocations.snapshot().await.unwrap().revocations;
    kept.sort_by_key(|revocation| revocation.target);
    let deliveries = revocations.deliveries().await.unwrap();
    let opened: Vec<_> =
        deliveries.iter().map(|one| one.content == Secret::new(b"a refresh token".to_vec())).collect();
    let mut sessions = Vec::new();
    for id in ["a", "b", "s"] {
        sessions.push(revocations.sight(Some(session(id, None).target()), &[]).await.unwrap().session);
    }
    let key_set = store.key_sets.load(ORIGIN).await.unwrap();
    format!("{kept:#?} {deliveries:#?} {opened:?} {sessions:#?} {key_set:?}")
}

#[tokio::test]
async fn what_is_exported_is_imported_into_an_empty_store_as_it_was() {
    let place = Place::new();
    let export = place.exported().await;
    let imported = import(&place.settings("two"), &place.0.path("export")).await.unwrap();
    assert_eq!(imported.counts, Counts { revocations: 3, sessions: 2, deliveries: 1, key_sets: 1 });
    assert_eq!(seen(&place.open("two").await).await, seen(&place.open("one").await).await);
    assert!(!export.contains("refresh token") && !export.contains("keys of"), "sealed things stay sealed");
}

#[tokio::test]
async fn an_export_is_private_whole_and_never_replaces_anything() {
    let place = Place::new();
    place.exported().await;
    let path = place.0.path("export");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    let error = export_to(&place.settings("one"), at(2), &path).await.unwrap_err();
    assert!(matches!(error, TransferError::Exists(_)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    let names = place.0.names();
    let _open = place.open("one").await;
    let error = export_to(&place.settings("one"), at(2), &place.0.path("another")).await.unwrap_err();
    assert!(matches!(error, TransferError::Store(StoreError::AlreadyOpen { .. })), "{error}");
    let error = export_to(&place.settings("missing"), at(2), &place.0.path("another")).await.unwrap_err();
    assert!(error.to_string().contains("there is no store at"), "{error}");
    assert_eq!(place.0.names(), names, "nothing is left of what did not work");
}

/// Whatever revision was given out, by either store: what lies behind it may not be in the export.
#[tokio::test]
async fn r8_after_an_import_no_earlier_revision_counts_as_reached() {
    let place = Place::new();
    place.exported().await;
    let before = place.open("one").await.revocations.record(everything()).await.unwrap().revision;
    for target in ["one", "two"] {
        let imported = import(&place.settings(target), &place.0.path("export")).await.unwrap();
        assert_ne!(imported.revision.epoch, before.epoch, "{target}");
        let store = place.open(target).await;
        assert_eq!(store.revocations.snapshot().await.unwrap().revision, imported.revision);
        let next = store.revocations.record(Order::default()).await.unwrap().revision;
        assert_eq!(next.epoch, imported.revision.epoch);
        assert!(next.sequence > imported.revision.sequence);
    }
}

#[tokio::test]
async fn r11_an_import_merges_and_takes_nothing_back() {
    let place = Place::new();
    place.exported().await;
    let store = place.open("two").await;
    let subject = Target::subject("https://a.example", "subject");
    let later = revocation(subject, Reach::UpTo(at(9)), 2);
    let own = revocation(Target::token_id("https://a.example", "own"), Reach::All, 9);
    store.revocations.record(Order { revocations: vec![later, own], ..Order::default() }).await.unwrap();
    let ended = session("a", Some(at(4)));
    store.revocations.remember_sessions(vec![ended.clone(), session("s", None)]).await.unwrap();
    store.key_sets.save(ORIGIN, &key_set(8)).await.unwrap();
    drop(store);
    import(&place.settings("two"), &place.0.path("export")).await.unwrap();
    import(&place.settings("two"), &place.0.path("export")).await.unwrap();

    let store = place.open("two").await;
    let sight = store.revocations.sight(Some(ended.target()), &[subject, own.target]).await.unwrap();
    assert_eq!(sight.session, Some(ended));
    assert_eq!(sight.revocations, [revocation(subject, Reach::UpTo(at(9)), 5), own]);
    let revoked = store.revocations.sight(Some(session("s", None).target()), &[]).await.unwrap().session;
    assert_eq!(revoked.unwrap().ended_at, Some(at(1)), "the export revokes it");
    assert_eq!(store.key_sets.load(ORIGIN).await.unwrap(), Some(key_set(8)), "the younger one");
}

#[tokio::test]
async fn an_export_that_was_cut_anywhere_is_refused_before_anything_is_written() {
    let place = Place::new();
    let export = place.exported().await;
    for length in 0..export.len() {
        let error = place.refused(&export.as_bytes()[..length]).await;
        assert!(matches!(error, TransferError::Unusable { .. }), "{length}: {error}");
        if length > 100 {
            assert!(error.to_string().contains("it ends too early"), "{length}: {error}");
        }
    }
}

#[tokio::test]
async fn an_export_that_was_changed_anywhere_is_refused_before_anything_is_written() {
    let place = Place::new();
    let export = place.exported().await;
    for at in 0..export.len() {
        let mut changed = export.clone().into_bytes();
        changed[at] ^= 1;
        let error = place.refused(&changed).await;
        assert!(matches!(error, TransferError::Unusable { .. }), "{at}: {error}");
    }
    let lines: Vec<_> = export.split_inclusive('\n').collect();
    for left_out in 1..lines.len() - 1 {
        let without = [&lines[..left_out], &lines[left_out + 1..]].concat().concat();
        assert!(place.refused(without.as_bytes()).await.to_string().contains("was changed"));
        let twice = [&lines[..left_out], &lines[left_out - 1..]].concat().concat();
        place.refused(twice.as_bytes()).await;
    }
    let error = place.refused((export.clone() + "\n").as_bytes()).await;
    assert!(error.to_string().contains("behind its end"), "{error}");
}

#[tokio::test]
async fn a_later_version_and_another_file_are_told_apart() {
    let place = Place::new();
    let export = place.exported().await;
    let later = export.replacen("\"version\":1", "\"version\":2,\"more\":true", 1);
    let error = place.refused(later.as_bytes()).await.to_string();
    assert!(error.contains("version 2") && error.contains("use the newer release"), "{error}");
    let error = place.refused(b"{\"keys\":[]}\n").await.to_string();
    assert!(error.contains("not an export of a store (line 1)"), "{error}");
    let error = import(&place.settings("two"), &place.0.path("nothing")).await.unwrap_err();
    assert!(matches!(error, TransferError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn an_import_into_a_damaged_store_changes_nothing() {
    let place = Place::new();
    place.exported().await;
    fs::write(place.0.path("two"), b"not a store").unwrap();
    let error = import(&place.settings("two"), &place.0.path("export")).await.unwrap_err();
    assert!(matches!(error, TransferError::Store(StoreError::Corrupted { .. })), "{error}");
    assert_eq!(fs::read(place.0.path("two")).unwrap(), b"not a store");
}

/// The format is API: what is written today must be read for ever.
#[tokio::test]
async fn an_export_of_version_1_looks_like_this() {
    let place = Place::new();
    let ring = Arc::new(KeyRing::load(&place.0.path("ring")).unwrap());
    let file = Arc::new(StoreFile::open(&place.0.path("one")).unwrap());
    drop(KeySetStore::in_file(Arc::clone(&file), Arc::clone(&ring)));
    let store = EmbeddedStore::new(file, ring).unwrap();
    let order = Order { deliveries: Vec::new(), ..everything() };
    crate::store::Store::record(&store, order).await.unwrap();
    crate::store::Store::remember_sessions(&store, vec![session("b", Some(at(5)))]).await.unwrap();
    drop(store);
    let mut export = Vec::new();
    super::export(&place.settings("one"), at(1), &mut export).await.unwrap();
    let export = String::from_utf8(export).unwrap();
    let mut lines = export.lines();
    let header = lines.next().unwrap();
    assert!(header.starts_with("{\"countersign_export\":{\"version\":1,\"revision\":\""), "{header}");
    assert!(header.ends_with("-1\",\"exported_at\":1000}}"), "{header}");
    let lines: Vec<_> = lines.collect();
    assert_eq!(
        lines[..4],
        [
            r#"{"revocation":{"kind":"token_id","key":"3eb09575d32ebc1fb14e187642d5f9cc","made_at":1000,"until":2000,"kept_until":3000}}"#,
            r#"{"revocation":{"kind":"session","key":"e4e6b586531a4d0313a8162d6304c095","made_at":1000,"until":2000,"kept_until":4000}}"#,
            r#"{"revocation":{"kind":"subject","key":"3acb7b85b865dd0ded43547a51e73569","up_to":8000,"made_at":1000,"until":2000,"kept_until":5000}}"#,
            r#"{"session":{"issuer":"https://a.example","session_id":"b","subject":"subject \"with\" quotes\n","client_id":"client","began_at":1000,"ended_at":5000,"kept_until":9000}}"#,
        ]
    );
    assert!(
        lines[4].starts_with(
            r#"{"end":{"counts":{"revocations":3,"sessions":1,"deliveries":0,"key_sets":0},"sha256":""#
        ),
        "{}",
        lines[4]
    );
}
