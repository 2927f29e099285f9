//! The section `telemetry`.

use tracing_subscriber::EnvFilter;
use url::Url;

use super::{
    effective::Shown,
    key::Key,
    keys::address,
    notation::{Notation, either, off},
    scalar::{Setting, expected},
    section::Section,
    tree::Value,
    written::ADDRESS,
};
use crate::ops::telemetry::{LogFormat, OtlpSettings, SampleRatio, TelemetrySettings};

/// Where collectors listen for OTLP over HTTP, which is not spoken here.
const OTLP_HTTP_PORT: u16 = 4318;

const TELEMETRY: Key = Key::restart("telemetry", "What the process says about itself.");
const LOG: Key = Key::restart(
    "log",
    "A level, or directives such as `info,countersign=debug`. [logging.md](logging.md) has every line.",
);
const FORMAT: Key = Key::restart("format", "How a line looks; `pretty` is for people.");
const OTLP_ENDPOINT: Key = Key::restart(
    "otlp_endpoint",
    "The collector that [traces](tracing.md) go to, in OTLP over gRPC: scheme, host and port. Plain `http` only on \
     loopback.",
);
const SAMPLE_RATIO: Key = Key::restart(
    "sample_ratio",
    "How many of the traces that begin here are recorded. A caller that sends `traceparent` decides for its own.",
);

/// Reads `telemetry`.
pub(super) fn read(root: &mut Section<'_, '_>) -> TelemetrySettings {
    root.section(TELEMETRY, |telemetry| TelemetrySettings {
        log: telemetry.value(LOG, Filter("info".to_owned())).0,
        format: telemetry.choice(
            FORMAT,
            LogFormat::Json,
            &[("json", LogFormat::Json), ("pretty", LogFormat::Pretty)],
        ),
        otlp: otlp(telemetry),
    })
}

fn otlp(telemetry: &mut Section<'_, '_>) -> Option<OtlpSettings> {
    let endpoint = telemetry.value::<Option<Collector>>(OTLP_ENDPOINT, None);
    let sample_ratio = telemetry.value(SAMPLE_RATIO, SampleRatio::DEFAULT);
    let Some(Collector(endpoint)) = endpoint else {
        if sample_ratio != SampleRatio::DEFAULT {
            telemetry.warning("sample_ratio", "has no effect without `otlp_endpoint`");
        }
        return None;
    };
    if endpoint.port() == Some(OTLP_HTTP_PORT) {
        telemetry.warning(
            "otlp_endpoint",
            "is spoken to in gRPC, for which collectors have port 4317; 4318 is for HTTP",
        );
    }
    Some(OtlpSettings { endpoint, sample_ratio })
}

/// Where an OTLP collector listens for gRPC.
struct Collector(Url);

impl Setting for Collector {
    fn notation() -> Notation {
        Notation::pattern("URL", ADDRESS)
    }

    fn read(value: &Value) -> Result<Self, String> {
        // Spans say who asks for what, and when: as little for others to read as what identity providers send.
        let url = address(&String::read(value)?, false).map_err(|problem| {
            problem.replace(", or with `allow_http: true`", "; beyond them, the collector has to have TLS")
        })?;
        if url.path() == "/" && url.query().is_none() {
            Ok(Self(url))
        } else {
            Err("expected scheme, host and port only: this is OTLP over gRPC, which has no paths".to_owned())
        }
    }

    fn show(&self) -> Shown {
        Shown::text(self.0.as_str().trim_end_matches('/'))
    }
}

impl Setting for SampleRatio {
    fn notation() -> Notation {
        Notation::number("ratio", "number", r"^(0?\.[0-9]+|0|1|1\.0+|[0-9.]+e-[0-9]+)$").at_most_one()
    }

    fn read(value: &Value) -> Result<Self, String> {
        let number = match value {
            Value::Integer(number) => number.to_string().parse().ok(),
            Value::Fraction(text) | Value::Text(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        };
        number.and_then(Self::new).map_or_else(|| expected("a number from 0.0 to 1.0", value), Ok)
    }

    fn show(&self) -> Shown {
        Shown::plain(self.value().to_string())
    }
}

/// A `tracing` filter, checked here so that a mistyped one does not log everything or nothing.
struct Filter(String);

impl Setting for Filter {
    fn notation() -> Notation {
        let text = Notation::text("text");
        Notation { schema: either(&text.schema, &off()), ..text }
    }

    fn read(value: &Value) -> Result<Self, String> {
        // `off` is a filter too, and arrives as `false` from Helm.
        let text = if *value == Value::Bool(false) { "off".to_owned() } else { String::read(value)? };
        match EnvFilter::builder().parse(&text) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err("expected a level (error, warn, info, debug, trace) or directives such as \
                 `info,countersign=debug`"
                .to_owned()),
        }
    }

    fn show(&self) -> Shown {
        Shown::text(self.0.as_str())
    }
}
