//! Exports and imports: nothing is lost on the way.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;
use crate::{
    domain::{
        secret::Secret,
        time::{Clock as _, UnixTime},
    },
    ops::clock::SystemClock,
    store::{
        self, Counts, Delivery, KeySetOrigin, SessionRecord, StoreKind, StoreSettings, StoredKeySet,
        testing::TempDir,
    },
};

const ISSUER: &str = "https://a.example";
const ORIGIN: KeySetOrigin<'_> = KeySetOrigin { issuer: ISSUER, uri: "https://a.example/keys" };
const SESSIONS: u64 = 1200;
const ALL: Counts = Counts { revocations: 1500, sessions: SESSIONS, deliveries: 2, key_sets: 1 };

/// Stores that share a key ring, and exports.
struct Stores(TempDir);

impl Stores {
    fn new() -> Self {
        let dir = TempDir::new();
        KeyRing::create(&dir.path("ring")).unwrap();
        Self(dir)
    }

    fn embedded(&self, name: &str) -> StoreSettings {
        StoreSettings { key_ring: Some(self.0.path("ring")), ..StoreSettings::embedded(self.0.path(name)) }
    }

    fn redis(&self, server: &RedisServer, prefix: &str) -> StoreSettings {
        let redis = RedisSettings { prefix: prefix.to_owned(), ..reached_at(&[server.port()]) };
        StoreSettings { kind: StoreKind::Redis(Box::new(redis)), key_ring: Some(self.0.path("ring")) }
    }

    async fn export(&self, of: &StoreSettings, name: &str) -> BTreeSet<String> {
        let path = self.0.path(name);
        assert_eq!(store::export_to(of, UnixTime::from_secs(1), &path).await.unwrap(), ALL, "{name}");
        records(&path)
    }

    async fn import(&self, into: &StoreSettings, name: &str) {
        assert_eq!(store::import(into, &self.0.path(name)).await.unwrap().counts, ALL, "{name}");
    }
}

/// The records of an export, without the lines that say when, and of which revision.
fn records(path: &Path) -> BTreeSet<String> {
    let export = fs::read_to_string(path).unwrap();
    let records =
        export.lines().filter(|line| !line.contains("\"countersign_export\"") && !line.contains("\"end\""));
    records.map(str::to_owned).collect()
}

async fn fill(settings: &StoreSettings) {
    let now = SystemClock.now();
    let later = UnixTime::from_secs(now.as_secs() + 3600);
    let session = |number: u64| SessionRecord {
        issuer: ISSUER.to_owned(),
        session_id: number.to_string(),
        subject: format!("subject {}", number % 7),
        client_id: "client".to_owned(),
        began_at: now,
        ended_at: number.is_multiple_of(3).then_some(now),
        kept_until: later,
    };
    let delivery = |number: u8| Delivery {
        id: [number; 16],
        issuer: ISSUER.to_owned(),
        content: Secret::new(b"a refresh token".to_vec()),
        attempts: 2,
        due_at: now,
        not_after: later,
    };
    let store = store::open(settings).await.unwrap();
    let deliveries = vec![delivery(1), delivery(2)];
    store.revocations.record(Order { deliveries, ..order(0..ALL.revocations) }).await.unwrap();
    store.revocations.remember_sessions((0..SESSIONS).map(session).collect()).await.unwrap();
    let key_set = StoredKeySet { fetched_at: now, document: b"the keys".to_vec() };
    store.key_sets.save(ORIGIN, &key_set).await.unwrap();
}

#[tokio::test]
async fn nothing_is_lost_from_an_embedded_store_to_redis_to_redis_and_back() {
    let (stores, server) = (Stores::new(), RedisServer::start().await);
    let (first, last) = (stores.embedded("first"), stores.embedded("last"));
    fill(&first).await;
    let all = stores.export(&first, "of-first").await;
    let [one, other] = ["one", "other"].map(|prefix| stores.redis(&server, prefix));
    stores.import(&one, "of-first").await;
    assert_eq!(stores.export(&one, "of-one").await, all);
    stores.import(&other, "of-one").await;
    stores.import(&other, "of-one").await;
    assert_eq!(stores.export(&other, "of-other").await, all, "twice is as once");
    stores.import(&last, "of-other").await;
    assert_eq!(stores.export(&last, "of-last").await, all);
    let opened = store::open(&last).await.unwrap();
    let delivered = opened.revocations.deliveries().await.unwrap();
    assert_eq!(delivered[0].content, Secret::new(b"a refresh token".to_vec()));
    assert_eq!(opened.key_sets.load(ORIGIN).await.unwrap().unwrap().document, b"the keys");
}

/// To `SCAN` these prefixes are patterns that fit each other's names.
#[tokio::test]
async fn a_prefix_is_no_pattern() {
    let (stores, server) = (Stores::new(), RedisServer::start().await);
    let odd = ["a*", "a?", "a[b]", "a[^b]", "a\\", "ab"].map(|prefix| stores.redis(&server, prefix));
    fill(&stores.embedded("first")).await;
    let all = stores.export(&stores.embedded("first"), "export").await;
    for (number, settings) in odd.iter().enumerate() {
        stores.import(settings, "export").await;
        assert_eq!(stores.export(settings, &number.to_string()).await, all, "{settings:?}");
    }
    for (number, settings) in odd.iter().enumerate() {
        assert_eq!(stores.export(settings, &format!("again-{number}")).await, all, "{settings:?}");
    }
}
