//! `grpc-timeout`: how long the caller waits.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use super::CEILING;

/// How much earlier than the caller we give up. tonic watches the same header outside of us and answers CANCELLED; both
/// timers have a resolution of a millisecond, so ours has to be ahead by more than one.
const AHEAD: Duration = Duration::from_millis(2);

/// When a call is answered DEADLINE_EXCEEDED. A request extension, for work that should not outlive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// From a request's headers, [`CEILING`] at most. A header that is none of the protocol's forms is ignored, as tonic does.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let timeout = parse(headers.get("grpc-timeout")?.as_bytes())?;
        // Of a time-out shorter than twice that, half is left to the work.
        let ahead = AHEAD.min(timeout / 2);
        Instant::now().checked_add(timeout.saturating_sub(ahead).min(CEILING)).map(Self)
    }
}

/// One to eight digits and a unit (gRPC over HTTP/2, `TimeoutValue TimeoutUnit`).
fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number.saturating_mul(3600))),
        b'M' => Some(Duration::from_secs(number.saturating_mul(60))),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocols_forms_and_no_others() {
        let check = |text: &str, expected| assert_eq!(parse(text.as_bytes()), expected, "{text}");
        check("3H", Some(Duration::from_hours(3)));
        check("1M", Some(Duration::from_mins(1)));
        check("42S", Some(Duration::from_secs(42)));
        check("200m", Some(Duration::from_millis(200)));
        check("2u", Some(Duration::from_micros(2)));
        check("99999999n", Some(Duration::from_nanos(99_999_999)));
        check("0m", Some(Duration::ZERO));
        for bad in ["", "m", "12", "123456789m", "+5S", "-1S", "1.5S", " 1S", "1s", "1h", "1ms", "五S"] {
            check(bad, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_lies_a_little_ahead_of_the_callers() {
        let check = |header: &str, expected| {
            let headers = HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), header.parse().unwrap())]);
            assert_eq!(Deadline::of(&headers), Some(Deadline(Instant::now() + expected)), "{header}");
        };
        check("200m", Duration::from_millis(198));
        check("1m", Duration::from_micros(500));
        check("0n", Duration::ZERO);
        check("99999999H", CEILING);
        assert!(Deadline::of(&HeaderMap::new()).is_none());
    }
}
