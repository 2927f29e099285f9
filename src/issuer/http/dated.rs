//! When a server says that it made its answer (RFC 9110 section 6.6.1), for comparing clocks.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{AGE, DATE, HeaderMap};

use crate::domain::time::UnixTime;

/// What an answer's `Date` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::issuer) enum Dated {
    /// Made within the second that begins at `date`, and held by caches for `age` since.
    At { date: UnixTime, age: Duration },
    /// It does not say.
    Missing,
    /// What it says is no date, or how long caches held it is no number.
    Unreadable,
}

impl Dated {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(date) = headers.get(DATE) else { return Self::Missing };
        let date = date.to_str().ok().and_then(|text| httpdate::parse_http_date(text).ok());
        let date = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
        let age = match headers.get(AGE) {
            None => Some(Duration::ZERO),
            Some(age) => age.to_str().ok().and_then(|age| age.trim().parse().ok()).map(Duration::from_secs),
        };
        match (date, age) {
            (Some(date), Some(age)) => Self::At { date: UnixTime::from_secs(0).plus(date), age },
            (None, _) | (_, None) => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expected: Dated) {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        assert_eq!(Dated::of(&headers), expected, "{headers:?}");
    }

    #[test]
    fn a_date_is_read_with_the_time_that_caches_added() {
        let date = UnixTime::from_secs(1_795_168_800);
        let header = ("date", "Fri, 20 Nov 2026 10:00:00 GMT");
        check(&[header], Dated::At { date, age: Duration::ZERO });
        check(&[header, ("age", "90")], Dated::At { date, age: Duration::from_secs(90) });
        check(&[], Dated::Missing);
        check(&[header, ("age", "old")], Dated::Unreadable);
        for garbage in ["today", "1795168800", "Fri, 20 Nov 1926 10:00:00 GMT", ""] {
            check(&[("date", garbage)], Dated::Unreadable);
        }
    }
}
