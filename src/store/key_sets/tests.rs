use super::{
    super::{StoreFile, embedded::KEY_SETS, testing::TempDir},
    *,
};

const A: KeySetOrigin<'_> = KeySetOrigin { issuer: "https://a.example", uri: "https://a.example/keys" };
const B: KeySetOrigin<'_> = KeySetOrigin { issuer: "https://b.example", uri: "https://b.example/keys" };

fn set(document: &str) -> StoredKeySet {
    StoredKeySet {
        fetched_at: UnixTime::from_millis(1_700_000_000_123),
        document: document.as_bytes().to_vec(),
    }
}

/// A store in a directory of its own.
struct Fixture {
    dir: TempDir,
    store: Arc<StoreFile>,
    ring: Arc<KeyRing>,
}

impl Fixture {
    fn new() -> Self {
        let dir = TempDir::new();
        let store = Arc::new(StoreFile::open(&dir.path("store")).unwrap());
        Self { dir, store, ring: Arc::new(KeyRing::generate().unwrap()) }
    }

    fn key_sets(&self) -> KeySetStore {
        KeySetStore::in_file(Arc::clone(&self.store), Arc::clone(&self.ring))
    }

    /// Saves A's set, then does to the file what somebody with write access could: puts the record, changed, where it
    /// says.
    async fn tampered(&self, change: impl FnOnce(&mut (KeySetOrigin<'static>, i64, Vec<u8>))) {
        self.key_sets().save(A, &set("keys of a")).await.unwrap();
        let (time, sealed) = self
            .store
            .read(|transaction| {
                let record = transaction.open_table(KEY_SETS)?.get((A.issuer, A.uri))?.unwrap();
                let (time, sealed) = record.value();
                Ok((time, sealed.to_vec()))
            })
            .await
            .unwrap();
        let mut record = (A, time, sealed);
        change(&mut record);
        let (origin, time, sealed) = record;
        self.store
            .write(move |transaction| {
                let mut table = transaction.open_table(KEY_SETS)?;
                table.insert((origin.issuer, origin.uri), (time, sealed.as_slice()))?;
                Ok(())
            })
            .await
            .unwrap();
    }

    async fn assert_forged(&self, origin: KeySetOrigin<'_>) {
        let loaded = self.key_sets().load(origin).await;
        assert!(matches!(loaded, Err(StoreError::Forged)), "{loaded:?}");
    }
}

#[tokio::test]
async fn nothing_saved_is_nothing_loaded() {
    let it = Fixture::new();
    assert_eq!(it.key_sets().load(A).await.unwrap(), None);
    it.key_sets().save(A, &set("keys of a")).await.unwrap();
    assert_eq!(it.key_sets().load(B).await.unwrap(), None);
}

#[tokio::test]
async fn k13_a_set_survives_a_restart_and_the_latest_one_counts() {
    let Fixture { dir, store, ring } = Fixture::new();
    let sets = KeySetStore::in_file(store, Arc::clone(&ring));
    sets.save(A, &set("first")).await.unwrap();
    sets.save(B, &set("keys of b")).await.unwrap();
    sets.save(A, &set("second")).await.unwrap();
    drop(sets);
    let sets = KeySetStore::in_file(Arc::new(StoreFile::open(&dir.path("store")).unwrap()), ring);
    assert_eq!(sets.load(A).await.unwrap(), Some(set("second")));
    assert_eq!(sets.load(B).await.unwrap(), Some(set("keys of b")));
}

#[tokio::test]
async fn k13_a_set_moved_to_another_issuer_is_forged() {
    let it = Fixture::new();
    it.tampered(|record| record.0 = B).await;
    it.assert_forged(B).await;
    assert_eq!(it.key_sets().load(A).await.unwrap(), Some(set("keys of a")), "the original still opens");
}

#[tokio::test]
async fn k13_a_set_moved_to_another_address_of_its_issuer_is_forged() {
    let it = Fixture::new();
    let elsewhere = KeySetOrigin { uri: "https://a.example/other", ..A };
    it.tampered(|record| record.0 = elsewhere).await;
    it.assert_forged(elsewhere).await;
}

#[tokio::test]
async fn k13_a_set_with_a_changed_byte_is_forged() {
    let it = Fixture::new();
    it.tampered(|record| *record.2.last_mut().unwrap() ^= 1).await;
    it.assert_forged(A).await;
}

#[tokio::test]
async fn k13_a_set_made_younger_or_older_is_forged() {
    for change in [1, -1, 86_400_000] {
        let it = Fixture::new();
        it.tampered(|record| record.1 += change).await;
        it.assert_forged(A).await;
    }
}

/// `UnixTime` clamps to its range; a time outside it must not come out as another, valid one.
#[tokio::test]
async fn k13_a_time_outside_the_range_is_forged() {
    for time in [-1, i64::MIN, i64::MAX] {
        let it = Fixture::new();
        it.tampered(|record| record.1 = time).await;
        it.assert_forged(A).await;
    }
}

#[tokio::test]
async fn k13_an_unsealed_set_is_forged() {
    for content in [&b""[..], b"{\"keys\":[]}"] {
        let it = Fixture::new();
        it.tampered(|record| record.2 = content.to_vec()).await;
        it.assert_forged(A).await;
    }
}

#[tokio::test]
async fn k13_a_set_sealed_with_another_ring_is_forged() {
    let it = Fixture::new();
    it.key_sets().save(A, &set("keys of a")).await.unwrap();
    let other = KeySetStore::in_file(Arc::clone(&it.store), Arc::new(KeyRing::generate().unwrap()));
    assert!(matches!(other.load(A).await, Err(StoreError::Forged)));
}

#[tokio::test]
async fn k13_a_rotated_ring_opens_old_sets_until_the_old_key_is_taken_out() {
    let it = Fixture::new();
    let path = it.dir.path("ring");
    let at_first = KeyRing::create(&path).unwrap();
    let with = |ring: KeyRing| KeySetStore::in_file(Arc::clone(&it.store), Arc::new(ring));
    with(at_first).save(A, &set("keys of a")).await.unwrap();

    KeyRing::rotate(&path).unwrap();
    let rotated = KeyRing::load(&path).unwrap();
    assert_eq!(with(rotated.clone()).load(A).await.unwrap(), Some(set("keys of a")));
    with(rotated.clone()).save(B, &set("keys of b")).await.unwrap();

    let new_alone = rotated.without_older_keys();
    assert!(matches!(with(new_alone.clone()).load(A).await, Err(StoreError::Forged)));
    assert_eq!(with(new_alone).load(B).await.unwrap(), Some(set("keys of b")), "the new key seals");
}

#[tokio::test]
async fn stored_sets_are_not_readable_in_the_file() {
    let it = Fixture::new();
    it.key_sets().save(A, &set("a text to look for")).await.unwrap();
    let file = std::fs::read(it.dir.path("store")).unwrap();
    assert!(!file.windows(9).any(|window| window == b"a text to"));
}
