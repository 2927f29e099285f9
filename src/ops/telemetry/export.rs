//! Spans on their way to a collector: OTLP over gRPC, in batches, from a thread and a bounded queue of their own, so that a
//! collector that is slow or gone costs spans and nothing else.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry::{Context, KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter as OtlpExporter, WithExportConfig as _, WithTonicConfig as _,
    tonic_types::transport::ClientTlsConfig,
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    resource::EnvResourceDetector,
    trace::{
        BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, Sampler, SdkTracerProvider, Span, SpanData,
        SpanExporter, SpanProcessor,
    },
};
use tokio::{task::spawn_blocking, time::timeout};

use super::OtlpSettings;
use crate::ops::{metrics::SpanMetrics, trace};

/// For one batch, its repetitions included.
const EXPORT: Duration = Duration::from_secs(5);
/// What the end of the process waits for the last spans.
const FLUSH: Duration = Duration::from_secs(2);
/// When a flush that does not keep to its time is left behind.
const FLUSH_CEILING: Duration = Duration::from_millis(2_500);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Starts exporting. Nothing is connected yet, and nothing ever waits for the collector. Needs the runtime.
pub(super) fn start(settings: &OtlpSettings) -> Result<(), ExporterBuildError> {
    let exporter =
        OtlpExporter::builder().with_tonic().with_endpoint(settings.endpoint.as_str()).with_timeout(EXPORT);
    let exporter = match settings.endpoint.scheme() {
        "https" => exporter.with_tls_config(ClientTlsConfig::new().with_enabled_roots()),
        _ => exporter,
    };
    let exporter = Watched { inner: exporter.build()?, failing: AtomicBool::new(false) };
    let provider = SdkTracerProvider::builder()
        // Whether to record is decided before a span is made.
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource())
        .with_span_processor(Counted(BatchSpanProcessor::builder(exporter).build()))
        .build();
    if trace::start(provider.tracer(env!("CARGO_PKG_NAME")), settings.sample_ratio) {
        drop(PROVIDER.set(provider));
    }
    Ok(())
}

/// Who says what is said. Whoever runs this knows better, and says so in `OTEL_RESOURCE_ATTRIBUTES`.
fn resource() -> Resource {
    Resource::builder_empty()
        .with_service_name(env!("CARGO_PKG_NAME"))
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", RandomIdGenerator::default().new_trace_id().to_string()),
        ])
        .with_detector(Box::new(EnvResourceDetector::new()))
        .build()
}

/// Hands over what is left, for two seconds at most. For the end of the process.
pub async fn flush() {
    let Some(provider) = PROVIDER.get() else { return };
    let last = spawn_blocking(|| provider.shutdown_with_timeout(FLUSH));
    let flushed = matches!(timeout(FLUSH_CEILING, last).await, Ok(Ok(Ok(()))));
    if !flushed {
        tracing::warn!("the last spans could not be exported");
    }
}

/// Counts what should reach the collector.
#[derive(Debug)]
struct Counted<P>(P);

impl<P: SpanProcessor> SpanProcessor for Counted<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        SpanMetrics::of_process().ended();
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// Counts what did, and says so when that changes.
#[derive(Debug)]
struct Watched<E> {
    inner: E,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.inner.export(batch).await;
        let was_failing = self.failing.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Ok(()) => {
                SpanMetrics::of_process().exported(spans);
                if was_failing {
                    tracing::info!("spans can be exported again");
                }
            }
            Err(error) => {
                SpanMetrics::of_process().failed(spans);
                if !was_failing {
                    tracing::warn!(error.message = %error, "spans cannot be exported and are lost; nothing else suffers");
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
