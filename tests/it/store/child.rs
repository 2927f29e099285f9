//! A process that writes orders until it is killed, and says of each when it is on disk.
//!
//! It is this test binary, started again with one test and a store's path. Each order revokes a token and ends a session
//! that it has remembered before, so that half an order would be seen.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use countersign::{
    domain::{
        revocation::{Reach, Revocation, Target},
        time::UnixTime,
    },
    store::{self, Ending, Order, SessionRecord, Store, StoreError, StoreSettings},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    task::JoinSet,
};

const ISSUER: &str = "https://issuer.example";

/// How many write at once.
const WRITERS: u64 = 8;

/// How far behind the last order that was acknowledged there may be one that was not: each writer can have one.
pub(super) const MARGIN: u64 = WRITERS + 2;

/// The argument in front of the first order's number and the path of the store. To the harness it is a filter that fits
/// no test.
const STORE_AT: &str = "--skip=store-at:";

pub(crate) fn settings(path: &Path) -> StoreSettings {
    StoreSettings::embedded(path.to_owned())
}

fn at(second: i64) -> UnixTime {
    UnixTime::from_secs(second)
}

fn token(number: u64) -> Target {
    Target::token_id(ISSUER, &number.to_string())
}

fn session(number: u64) -> SessionRecord {
    SessionRecord {
        issuer: ISSUER.to_owned(),
        session_id: number.to_string(),
        subject: "subject".to_owned(),
        client_id: "client".to_owned(),
        began_at: at(1),
        ended_at: None,
        kept_until: at(9),
    }
}

fn order(number: u64) -> Order {
    let ending = Ending {
        of: session(number).target(),
        begun_up_to: at(1),
        except: None,
        at: at(2),
        until: at(8),
        kept_until: at(9),
    };
    let revocation = Revocation {
        target: token(number),
        reach: Reach::All,
        made_at: at(2),
        until: at(8),
        kept_until: at(9),
    };
    Order { revocations: vec![revocation], ending: Some(ending), ..Order::default() }
}

pub(crate) async fn write_one(store: &dyn Store, number: u64) -> Result<(), StoreError> {
    store.remember_sessions(vec![session(number)]).await?;
    let recorded = store.record(order(number)).await?;
    assert_eq!(recorded.ended.len(), 1, "order {number}");
    Ok(())
}

/// The numbers of the orders that are there, each of which is there as a whole.
pub(super) async fn kept(store: &dyn Store, up_to: u64) -> BTreeSet<u64> {
    let snapshot = store.snapshot().await.unwrap();
    let targets: BTreeSet<_> = snapshot.revocations.iter().map(|revocation| revocation.target).collect();
    let mut kept = BTreeSet::new();
    for number in 0..up_to {
        let session = session(number).target();
        let record = store.sight(Some(session), &[]).await.unwrap().session;
        let has_ended = record.is_some_and(|record| record.ended_at.is_some());
        let parts = [targets.contains(&token(number)), targets.contains(&session), has_ended];
        assert!(parts == [true; 3] || parts == [false; 3], "half of order {number}: {parts:?}");
        if parts[0] {
            kept.insert(number);
        }
    }
    assert_eq!(targets.len(), 2 * kept.len(), "nothing else is there");
    assert_eq!(snapshot.revision.sequence, u64::try_from(kept.len()).unwrap());
    kept
}

fn from_arguments() -> Option<(u64, PathBuf)> {
    std::env::args().find_map(|argument| {
        let (first, path) = argument.strip_prefix(STORE_AT)?.split_once(':')?;
        Some((first.parse().unwrap(), PathBuf::from(path)))
    })
}

/// Ends when it is killed; without a path, after a few orders.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_orders_and_says_when_they_are_on_disk() {
    let own = tempfile::tempdir().unwrap();
    let (first, path, end) = match from_arguments() {
        Some((first, path)) => (first, path, u64::MAX),
        None => (0, own.path().join("countersign.redb"), 100),
    };
    let store = store::open(&settings(&path)).await.unwrap().revocations;
    let next = Arc::new(AtomicU64::new(first));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        writers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    break;
                }
                match write_one(&*store, number).await {
                    Ok(()) => println!("\nrecorded {number}"),
                    Err(error) => println!("\nfailed {error}"),
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(kept(&*store, end).await, (0..end).collect());
}

/// The writing process, seen from outside.
pub(super) struct Writing {
    pub(super) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it said is on disk.
    pub(super) recorded: BTreeSet<u64>,
    /// What it said went wrong.
    pub(super) failures: Vec<String>,
}

impl Writing {
    /// Starts it with this number, through a shell that says `before` first.
    pub(super) fn start(path: &Path, first: u64, before: &str) -> Self {
        let test = "store::child::writes_orders_and_says_when_they_are_on_disk";
        let mut child = Command::new("bash")
            .args(["-c", &format!("{before} exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .arg(format!("{STORE_AT}{first}:{}", path.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, recorded: BTreeSet::new(), failures: Vec::new() }
    }

    /// Reads one line; `false` at the end.
    pub(super) async fn read(&mut self) -> bool {
        let Some(line) = self.lines.next_line().await.unwrap() else { return false };
        if let Some(number) = line.strip_prefix("recorded ") {
            self.recorded.insert(number.parse().unwrap());
        }
        if let Some(failure) = line.strip_prefix("failed ") {
            self.failures.push(failure.to_owned());
        }
        true
    }

    /// Kills it with SIGKILL, and reads what it had said until then.
    pub(super) async fn kill(&mut self) {
        self.child.start_kill().unwrap();
        while self.read().await {}
        self.child.wait().await.unwrap();
    }
}
