//! Where traces go.

use super::*;
use crate::ops::telemetry::SampleRatio;

#[test]
fn what_is_no_collector_or_no_ratio_is_refused() {
    for (line, expected) in [
        (
            "otlp_endpoint: http://x",
            "otlp_endpoint: plain http is accepted for loopback hosts; beyond them, the collector has to have \
             TLS; or `off`",
        ),
        (
            "otlp_endpoint: localhost:4317",
            "otlp_endpoint: expected an absolute URL that begins with `https://`; or `off`",
        ),
        (
            "otlp_endpoint: 'https://user@x'",
            "otlp_endpoint: a URL with a user name or password in it is not accepted; or `off`",
        ),
        (
            "otlp_endpoint: 'http://127.0.0.1:4318/v1/traces'",
            "otlp_endpoint: expected scheme, host and port only: this is OTLP over gRPC, which has no paths; \
             or `off`",
        ),
        (
            "sample_ratio: 1.5",
            "sample_ratio: expected a number from 0.0 to 1.0, found a number with a fraction",
        ),
        ("sample_ratio: -1", "sample_ratio: expected a number from 0.0 to 1.0, found the number -1"),
        (
            "sample_ratio: .nan",
            "sample_ratio: expected a number from 0.0 to 1.0, found a number with a fraction",
        ),
        ("sample_ratio: 1%", "sample_ratio: expected a number from 0.0 to 1.0, found `1%`"),
    ] {
        let problems =
            load(&format!("telemetry: {{{line}}}\n{ISSUER}")).map(|loaded| loaded.effective).unwrap_err();
        assert_eq!(problems, [format!("countersign.yaml:1: telemetry.{expected}")], "{line}");
    }
}

#[test]
fn traces_go_to_a_collector_with_tls_or_on_this_machine() {
    let otlp = |telemetry: &str| {
        good(&format!("telemetry: {{{telemetry}}}\n{ISSUER}")).config.telemetry.otlp.unwrap()
    };
    for endpoint in
        ["https://otel.example:4317", "http://127.0.0.1:4317", "http://[::1]:4317", "http://localhost:1"]
    {
        let otlp = otlp(&format!("otlp_endpoint: '{endpoint}'"));
        assert_eq!(otlp.endpoint.as_str(), format!("{endpoint}/"));
        assert_eq!(Some(otlp.sample_ratio), SampleRatio::new(0.01));
    }
    for (written, ratio) in [("0", 0.0), ("1", 1.0), ("0.5", 0.5), ("'1e-3'", 0.001), ("1.0", 1.0)] {
        let otlp = otlp(&format!("otlp_endpoint: https://otel.example, sample_ratio: {written}"));
        assert_eq!(otlp.sample_ratio, SampleRatio::new(ratio).unwrap(), "{written}");
    }
}

#[test]
fn a_collector_s_other_port_and_a_ratio_of_nothing_are_warned_of() {
    for (telemetry, warning) in [
        (
            "otlp_endpoint: https://otel.example:4318",
            "telemetry.otlp_endpoint: is spoken to in gRPC, for which collectors have port 4317; 4318 is for HTTP",
        ),
        ("sample_ratio: 0.5", "telemetry.sample_ratio: has no effect without `otlp_endpoint`"),
    ] {
        let warnings = good(&format!("telemetry: {{{telemetry}}}\n{ISSUER}")).warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].to_string().ends_with(warning), "{}", warnings[0]);
    }
}
