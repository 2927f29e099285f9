mod damaged;
mod failing;
mod families;
mod faulty;

use std::fs;

use futures_util::future::BoxFuture;

use super::{
    super::testing::{
        TempDir,
        contract::{Everything, Subject},
    },
    schema::{META, SCHEMA},
    *,
};
use crate::domain::revocation::{Reach, Revocation};

#[test]
fn a_second_opener_is_refused_and_the_message_names_the_file() {
    let dir = TempDir::new();
    let path = dir.path("countersign.redb");
    let first = StoreFile::open(&path).unwrap();
    let error = StoreFile::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyOpen { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    drop(first);
    StoreFile::open(&path).unwrap();
}

#[test]
fn a_missing_directory_is_said_and_not_made() {
    let dir = TempDir::new();
    let error = StoreFile::open(&dir.path("none/countersign.redb")).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("none/countersign.redb"), "{error}");
    assert!(dir.names().is_empty());
}

#[test]
fn a_later_schema_is_refused_and_left_as_it_is() {
    let dir = TempDir::new();
    let path = dir.path("countersign.redb");
    let store = StoreFile::open(&path).unwrap();
    set_schema(&store, 3);
    drop(store);
    for _ in 0..2 {
        let error = StoreFile::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::NewerVersion { found: 3, known: 2, .. }), "{error}");
    }
}

#[test]
fn what_is_not_a_store_is_refused_and_left_as_it_is() {
    let dir = TempDir::new();
    let path = dir.path("countersign.redb");
    for content in [&b"listen: 127.0.0.1:50051\n"[..], b"short"] {
        fs::write(&path, content).unwrap();
        let error = StoreFile::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn a_damaged_or_later_file_format_is_refused() {
    let dir = TempDir::new();
    let path = dir.path("countersign.redb");
    drop(StoreFile::open(&path).unwrap());
    let good = fs::read(&path).unwrap();
    // redb's two commit slots begin with the version of its file format.
    let mut later = good.clone();
    later[64] = 200;
    later[192] = 200;
    let cut = good[..400].to_vec();
    for (name, content) in [("later", later), ("cut", cut)] {
        fs::write(&path, content).unwrap();
        let error = StoreFile::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Corrupted { .. }), "{name}: {error}");
    }
}

#[test]
fn a_file_whose_maker_was_killed_is_made_anew() {
    let dir = TempDir::new();
    let path = dir.path("countersign.redb");
    fs::write(&path, vec![0; 1 << 20]).unwrap();
    drop(StoreFile::open(&path).unwrap());
    StoreFile::open(&path).unwrap();
}

fn set_schema(file: &StoreFile, version: u64) {
    file.write_now(|transaction| {
        transaction.open_table(META)?.insert(SCHEMA, version)?;
        Ok(())
    })
    .unwrap();
}

/// A store in a directory of its own.
struct Embedded {
    dir: TempDir,
    ring: Arc<KeyRing>,
}

impl Embedded {
    fn new() -> Self {
        Self { dir: TempDir::new(), ring: Arc::new(KeyRing::generate().unwrap()) }
    }

    fn file(&self) -> Arc<StoreFile> {
        Arc::new(StoreFile::open(&self.dir.path("countersign.redb")).unwrap())
    }

    fn store(&self) -> EmbeddedStore {
        EmbeddedStore::new(self.file(), Arc::clone(&self.ring)).unwrap()
    }
}

impl Subject for Embedded {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Everything>> {
        let store: Arc<dyn Everything> = Arc::new(self.store());
        Box::pin(async { store })
    }
}

/// A revocation that can be told by its number.
fn revocation(number: u64) -> Revocation {
    Revocation {
        target: Target::token_id("https://issuer.example", &number.to_string()),
        reach: Reach::All,
        made_at: UnixTime::from_secs(1),
        until: UnixTime::from_secs(2),
        kept_until: UnixTime::from_secs(3),
    }
}

fn order(number: u64) -> Order {
    Order { revocations: vec![revocation(number)], ..Order::default() }
}

mod contract {
    use super::{super::super::testing::contract::check_contract, Embedded};

    check_contract!(Embedded::new());

    #[tokio::test]
    async fn r8_a_snapshot_is_what_its_revision_says() {
        super::super::super::testing::contract::r8_a_snapshot_is_what_its_revision_says(&Embedded::new())
            .await;
    }
}
