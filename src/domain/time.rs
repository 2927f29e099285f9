//! Wall time as the standards count it.

use std::{fmt, time::Duration};

/// The last second that a protobuf `Timestamp` can say: 9999-12-31T23:59:59Z.
const MAX_MILLIS: i64 = 253_402_300_799_999;

/// A point in wall time, in milliseconds since 1970-01-01T00:00:00Z, never negative and never past the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// Clamps to the range that this type can hold.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, MAX_MILLIS))
    }

    /// Clamps to the range that this type can hold.
    pub fn from_secs(secs: i64) -> Self {
        Self::from_millis(secs.saturating_mul(1000))
    }

    /// Reads a `NumericDate` (RFC 7519 section 2), which may be fractional; `None` if it is negative, not a number, or
    /// past the year 9999.
    pub fn from_numeric_date(number: &serde_json::Number) -> Option<Self> {
        if let Some(secs) = number.as_u64() {
            let millis = i64::try_from(secs).ok()?.checked_mul(1000)?;
            return (millis <= MAX_MILLIS).then_some(Self(millis));
        }
        let secs = number.as_f64()?;
        if !(0.0..=253_402_300_799.0).contains(&secs) {
            return None;
        }
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "within 0..=253402300799, checked above, so the product is within i64"
        )]
        let millis = (secs * 1000.0) as i64;
        Some(Self(millis))
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub fn as_secs(self) -> i64 {
        self.0 / 1000
    }

    /// The part below a second, in nanoseconds.
    pub fn subsec_nanos(self) -> i32 {
        i32::try_from(self.0 % 1000).unwrap_or(0).saturating_mul(1_000_000)
    }

    /// Later by `by`, at most the end of this type's range.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(by)))
    }

    /// Earlier by `by`, at least 1970.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(by)))
    }

    /// How long `self` lies after `earlier`; zero if it does not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.as_secs(), self.0 % 1000)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The wall clock. Named here so that every layer can speak of it; only use cases and the key keeper hold one, and no
/// function of `domain` takes one.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(json: &str) -> Option<i64> {
        UnixTime::from_numeric_date(&serde_json::from_str(json).unwrap()).map(UnixTime::as_millis)
    }

    #[test]
    fn numeric_dates_may_be_fractional_and_must_be_sane() {
        assert_eq!(date("1"), Some(1000));
        assert_eq!(date("1.5"), Some(1500));
        assert_eq!(date("1e3"), Some(1_000_000));
        assert_eq!(date("0"), Some(0));
        assert_eq!(date("253402300799"), Some(253_402_300_799_000));
        for bad in ["-1", "-0.5", "253402300800", "1e300", "18446744073709551615"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let end = UnixTime::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(UnixTime::from_secs(1).minus(Duration::MAX), UnixTime::from_secs(0));
        assert_eq!(UnixTime::from_secs(1).since(UnixTime::from_secs(2)), Duration::ZERO);
    }
}
