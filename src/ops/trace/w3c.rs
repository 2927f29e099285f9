//! W3C Trace Context on HTTP headers, strictly: what is malformed counts as absent (section 3.2.2), and begins a new trace.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{SpanContext, TraceContextExt as _},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A `traceparent`: version, trace id, parent id and flags.
const LENGTH: usize = 55;

/// A `tracestate` that is longer is not passed on, as section 3.3.1.5 allows. What a caller writes here goes to the collector
/// and to identity providers as it is.
const LONGEST_STATE: usize = 512;

/// What the caller says about its trace.
#[derive(Debug)]
pub(super) enum Parent {
    /// Nothing, or nothing that can be understood.
    None,
    /// It is not recorded.
    NotSampled,
    /// It is recorded.
    Sampled(SpanContext),
}

/// Reads `traceparent`, and `tracestate` only if the trace is recorded.
pub(super) fn parent(headers: &HeaderMap) -> Parent {
    let mut written = headers.get_all(TRACEPARENT).iter();
    let (Some(traceparent), None) = (written.next(), written.next()) else { return Parent::None };
    let Some(is_sampled) = is_sampled(traceparent.as_bytes()) else { return Parent::None };
    if !is_sampled {
        return Parent::NotSampled;
    }
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    let parent = context.span().span_context().clone();
    if parent.is_valid() { Parent::Sampled(parent) } else { Parent::None }
}

/// The sampled flag; `None` if this is no `traceparent`. Later versions may have more behind what we know (section 4).
fn is_sampled(traceparent: &[u8]) -> Option<bool> {
    let (known, rest) = traceparent.split_at_checked(LENGTH)?;
    let dashes = [2, 35, 52];
    let shaped = known.iter().enumerate().all(|(at, byte)| match byte {
        b'-' => dashes.contains(&at),
        b'0'..=b'9' | b'a'..=b'f' => !dashes.contains(&at),
        _ => false,
    });
    let ends = match (known.get(..2)?, rest.first()) {
        (b"ff", _) => false,
        (b"00", after) => after.is_none(),
        (_, after) => after.is_none_or(|byte| *byte == b'-'),
    };
    let flags = char::from(*known.last()?).to_digit(16)?;
    (shaped && ends).then_some(flags & 1 == 1)
}

struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut written = self.0.get_all(key).iter();
        let value = written.next()?.to_str().ok()?;
        // Several `tracestate` are one list; the rest of a list may be left out, but not its beginning.
        (key != TRACESTATE.as_str() || value.len() <= LONGEST_STATE).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Writes `traceparent`, and `tracestate` unless that is empty.
pub(super) fn inject(context: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(context, &mut Written(headers));
}

struct Written<'h>(&'h mut HeaderMap);

impl Injector for Written<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn of(traceparent: &str) -> Parent {
        parent(&headers(&[("traceparent", traceparent)]))
    }

    #[test]
    fn the_sampled_flag_decides_and_other_flags_do_not() {
        for flags in ["01", "03", "ff"] {
            let Parent::Sampled(parent) = of(&format!("00-{TRACE}-{PARENT}-{flags}")) else {
                panic!("{flags}")
            };
            assert_eq!(
                (parent.trace_id().to_string(), parent.span_id().to_string()),
                (TRACE.into(), PARENT.into())
            );
            assert!(parent.is_remote() && parent.is_sampled());
        }
        for flags in ["00", "02", "fe"] {
            assert!(matches!(of(&format!("00-{TRACE}-{PARENT}-{flags}")), Parent::NotSampled), "{flags}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for rest in ["", "-", "-what-ever"] {
            assert!(matches!(of(&format!("cc-{TRACE}-{PARENT}-01{rest}")), Parent::Sampled(_)), "{rest}");
        }
        assert!(matches!(of(&format!("cc-{TRACE}-{PARENT}-01.")), Parent::None));
    }

    #[test]
    fn what_is_malformed_counts_as_absent() {
        for bad in [
            String::new(),
            "00-1-1-01".into(),
            "-".repeat(55),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-+{}-{PARENT}-01", TRACE.get(1..).unwrap()),
            format!("00_{TRACE}_{PARENT}_01"),
        ] {
            assert!(matches!(of(&bad), Parent::None), "{bad}");
        }
        let good = format!("00-{TRACE}-{PARENT}-01");
        let twice = headers(&[("traceparent", &good), ("traceparent", &good)]);
        assert!(matches!(parent(&twice), Parent::None));
        assert!(matches!(parent(&HeaderMap::new()), Parent::None));
    }

    #[test]
    fn tracestate_is_passed_on_up_to_its_bound() {
        let good = format!("00-{TRACE}-{PARENT}-01");
        let passed = |state: &str| {
            let Parent::Sampled(parent) = parent(&headers(&[("traceparent", &good), ("tracestate", state)]))
            else {
                panic!("sampled");
            };
            let mut written = HeaderMap::new();
            inject(&Context::new().with_remote_span_context(parent), &mut written);
            assert_eq!(written["traceparent"], good.as_str());
            written.get("tracestate").map(|state| state.to_str().unwrap().to_owned())
        };
        assert_eq!(passed("a=1,b@c=2").as_deref(), Some("a=1,b@c=2"));
        for dropped in ["", "no list at all", &format!("a={}", "x".repeat(600))] {
            assert_eq!(passed(dropped), None, "{dropped}");
        }
    }
}
