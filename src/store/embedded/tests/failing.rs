//! A disk that fails, and what is left of the store when it works again.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::{faulty::Faulty, *};
use crate::{domain::revocation::Target, store::file::open_private};

/// A store on a disk that fails when told to.
struct Failing {
    store: EmbeddedStore,
    disk: Arc<Faulty>,
    place: Embedded,
}

impl Failing {
    fn new() -> Self {
        let place = Embedded::new();
        let path = place.dir.path("countersign.redb");
        let file = open_private(&path).unwrap();
        file.try_lock().unwrap();
        let disk = Arc::new(Faulty::new(file));
        let medium: Arc<dyn redb::StorageBackend> = Arc::<Faulty>::clone(&disk);
        let file = Arc::new(StoreFile::on(&path, medium).unwrap());
        let store = EmbeddedStore::new(file, Arc::clone(&place.ring)).unwrap();
        Self { store, disk, place }
    }

    async fn record(&self, name: u64) -> Result<Recorded, StoreError> {
        self.store.record(order(name)).await
    }

    async fn kept(&self) -> BTreeSet<Target> {
        kept(&self.store).await
    }

    /// Ends it and opens the file anew, as a restart does.
    async fn after_a_restart(self) -> BTreeSet<Target> {
        let Self { store, disk, place } = self;
        drop(store);
        drop(disk);
        kept(&*place.open().await).await
    }
}

async fn kept(store: &dyn Store) -> BTreeSet<Target> {
    store.snapshot().await.unwrap().revocations.iter().map(|revocation| revocation.target).collect()
}

fn targets(names: impl IntoIterator<Item = u64>) -> BTreeSet<Target> {
    names.into_iter().map(|name| revocation(name).target).collect()
}

#[tokio::test]
async fn r1_all_that_wait_share_one_commit() {
    let failing = Failing::new();
    failing.record(0).await.unwrap();
    let each = {
        let before = failing.disk.syncs();
        failing.record(1).await.unwrap();
        failing.disk.syncs() - before
    };
    let before = failing.disk.syncs();
    // redb has one writer at a time: until this transaction ends, everything waits.
    let answers = failing
        .store
        .file
        .with(|database| {
            let held = database.begin_write()?;
            let answers: Vec<_> = (2..102).map(|name| failing.store.record(order(name))).collect();
            held.abort()?;
            Ok(answers)
        })
        .unwrap();
    for answer in join_all(answers).await {
        answer.unwrap();
    }
    let commits = (failing.disk.syncs() - before) / each;
    assert!(commits <= 2, "the one that waited for the transaction, and the rest: {commits}");
    assert_eq!(failing.after_a_restart().await, targets(0..102));
}

#[tokio::test]
async fn r9_a_full_disk_is_told_to_everybody_who_waits_and_leaves_nothing_behind() {
    let failing = Failing::new();
    failing.record(0).await.unwrap();
    failing.disk.fail_after(0);
    let answers = join_all((1..50).map(|name| failing.record(name))).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().contains("has space") && !cause.is_empty(), "{error}: {cause}");
    }
    failing.disk.heal();
    assert_eq!(failing.kept().await, targets([0]));
    assert_eq!(failing.after_a_restart().await, targets([0]));
}

#[tokio::test]
async fn r9_after_a_failure_the_store_works_again_by_itself_and_was_never_given_up() {
    let failing = Failing::new();
    failing.record(0).await.unwrap();
    for round in 1..4 {
        failing.disk.fail_after(0);
        failing.record(100).await.unwrap_err();
        failing.record(100).await.unwrap_err();
        let second = StoreFile::open(&failing.place.dir.path("countersign.redb")).unwrap_err();
        assert!(matches!(second, StoreError::AlreadyOpen { .. }), "{second}");
        failing.disk.heal();
        failing.record(round).await.unwrap();
        assert_eq!(failing.kept().await, targets(0..=round));
    }
    assert_eq!(failing.after_a_restart().await, targets(0..4));
}

/// Linux takes what it could not sync for written; see `renew`.
#[tokio::test]
async fn after_a_failed_sync_what_may_be_lost_is_written_again() {
    let failing = Failing::new();
    join_all((0..500).map(|name| failing.record(name))).await;
    // The first access that fails is a sync once all writes before it have worked.
    for accesses in 0..1000 {
        let before = failing.disk.syncs();
        failing.disk.fail_after(accesses);
        let recorded = failing.record(1000).await;
        failing.disk.heal();
        assert!(recorded.is_err(), "it failed at none of {accesses} accesses");
        if failing.disk.syncs() > before {
            break;
        }
        failing.kept().await;
    }
    let before = failing.disk.writes();
    failing.kept().await;
    let pages = 500 * (17 + 38) / 4096;
    assert!(failing.disk.writes() - before > pages, "{} writes", failing.disk.writes() - before);
}

/// Wherever a commit fails: what was acknowledged is there, and what was not is there whole or not at all.
#[tokio::test]
async fn r1_wherever_a_commit_fails_nothing_acknowledged_is_lost() {
    let mut failures = 0;
    for accesses in 0..1000 {
        let failing = Failing::new();
        failing.record(0).await.unwrap();
        failing.disk.fail_after(accesses);
        let (one, other) = (revocation(1), revocation(2));
        let pair = Order { revocations: vec![one, other], ..Order::default() };
        let acknowledged = failing.store.record(pair).await.is_ok();
        failing.disk.heal();
        failing.record(3).await.unwrap();
        let kept = failing.kept().await;
        assert!(kept.is_superset(&targets([0, 3])), "{accesses}: {kept:?}");
        assert_eq!(kept.contains(&one.target), kept.contains(&other.target), "{accesses}");
        assert!(!acknowledged || kept.contains(&one.target), "{accesses}");
        assert_eq!(failing.after_a_restart().await, kept, "{accesses}");
        if acknowledged {
            break;
        }
        failures += 1;
    }
    assert!(failures > 3, "{failures}");
}

#[tokio::test]
async fn work_that_panics_takes_nothing_with_it() {
    let failing = Failing::new();
    let panicking = failing.store.write::<(), _>(|_transaction| panic!("a bug"));
    let error = panicking.await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    failing.record(0).await.unwrap();
    assert_eq!(failing.after_a_restart().await, targets([0]));
}
