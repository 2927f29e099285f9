//! Numbers that many threads count at once without getting in each other's way.
//!
//! One number that two processors change in turn travels between their caches each time, which costs a request more than
//! everything else that metrics do. Here each thread has a stripe of its own, and whoever reads adds them up.

use std::{
    fmt::{self, Debug},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric, counter},
};

/// More threads than this share stripes.
const STRIPES: usize = 4;

/// A counter in stripes.
pub type Counter = counter::Counter<u64, Striped>;

/// What a [`Counter`] counts in.
#[derive(Debug, Default)]
pub struct Striped([Line<AtomicU64>; STRIPES]);

/// Alone on its cache line, and on the one that processors fetch with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line<T>(T);

/// This thread's stripe, below [`STRIPES`].
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
    }
    // A thread that is at its end has none any more.
    MINE.try_with(|mine| *mine).unwrap_or(0)
}

impl counter::Atomic<u64> for Striped {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    /// Returns what this thread's stripe held before, since nobody reads it.
    fn inc_by(&self, by: u64) -> u64 {
        self.0.get(stripe()).map_or(0, |line| line.0.fetch_add(by, Ordering::Relaxed))
    }

    fn get(&self) -> u64 {
        self.0.iter().fold(0, |sum, line| sum.wrapping_add(line.0.load(Ordering::Relaxed)))
    }
}

/// A histogram of durations in stripes.
#[derive(Clone)]
pub struct Histogram<const N: usize> {
    upper: &'static [Duration; N],
    stripes: Arc<[Line<Times<N>>; STRIPES]>,
}

/// Counts by bucket, what is above the last bound apart, and the sum.
struct Times<const N: usize> {
    buckets: [AtomicU64; N],
    above: AtomicU64,
    nanos: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    /// An empty one. The bounds are the buckets' inclusive upper ends, ascending; one without an end follows.
    pub fn new(upper: &'static [Duration; N]) -> Self {
        let times = |_| {
            Line(Times {
                buckets: std::array::from_fn(|_| AtomicU64::default()),
                above: AtomicU64::default(),
                nanos: AtomicU64::default(),
            })
        };
        Self { upper, stripes: Arc::new(std::array::from_fn(times)) }
    }

    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let Some(Line(times)) = self.stripes.get(stripe()) else { return };
        let bucket = self.upper.iter().zip(&times.buckets).find(|(upper, _)| duration <= **upper);
        bucket.map_or(&times.above, |(_, bucket)| bucket).fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        // 584 years of waiting, then it begins anew: what readers of counters expect.
        times.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// The sum over all stripes.
    fn sum(&self, part: impl Fn(&Times<N>) -> &AtomicU64) -> u64 {
        self.stripes.iter().fold(0, |sum, Line(times)| sum.wrapping_add(part(times).load(Ordering::Relaxed)))
    }
}

impl<const N: usize> TypedMetric for Histogram<N> {
    const TYPE: MetricType = MetricType::Histogram;
}

impl<const N: usize> EncodeMetric for Histogram<N> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let mut buckets = Vec::with_capacity(N + 1);
        let mut count = 0;
        for (at, upper) in self.upper.iter().enumerate() {
            let held = self.sum(|times| times.buckets.get(at).unwrap_or(&times.above));
            count += held;
            buckets.push((upper.as_secs_f64(), held));
        }
        let above = self.sum(|times| &times.above);
        buckets.push((f64::INFINITY, above));
        let seconds = Duration::from_nanos(self.sum(|times| &times.nanos)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(seconds, count + above, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// Not every stripe of every bucket.
impl<const N: usize> Debug for Histogram<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("upper", &self.upper).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    /// More than there are stripes.
    const THREADS: usize = 16;

    fn in_many_threads(count: impl Fn() + Sync) {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..100).for_each(|_| count()));
            }
        });
    }

    #[test]
    fn a_counter_is_the_sum_of_what_all_threads_counted() {
        let counter = Counter::default();
        in_many_threads(|| {
            counter.inc();
        });
        assert_eq!(counter.get(), 1600);
    }

    #[test]
    fn a_histogram_is_the_sum_of_what_all_threads_observed() {
        const UPPER: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(1)];
        let histogram = Histogram::new(&UPPER);
        in_many_threads(|| {
            for millis in [0, 1, 2, 1000, 1001] {
                histogram.observe(Duration::from_millis(millis));
            }
        });
        let mut registry = Registry::default();
        registry.register("h", "help", histogram);
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        for line in [
            r#"h_bucket{le="0.001"} 3200"#,
            r#"h_bucket{le="1.0"} 6400"#,
            r#"h_bucket{le="+Inf"} 8000"#,
            "h_count 8000",
            "h_sum 3206.4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
