//! R9: a disk that is really full, by a limit on the size of files, and then is not.

use std::time::Duration;

use countersign::store;
use tokio::process::Command;

use super::child::{MARGIN, Writing, kept, settings};
use crate::support::wait::within;

const TO_WRITE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn r9_a_full_disk_fails_orders_loses_none_and_is_survived_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("countersign.redb");
    drop(store::open(&settings(&path)).await.unwrap());
    // In units of 1,024 bytes; a little more than the file has when it is new. Without the signal, a write that would
    // exceed it fails with EFBIG. The hard limit stays, so that it can be lifted.
    let size = std::fs::metadata(&path).unwrap().len() / 1024 + 16;
    let mut writing = Writing::start(&path, 0, &format!("trap '' XFSZ; ulimit -S -f {size};"));
    within("the disk to be full", TO_WRITE, async {
        while writing.failures.len() < 20 {
            assert!(writing.read().await, "it ended by itself");
        }
    })
    .await;
    assert!(!writing.recorded.is_empty(), "there was some room");
    for failure in &writing.failures {
        assert!(failure.contains("check that its directory exists, has space"), "{failure}");
    }

    let before = writing.recorded.len();
    let pid = writing.child.id().unwrap().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().await.unwrap();
    assert!(lifted.success());
    within("orders to be recorded again", TO_WRITE, async {
        while writing.recorded.len() < before + 200 {
            assert!(writing.read().await, "it ended by itself");
        }
    })
    .await;
    writing.kill().await;

    let store = store::open(&settings(&path)).await.unwrap().revocations;
    let up_to = writing.recorded.last().unwrap() + MARGIN;
    let kept = kept(&*store, up_to).await;
    let lost: Vec<_> = writing.recorded.difference(&kept).collect();
    assert!(lost.is_empty(), "{lost:?}");
}
