//! How long single calls take, ours and the yardstick's: percentiles, and target/latency.svg.

mod plot;

use std::{path::Path, time::Duration};

use crate::{load::Load, report::note};

/// So few that nobody queues for long: what is measured is the service, not the length of the queue before it.
const CALLS_AT_ONCE: usize = 4;
const CALLS: usize = 40_000;
const ROUNDS: usize = 5;
const SHOWN: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// The durations of many calls, in order.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The least duration that this part of the calls did not exceed, in microseconds.
    pub(crate) fn micros_at(&self, part: f64) -> f64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the list")]
        let at = (self.0.len() as f64 * part) as usize;
        self.0[at.min(self.0.len() - 1)].as_secs_f64() * 1e6
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Measures both in turn. Answers that both give are the same bytes.
pub(crate) async fn measure(ours: &Load, noop: &Load) {
    let (mut of_ours, mut of_noop) = (Vec::new(), Vec::new());
    ours.latencies(CALLS / 4, CALLS_AT_ONCE).await;
    noop.latencies(CALLS / 4, CALLS_AT_ONCE).await;
    for _ in 0..ROUNDS {
        of_ours.extend(ours.latencies(CALLS, CALLS_AT_ONCE).await);
        of_noop.extend(noop.latencies(CALLS, CALLS_AT_ONCE).await);
    }
    let (ours, noop) = (Latencies::new(of_ours), Latencies::new(of_noop));
    // No budget is set for it: on shared cores the tail is the machine's.
    let ratio = ours.micros_at(0.5) / noop.micros_at(0.5);
    println!("{:<44} {:>26}", "Validate, cached: latency / no-op", format!("{ratio:.3} at the median"));
    for (name, latencies) in [("ours", &ours), ("no-op", &noop)] {
        let shown = SHOWN.map(|(name, part)| format!("{name} {:.0}", latencies.micros_at(part)));
        note(&format!("{name:<5} us: {}", shown.join("  ")));
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let file = target.join("latency.svg");
    let title = format!("Validate, cached: {CALLS_AT_ONCE} calls at once, {} calls each", ours.len());
    plot::draw(&file, &title, &[("Countersign", &ours), ("no-op tonic server", &noop)]);
    note(&format!("distribution: {}", file.display()));
}
