//! Spans, as the rest of the process makes them. Only what is made here is ever exported: no library's spans, and none of
//! the exporter's own. What a span may say is narrow on purpose (E1): constants of this program, numbers, and names from
//! the configuration.
//!
//! Whether a trace is recorded is decided before anything is made for it. Without `telemetry.otlp_endpoint`, a call costs
//! one look at [`is_on`].

mod w3c;

use std::{
    future::Future,
    pin::Pin,
    sync::OnceLock,
    task::{Context as TaskContext, Poll},
};

use http::HeaderMap;
use opentelemetry::{
    Context, ContextGuard, KeyValue,
    trace::{SpanBuilder, SpanContext, SpanKind, SpanRef, Status, TraceContextExt as _},
};
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, Sampler, SamplingDecision, SdkTracer, ShouldSample as _,
};
use pin_project_lite::pin_project;

use self::w3c::Parent;
use super::telemetry::SampleRatio;

/// Of the process, like the log. Empty where nothing is exported.
static TRACES: OnceLock<Traces> = OnceLock::new();

#[derive(Debug)]
struct Traces {
    tracer: SdkTracer,
    ratio: SampleRatio,
}

/// From now on spans are made. `false` if that was so already.
pub(super) fn start(tracer: SdkTracer, ratio: SampleRatio) -> bool {
    TRACES.set(Traces { tracer, ratio }).is_ok()
}

/// Whether spans are exported at all.
pub fn is_on() -> bool {
    TRACES.get().is_some()
}

/// A piece of work that is recorded. It ends when this is dropped.
#[derive(Debug)]
pub struct Span(Context);

impl Span {
    /// A call of this method (`package.Service/Method`) that came with these headers. Its caller decides whether it is
    /// recorded; where the caller says nothing, `telemetry.sample_ratio` does.
    pub fn of_call(headers: &HeaderMap, method: &'static str) -> Option<Self> {
        let traces = TRACES.get()?;
        let parent = match w3c::parent(headers) {
            Parent::Sampled(parent) => Context::new().with_remote_span_context(parent),
            Parent::None if traces.ratio.draws() => Context::new(),
            Parent::None | Parent::NotSampled => return None,
        };
        let (service, name) = method.split_once('/').unwrap_or(("", method));
        let attributes = [("rpc.system", "grpc"), ("rpc.service", service), ("rpc.method", name)];
        let attributes = attributes.map(|(key, value)| KeyValue::new(key, value));
        let builder = SpanBuilder::from_name(method).with_kind(SpanKind::Server).with_attributes(attributes);
        Some(traces.begin(builder, &parent))
    }

    /// A part of the current span's work; none if there is no current span.
    pub fn part(name: &'static str) -> Option<Self> {
        Self::under_current(SpanBuilder::from_name(name))
    }

    /// The same for a request that is sent to somebody else.
    pub fn request(name: &'static str) -> Option<Self> {
        Self::under_current(SpanBuilder::from_name(name).with_kind(SpanKind::Client))
    }

    fn under_current(builder: SpanBuilder) -> Option<Self> {
        let traces = TRACES.get()?;
        let parent = Context::map_current(|current| current.has_active_span().then(|| current.clone()))?;
        Some(traces.begin(builder, &parent))
    }

    /// Work in the background: a part of what caused it, or a trace of its own. Such work is rare, so it is recorded
    /// whenever any trace may begin here.
    pub fn background(name: &'static str, cause: Option<Cause>) -> Option<Self> {
        let traces = TRACES.get()?;
        let parent = match cause {
            Some(Cause(cause)) => Context::new().with_remote_span_context(cause),
            None if traces.ratio.is_zero() => return None,
            None => Context::new(),
        };
        Some(traces.begin(SpanBuilder::from_name(name), &parent))
    }

    /// Makes it the current one, until what this returns is dropped. Never across an await.
    pub fn enter(&self) -> Entered {
        Entered { _guard: self.0.clone().attach() }
    }

    /// What can be said about it.
    pub fn notes(&self) -> Notes<'_> {
        Notes(self.0.span())
    }
}

/// While this lives, a span is the current one of its thread.
#[derive(Debug)]
pub struct Entered {
    _guard: ContextGuard,
}

impl Drop for Span {
    fn drop(&mut self) {
        self.0.span().end();
    }
}

impl Traces {
    fn begin(&self, builder: SpanBuilder, parent: &Context) -> Span {
        Span(parent.with_span(builder.start_with_context(&self.tracer, parent)))
    }
}

impl SampleRatio {
    /// Whether a trace that begins here is to be recorded.
    fn draws(self) -> bool {
        let id = RandomIdGenerator::default().new_trace_id();
        let sampler = Sampler::TraceIdRatioBased(self.value());
        let result = sampler.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }
}

/// The span that asked for work which is done elsewhere.
#[derive(Clone, Debug)]
pub struct Cause(SpanContext);

impl Cause {
    /// The current span.
    pub fn current() -> Option<Self> {
        TRACES.get()?;
        Context::map_current(|current| {
            current.has_active_span().then(|| Self(current.span().span_context().clone()))
        })
    }
}

/// Says something about the current span, if there is one.
pub fn note(say: impl FnOnce(&Notes<'_>)) {
    if is_on() {
        Context::map_current(|current| {
            if current.has_active_span() {
                say(&Notes(current.span()));
            }
        });
    }
}

/// Puts the current span into the headers of a request to somebody else (W3C Trace Context).
pub fn inject(headers: &mut HeaderMap) {
    if is_on() {
        Context::map_current(|current| w3c::inject(current, headers));
    }
}

/// What can be said about a span.
#[expect(missing_debug_implementations, reason = "a borrow for the time of a closure")]
pub struct Notes<'s>(SpanRef<'s>);

impl Notes<'_> {
    /// A word of this program.
    pub fn word(&self, key: &'static str, word: &'static str) {
        self.0.set_attribute(KeyValue::new(key, word));
    }

    /// The same in lower case, as in metrics.
    pub fn lower(&self, key: &'static str, word: &'static str) {
        self.0.set_attribute(KeyValue::new(key, word.to_ascii_lowercase()));
    }

    /// A number.
    pub fn number(&self, key: &'static str, number: impl TryInto<i64>) {
        self.0.set_attribute(KeyValue::new(key, number.try_into().unwrap_or(i64::MAX)));
    }

    /// A name from the configuration, or the host of an address that it leads to.
    pub fn name(&self, key: &'static str, name: &str) {
        self.0.set_attribute(KeyValue::new(key, name.to_owned()));
    }

    /// The work failed, and that is our trouble or somebody's whom we ask.
    pub fn failed(&self) {
        self.0.set_status(Status::error(""));
    }
}

pin_project! {
    /// A future whose work belongs to a span, if that is recorded.
    #[derive(Debug)]
    pub struct InSpan<F> {
        #[pin]
        inner: F,
        span: Option<Span>,
    }
}

impl<F> InSpan<F> {
    /// Works in `span` until the end.
    pub fn new(span: Option<Span>, inner: F) -> Self {
        Self { inner, span }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.span.as_ref().map(Span::enter);
        this.inner.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_traces_that_begin_here() {
        let drawn = |ratio| {
            let ratio = SampleRatio::new(ratio).unwrap();
            (0..10_000).filter(|_| ratio.draws()).count()
        };
        assert_eq!((drawn(0.0), drawn(1.0)), (0, 10_000));
        // Twenty standard deviations.
        let half = drawn(0.5);
        assert!((4_000..6_000).contains(&half), "{half}");
    }

    #[test]
    fn without_a_collector_nothing_is_made() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap(),
        );
        assert!(!is_on());
        assert!(Span::of_call(&headers, "a.B/C").is_none() && Span::background("x", None).is_none());
        note(|_| panic!("there is no span"));
        let before = headers.clone();
        inject(&mut headers);
        assert_eq!(headers, before);
    }
}
