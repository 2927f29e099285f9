//! R1: what was acknowledged survives `kill -9`, at whatever moment.

use std::{collections::BTreeSet, time::Duration};

use countersign::store;

use super::child::{MARGIN, Writing, kept, settings};
use crate::support::wait::within;

const TO_WRITE: Duration = Duration::from_mins(1);

/// How often one store's writer is killed.
const KILLS: u64 = 4;

/// A number below `below`, by a generator that anybody can repeat (Knuth's MMIX).
fn draw(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

async fn kill_again_and_again(seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("countersign.redb");
    let (mut random, mut recorded, mut epochs, mut first) = (seed, BTreeSet::new(), BTreeSet::new(), 0);
    for kill in 1..=KILLS {
        let orders = usize::try_from(draw(&mut random, 120)).unwrap();
        let mut writing = Writing::start(&path, first, "");
        within("orders", TO_WRITE, async {
            while writing.recorded.len() < orders {
                assert!(writing.read().await, "it ended by itself");
            }
        })
        .await;
        writing.kill().await;
        assert_eq!(writing.failures, [""; 0], "seed {seed}, kill {kill}");
        recorded.append(&mut writing.recorded);

        let store = store::open(&settings(&path)).await.unwrap().revocations;
        first = recorded.last().map_or(first, |last| last + MARGIN).max(first);
        let kept = kept(&*store, first + MARGIN).await;
        first += MARGIN;
        let lost: Vec<_> = recorded.difference(&kept).collect();
        assert!(lost.is_empty(), "seed {seed}, kill {kill}, after {orders} orders: lost {lost:?}");
        epochs.insert(store.snapshot().await.unwrap().revision.epoch);
        recorded = kept;
    }
    assert!(!recorded.is_empty());
    assert_eq!(epochs.len(), 1, "one history");
}

#[tokio::test]
async fn r1_what_was_acknowledged_survives_kill_9_with_seed_1() {
    kill_again_and_again(1).await;
}

#[tokio::test]
async fn r1_what_was_acknowledged_survives_kill_9_with_seed_2() {
    kill_again_and_again(2).await;
}

#[tokio::test]
async fn r1_what_was_acknowledged_survives_kill_9_with_seed_3() {
    kill_again_and_again(3).await;
}
