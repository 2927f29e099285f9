//! What an answer's headers say about how long it stays fresh (RFC 9111 section 4.2), for a private cache.

use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName};

/// How much longer the answer is fresh; `None` if it does not say. What cannot be read counts as stale, as section 4.2.1
/// advises. Needs no clock: `Expires` is compared with the answer's own `Date`.
pub(super) fn stated(headers: &HeaderMap) -> Option<Duration> {
    let total = from_cache_control(headers).or_else(|| from_expires(headers))?;
    let age = text(headers, &AGE)
        .and_then(|age| age.trim().parse().ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    Some(total.saturating_sub(age))
}

fn from_cache_control(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(directive).min()
}

/// One directive, if it says something about freshness.
fn directive(text: &str) -> Option<Duration> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let is = |wanted: &str| name.trim().eq_ignore_ascii_case(wanted);
    if is("no-store") || is("no-cache") {
        return Some(Duration::ZERO);
    }
    is("max-age").then(|| Duration::from_secs(value.trim().trim_matches('"').parse().unwrap_or(0)))
}

fn from_expires(headers: &HeaderMap) -> Option<Duration> {
    let expires = text(headers, &EXPIRES)?;
    let Ok(expires) = httpdate::parse_http_date(expires) else {
        return Some(Duration::ZERO);
    };
    let date = httpdate::parse_http_date(text(headers, &DATE)?).ok()?;
    Some(expires.duration_since(date).unwrap_or_default())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&HeaderName, &str)], seconds: Option<u64>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        assert_eq!(stated(&map), seconds.map(Duration::from_secs), "{headers:?}");
    }

    #[test]
    fn cache_control_speaks_for_a_private_cache() {
        check(&[], None);
        check(&[(&CACHE_CONTROL, "public, max-age=300, must-revalidate")], Some(300));
        check(&[(&CACHE_CONTROL, "s-maxage=5")], None);
        check(&[(&CACHE_CONTROL, "Max-Age=\"60\"")], Some(60));
        check(&[(&CACHE_CONTROL, "max-age=300"), (&CACHE_CONTROL, "no-cache")], Some(0));
        check(&[(&CACHE_CONTROL, "no-store")], Some(0));
        check(&[(&CACHE_CONTROL, "max-age=300"), (&AGE, "250")], Some(50));
        check(&[(&CACHE_CONTROL, "max-age=300"), (&AGE, "999")], Some(0));
    }

    #[test]
    fn what_cannot_be_read_counts_as_stale() {
        check(&[(&CACHE_CONTROL, "max-age=soon")], Some(0));
        check(&[(&CACHE_CONTROL, "max-age=99999999999999999999999")], Some(0));
        check(&[(&EXPIRES, "0")], Some(0));
    }

    #[test]
    fn expires_is_measured_from_the_answers_own_date() {
        let date = (&DATE, "Fri, 20 Nov 2026 10:00:00 GMT");
        check(&[date, (&EXPIRES, "Fri, 20 Nov 2026 10:02:00 GMT")], Some(120));
        check(&[date, (&EXPIRES, "Fri, 20 Nov 2026 09:00:00 GMT")], Some(0));
        check(&[(&EXPIRES, "Fri, 20 Nov 2026 10:02:00 GMT")], None);
        check(&[date, (&EXPIRES, "Fri, 20 Nov 2026 10:02:00 GMT"), (&CACHE_CONTROL, "max-age=7")], Some(7));
    }
}
