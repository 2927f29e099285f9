//! How long a server asks to be left alone (RFC 9110 section 10.2.3).

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// What `Retry-After` says, in seconds or as a date. A date is compared with the answer's own, so that no clock of ours matters; one
/// without the other says nothing.
pub(super) fn stated(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    until.duration_since(date(headers, &DATE)?).ok()
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<std::time::SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], expected: Option<u64>) {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        assert_eq!(stated(&headers), expected.map(Duration::from_secs), "{headers:?}");
    }

    #[test]
    fn seconds_and_dates_are_read_and_anything_else_says_nothing() {
        check(&[], None);
        check(&[("retry-after", "120")], Some(120));
        check(&[("retry-after", " 0 ")], Some(0));
        let later = ("retry-after", "Fri, 20 Nov 2026 10:01:00 GMT");
        check(&[later, ("date", "Fri, 20 Nov 2026 10:00:00 GMT")], Some(60));
        check(&[later, ("date", "Fri, 20 Nov 2026 10:02:00 GMT")], None);
        check(&[later], None);
        for garbage in ["-1", "soon", "1.5", ""] {
            check(&[("retry-after", garbage)], None);
        }
    }
}
