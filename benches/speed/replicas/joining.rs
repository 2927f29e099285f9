//! A replica that starts where 1,000,000 revocations are: when it is ready, what it holds, and what its reading does to others.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use countersign::store::{self, Order};

use super::{Deployment, Replica};
use crate::{
    latency::Latencies,
    load::Load,
    report::note,
    revocations::{MANY, snapshot},
    scenes::{TOKEN_BYTES, is_token, ready, validate},
    tokens::Signer,
};

/// So many are recorded as one order.
const ORDER: usize = 500;
/// So few that nobody queues for long.
const CALLS_AT_ONCE: usize = 4;
const CALLS: usize = if cfg!(debug_assertions) { 400 } else { 2_000 };
/// Rounds of calls to compare with, when nobody joins.
const ALONE: usize = 20;

pub(crate) async fn joining(directory: &Path, signer: &Signer, now: u64) {
    let deployment = Deployment::start(directory).await;
    fill(&deployment).await;
    println!("Joining: {MANY} revocations in Redis on loopback");
    let first = deployment.replica("first").await;
    let request = vec![validate(&signer.token(0, TOKEN_BYTES, now))];
    let load = Load::new(&first.process, "Validate", request, is_token).await;
    let mut alone = Vec::new();
    for _ in 0..ALONE {
        alone.extend(load.latencies(CALLS, CALLS_AT_ONCE).await);
    }
    let since = Instant::now();
    let second = deployment.begin("second");
    let joined = AtomicBool::new(false);
    let (taken, meanwhile) = tokio::join!(join(&second, since, &joined), ask_until(&load, &joined));
    note(&format!(
        "ready {:.0} ms after its start, beside {CALLS_AT_ONCE} calls at once to the other replica",
        taken.as_secs_f64() * 1e3,
    ));
    for (which, replica) in [("the first replica", &first), ("the one that joined", &second)] {
        note(&format!(
            "resident memory of {which}: {:.0} MiB",
            replica.process.resident_kib() as f64 / 1024.0
        ));
    }
    for (when, latencies) in [("alone", alone), ("while the second joins", meanwhile)] {
        let latencies = Latencies::new(latencies);
        let shown = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
            .map(|(name, part)| format!("{name} {:.0}", latencies.micros_at(part)));
        note(&format!(
            "the first replica's Validate {when}, us of {}: {}",
            latencies.len(),
            shown.join("  ")
        ));
    }
    drop((first, second));
    let since = Instant::now();
    let quiet = deployment.replica("quiet").await;
    note(&format!(
        "ready {:.0} ms after its start when nobody asks anything",
        since.elapsed().as_secs_f64() * 1e3
    ));
    drop(quiet);
}

/// Through the store, as replicas record them.
async fn fill(deployment: &Deployment) {
    let opened = store::open(&deployment.store()).await.unwrap();
    for some in snapshot(MANY).revocations.chunks(ORDER) {
        let order = Order { revocations: some.to_vec(), ..Order::default() };
        opened.revocations.record(order).await.unwrap();
    }
}

async fn join(replica: &Replica, since: Instant, joined: &AtomicBool) -> Duration {
    ready(replica.admin, since).await;
    joined.store(true, Ordering::Relaxed);
    since.elapsed()
}

async fn ask_until(load: &Load, joined: &AtomicBool) -> Vec<Duration> {
    let mut all = Vec::new();
    while !joined.load(Ordering::Relaxed) {
        all.extend(load.latencies(CALLS, CALLS_AT_ONCE).await);
    }
    all
}
