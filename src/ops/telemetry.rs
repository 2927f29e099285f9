//! What the process says about itself while it runs: logs, lines on standard error, filtered, as JSON or for people; and
//! traces, to a collector, if there is one.

mod export;

use std::{io::IsTerminal as _, panic};

use opentelemetry_otlp::ExporterBuildError;
use tracing_subscriber::{EnvFilter, filter::ParseError};
use url::Url;

pub use self::export::flush;

/// How to log, and where traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// A `tracing` filter: a level, or directives such as `info,countersign=debug`.
    pub log: String,
    /// How a line looks.
    pub format: LogFormat,
    /// Where traces go, if anywhere.
    pub otlp: Option<OtlpSettings>,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpSettings {
    /// The collector, which speaks OTLP over gRPC: https, or http on loopback.
    pub endpoint: Url,
    /// How many of the traces that begin here are recorded.
    pub sample_ratio: SampleRatio,
}

/// A part of all traces.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct SampleRatio(f64);

/// It is never NaN.
impl Eq for SampleRatio {}

impl SampleRatio {
    /// One in a hundred.
    pub const DEFAULT: Self = Self(0.01);

    /// From 0.0, none, to 1.0, all; `None` for any other number.
    pub fn new(ratio: f64) -> Option<Self> {
        (0.0..=1.0).contains(&ratio).then_some(Self(ratio))
    }

    /// From 0.0 to 1.0.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Whether no trace begins here.
    pub fn is_zero(self) -> bool {
        self.0 <= 0.0
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// Libraries that print frames and headers below `warn`. A plain level is not about them: whoever wants their lines
/// names them.
const QUIET: [&str; 6] = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tower"];

/// Logging or tracing could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.log` is not a filter.
    #[error("telemetry.log is not a filter like `info,countersign=debug`")]
    Filter(#[source] ParseError),
    /// Something else installed a subscriber before.
    #[error("logging was started twice")]
    Twice,
    /// `telemetry.otlp_endpoint` cannot be used.
    #[error("traces cannot be exported to telemetry.otlp_endpoint")]
    Export(#[source] ExporterBuildError),
}

/// Starts logging, panics included, and tracing, for the whole process. Needs the runtime.
pub fn init(settings: &TelemetrySettings) -> Result<(), TelemetryError> {
    let filter = filter(&settings.log).map_err(TelemetryError::Filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    started.map_err(|_already| TelemetryError::Twice)?;
    log_panics();
    settings.otlp.as_ref().map_or(Ok(()), export::start).map_err(TelemetryError::Export)
}

/// The filter of the configuration, with [`QUIET`] libraries at `warn` unless it names them.
fn filter(log: &str) -> Result<EnvFilter, ParseError> {
    let mut filter = EnvFilter::builder().parse(log)?;
    for library in QUIET {
        let named = log.split(',').any(|directive| {
            directive.trim().strip_prefix(library).is_some_and(|rest| rest.starts_with(['=', ':', '[']))
        });
        if !named {
            filter = filter.add_directive(format!("{library}=warn").parse()?);
        }
    }
    Ok(filter)
}

/// A panic's message may quote what was being worked on, so only its place is logged. The default hook would print it.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let (file, line) = panic.location().map(|at| (at.file(), at.line())).unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(
            code.file.path = file,
            code.line.number = line,
            thread.name = thread.name().unwrap_or_default(),
            "a thread panicked; this is a bug"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_unless_named() {
        let shown = filter("debug,h2=trace").unwrap().to_string();
        assert!(shown.contains("h2=trace") && !shown.contains("h2=warn"), "{shown}");
        assert!(shown.contains("hyper=warn") && shown.contains("hyper_util=warn"), "{shown}");
    }

    #[test]
    fn a_filter_that_is_none_is_an_error() {
        assert!(filter("countersign=loud").is_err());
    }
}
