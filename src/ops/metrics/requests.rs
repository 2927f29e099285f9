//! What became of calls, whatever they asked for.

use std::time::Duration;

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{Counter, Histogram, Labels, counter};

/// gRPC's status codes by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Upper bounds. A cached validation takes less than the first.
const BUCKETS: [Duration; 14] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(10),
];

/// Counts and times calls. Every counter is resolved when the process starts.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    methods: Vec<MethodMetrics>,
    in_flight: Gauge,
    streams: Gauge,
    overloaded: Counter,
}

#[derive(Clone, Debug)]
struct MethodMetrics {
    codes: [Counter; CODES.len()],
    duration: Histogram<{ BUCKETS.len() }>,
}

impl RequestMetrics {
    /// Registers them all, at zero, for these methods; later a method is known by its position.
    pub fn register(registry: &mut Registry, methods: impl Iterator<Item = &'static str>) -> Self {
        let requests = Family::<Labels<2>, Counter>::default();
        let durations = Family::<Labels<1>, Histogram<_>, fn() -> Histogram<_>>::new_with_constructor(|| {
            Histogram::new(&BUCKETS)
        });
        let (in_flight, streams, overloaded) = (Gauge::default(), Gauge::default(), Counter::default());
        registry.register("requests", "Calls answered, by method and status code", requests.clone());
        registry.register_with_unit(
            "request_duration",
            "From a call's headers to its answer, by method; streams are not timed",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register(
            "in_flight_requests",
            "Calls at work now, of limits.max_concurrent",
            in_flight.clone(),
        );
        registry.register("open_streams", "Streaming calls open now", streams.clone());
        registry.register(
            "overloaded",
            "Calls answered OVERLOADED because limits.max_concurrent were at work",
            overloaded.clone(),
        );
        let of_method = |method| MethodMetrics {
            codes: CODES.map(|code| counter(&requests, [("method", method), ("code", code)])),
            duration: durations.get_or_create_owned(&[("method", method)]),
        };
        Self { methods: methods.map(of_method).collect(), in_flight, streams, overloaded }
    }

    /// A call of the method at this position ended with this code, after this time if it is one that is timed.
    pub fn answered(&self, method: usize, code: i32, after: Option<Duration>) {
        let Some(metrics) = self.methods.get(method) else { return };
        if let Some(counter) = usize::try_from(code).ok().and_then(|code| metrics.codes.get(code)) {
            counter.inc();
        }
        if let Some(after) = after {
            metrics.duration.observe(after);
        }
    }

    /// A call begins. Returns how many were at work before it.
    pub fn enter(&self) -> usize {
        usize::try_from(self.in_flight.inc()).unwrap_or(0)
    }

    /// A call that entered ends.
    pub fn leave(&self) {
        self.in_flight.dec();
    }

    /// Calls at work now.
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.in_flight.get()).unwrap_or(0)
    }

    /// A streaming call begins.
    pub fn open_stream(&self) {
        self.streams.inc();
    }

    /// A streaming call ends.
    pub fn close_stream(&self) {
        self.streams.dec();
    }

    /// A call was turned away.
    pub fn overloaded(&self) {
        self.overloaded.inc();
    }
}
