//! `countersign store export` and `import`, the real binary.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};

use countersign::store;
use tokio::process::Command;

use super::child::{kept, settings, write_one};
use crate::support::redis::RedisServer;

async fn run(directory: &Path, arguments: &[&str]) -> Output {
    run_with(directory, "store: { path: ./countersign.redb }", arguments).await
}

async fn run_with(directory: &Path, store: &str, arguments: &[&str]) -> Output {
    let issuers = "issuers: [{ name: one, issuer: 'https://issuer.example', audiences: [api], \
                   jwks_uri: 'https://issuer.example/keys' }]";
    fs::write(directory.join("countersign.yaml"), format!("{issuers}\n{store}\n")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(directory)
        .arg("store")
        .args(arguments)
        .args(["--config", "countersign.yaml"])
        .output()
        .await
        .unwrap()
}

async fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

async fn written(directory: &Path, orders: u64) {
    let store = store::open(&settings(&directory.join("countersign.redb"))).await.unwrap().revocations;
    for number in 0..orders {
        write_one(&*store, number).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_is_exported_and_imported_by_the_command_line() {
    let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    written(from.path(), 3).await;
    let output = run(from.path(), &["export", "--out", "backup"]).await;
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "exported 6 revocations, 3 sessions, 0 deliveries, 0 key sets\n");
    let backup = from.path().join("backup");
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);

    let printed = run(from.path(), &["export"]).await;
    let lines = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().lines().skip(1).count();
    assert_eq!(lines(&printed.stdout), lines(&fs::read(&backup).unwrap()), "the first line has the time");

    let output = run(to.path(), &["import", "--from", backup.to_str().unwrap()]).await;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("imported 6 revocations, 3 sessions, 0 deliveries, 0 key sets; "), "{said}");
    let store = store::open(&settings(&to.path().join("countersign.redb"))).await.unwrap().revocations;
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.revocations.len(), 6);
    assert!(said.ends_with(&format!("the store's revision is {}\n", snapshot.revision)), "{said}");
    for number in 3..5 {
        write_one(&*store, number).await.unwrap();
    }
    assert_eq!(store.snapshot().await.unwrap().revocations.len(), 10);
}

#[tokio::test]
async fn a_store_that_is_open_is_neither_exported_nor_imported() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), 1).await;
    assert!(run(directory.path(), &["export", "--out", "backup"]).await.status.success());
    let store = store::open(&settings(&directory.path().join("countersign.redb"))).await.unwrap().revocations;
    for arguments in [&["export", "--out", "another"], &["import", "--from", "backup"]] {
        let said = refused(directory.path(), arguments).await;
        assert!(said.contains("is open in another process") && said.contains("stop the other one"), "{said}");
    }
    assert!(!directory.path().join("another").exists());
    assert_eq!(kept(&*store, 1).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_transferred_is_said_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let said = refused(directory.path(), &["export", "--out", "backup"]).await;
    assert!(said.contains("there is no store at") && said.contains("countersign.redb"), "{said}");
    fs::write(directory.path().join("backup"), "{}\n").unwrap();
    let said = refused(directory.path(), &["import", "--from", "backup"]).await;
    assert!(said.contains("not an export of a store"), "{said}");
    assert!(!directory.path().join("countersign.redb").exists());
}

/// With the same key ring, as it has to be.
#[tokio::test]
async fn an_embedded_store_is_imported_into_redis_and_exported_again_while_replicas_could_run() {
    let (directory, redis) = (tempfile::tempdir().unwrap(), RedisServer::start().await);
    written(directory.path(), 3).await;
    assert!(run(directory.path(), &["export", "--out", "backup"]).await.status.success());
    let shared = format!(
        "store: {{ kind: redis, url: 'redis://{}', durability: memory }}\n\
         key_ring: {{ file: ./countersign.redb.keys }}",
        redis.address()
    );
    for _twice in 0..2 {
        let output = run_with(directory.path(), &shared, &["import", "--from", "backup"]).await;
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("imported 6 revocations, 3 sessions, 0 deliveries, 0 key sets; "), "{said}");
        assert_eq!(redis.run::<usize>("HLEN {countersign}:copy").await, 6);
    }
    let output = run_with(directory.path(), &shared, &["export", "--out", "again"]).await;
    assert!(output.status.success(), "{output:?}");
    // The sessions of this export were over long ago.
    let revocations = |name: &str| {
        let text = fs::read_to_string(directory.path().join(name)).unwrap();
        let lines = text.lines().filter(|line| line.contains("\"revocation\":"));
        lines.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(revocations("backup").len(), 6);
    assert_eq!(revocations("again"), revocations("backup"));
}
