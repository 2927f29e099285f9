//! Single values: how each type is written, read and shown.

use std::time::Duration;

use super::{
    effective::Shown,
    notation::Notation,
    problem::quoted,
    tree::{Value, is_off},
};

/// A value that one key can hold.
pub(super) trait Setting: Sized {
    /// How its values are written.
    fn notation() -> Notation;
    /// Reads it; the error says what to write instead.
    fn read(value: &Value) -> Result<Self, String>;
    /// How it is written, so that it reads as the same again.
    fn show(&self) -> Shown;
    /// The same as a number, where a number can be written.
    fn number(&self) -> Option<u64> {
        None
    }
}

/// What a value is, for "expected ..., found ...".
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Integer(value) => format!("the number {value}"),
        Value::Fraction(_) => "a number with a fraction".to_owned(),
        Value::Text(text) => quoted(text),
        Value::List(_) | Value::Map(_) => kind_of(value).to_owned(),
    }
}

/// The same without the value itself, where a list or section was expected: what stands there may be anything.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) | Value::Integer(_) | Value::Fraction(_) | Value::Text(_) => "a single value",
        Value::List(_) => "a list",
        Value::Map(_) => "a section",
    }
}

/// "... is not ...; known: ..." for names that are more than a few.
pub(super) fn no_such(what: &str, written: &str, known: &[&str]) -> String {
    format!("{} is not {what}; known: {}", quoted(written), known.join(", "))
}

pub(super) fn expected<T>(what: &str, value: &Value) -> Result<T, String> {
    Err(format!("expected {what}, found {}", described(value)))
}

/// `off` and `false` mean none.
impl<T: Setting> Setting for Option<T> {
    fn notation() -> Notation {
        T::notation().or_off()
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(false) => Ok(None),
            Value::Text(text) if is_off(text) => Ok(None),
            Value::Null
            | Value::Bool(true)
            | Value::Integer(_)
            | Value::Fraction(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => T::read(value).map(Some).map_err(|problem| format!("{problem}; or `off`")),
        }
    }

    fn show(&self) -> Shown {
        self.as_ref().map_or_else(|| Shown::plain("off"), T::show)
    }
}

impl Setting for bool {
    fn notation() -> Notation {
        Notation::flag()
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(value) => Ok(*value),
            Value::Text(text) if matches!(text.as_str(), "true" | "on") => Ok(true),
            Value::Text(text) if is_off(text) => Ok(false),
            Value::Null
            | Value::Integer(_)
            | Value::Fraction(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => expected("`true` or `false`", value),
        }
    }

    fn show(&self) -> Shown {
        Shown::plain(self.to_string())
    }
}

impl Setting for u64 {
    fn notation() -> Notation {
        Notation::number("number", "integer", "^[0-9]+$")
    }

    fn read(value: &Value) -> Result<Self, String> {
        integer(value).map_or_else(|| expected("a whole number", value), Ok)
    }

    fn show(&self) -> Shown {
        Shown::plain(self.to_string())
    }

    fn number(&self) -> Option<u64> {
        Some(*self)
    }
}

/// A variable of the environment and a quoted value are text, also where they hold a number.
fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Text(text) => digits(text),
        Value::Null | Value::Bool(_) | Value::Fraction(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Digits and nothing else: the standard parser would also take a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Setting for String {
    fn notation() -> Notation {
        Notation::text("text")
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Text(text) if text.is_empty() => Err("must not be empty".to_owned()),
            // A block scalar (`|`) ends with a newline that nobody sees, and would never compare equal.
            Value::Text(text) if text.trim() != text => Err("begins or ends with white space".to_owned()),
            Value::Text(text) => Ok(text.clone()),
            Value::Integer(_) | Value::Fraction(_) | Value::Bool(_) => {
                expected("text", value).map_err(|problem| format!("{problem}; put it into quotes"))
            }
            Value::Null | Value::List(_) | Value::Map(_) => expected("text", value),
        }
    }

    fn show(&self) -> Shown {
        Shown::text(self.clone())
    }
}

/// The units of durations, the longest first.
const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Setting for Duration {
    fn notation() -> Notation {
        Notation::pattern("duration", &format!("^[0-9]+({})$", units(&DURATION_UNITS)))
    }

    fn read(value: &Value) -> Result<Self, String> {
        const WHAT: &str = "a duration such as `500ms`, `60s`, `15m`, `24h` or `90d`";
        if let Some(number) = integer(value) {
            return Err(format!("a duration needs a unit: write `{number}s` for seconds (ms, s, m, h or d)"));
        }
        let Value::Text(text) = value else { return expected(WHAT, value) };
        let millis = amount(text, &DURATION_UNITS).map_or_else(|| expected(WHAT, value), Ok)?;
        Ok(Self::from_millis(millis))
    }

    /// In the longest unit that holds it exactly; days only from two on, so that `24h` stays `24h`.
    fn show(&self) -> Shown {
        let millis = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let fits = |&&(unit, size): &&(&str, u64)| {
            millis.is_multiple_of(size) && millis >= size && (unit != "d" || millis >= 2 * size)
        };
        let (unit, size) = DURATION_UNITS.iter().find(fits).unwrap_or(&("s", 1_000));
        Shown::plain(format!("{}{unit}", millis / size))
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(pub(super) u64);

const SIZE_UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Size {
    pub(super) const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    pub(super) const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    pub(super) const fn gib(count: u64) -> Self {
        Self(count << 30)
    }
}

impl Setting for Size {
    fn notation() -> Notation {
        Notation::number("size", "integer", &format!("^[0-9]+({})?$", units(&SIZE_UNITS)))
    }

    fn read(value: &Value) -> Result<Self, String> {
        const WHAT: &str = "a size such as `512KiB`, `64MiB` or `1GiB`, or a whole number of bytes";
        let bytes = match value {
            Value::Text(text) => digits(text).or_else(|| amount(text, &SIZE_UNITS)),
            Value::Integer(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Fraction(_)
            | Value::List(_)
            | Value::Map(_) => integer(value),
        };
        bytes.map_or_else(|| expected(WHAT, value), |bytes| Ok(Self(bytes)))
    }

    fn show(&self) -> Shown {
        let unit = SIZE_UNITS.iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size));
        Shown::plain(
            unit.map_or_else(|| self.0.to_string(), |(unit, size)| format!("{}{unit}", self.0 / size)),
        )
    }

    fn number(&self) -> Option<u64> {
        Some(self.0)
    }
}

/// As a regular expression has them.
fn units(units: &[(&str, u64)]) -> String {
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    names.join("|")
}

/// A whole number and its unit, without a space, in the smallest unit.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    digits(number)?.checked_mul(*size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn durations_are_a_whole_number_and_a_unit() {
        for (written, millis) in [
            ("500ms", 500),
            ("60s", 60_000),
            ("15m", 900_000),
            ("24h", 86_400_000),
            ("90d", 7_776_000_000),
            ("0s", 0),
        ] {
            assert_eq!(Duration::read(&text(written)), Ok(Duration::from_millis(millis)), "{written}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_says_what_to_write() {
        for value in [text("30"), Value::Integer(30)] {
            let problem = Duration::read(&value).unwrap_err();
            assert_eq!(problem, "a duration needs a unit: write `30s` for seconds (ms, s, m, h or d)");
        }
    }

    #[test]
    fn other_durations_are_refused() {
        for bad in ["", "s", "1.5h", "-1s", "+1s", "1 s", "1S", "1w", "1h30m", "99999999999999999999s", "off"]
        {
            let problem = Duration::read(&text(bad)).unwrap_err();
            assert!(problem.starts_with("expected a duration such as"), "{bad}: {problem}");
        }
        assert!(Duration::read(&text("18446744073709551615d")).is_err());
        for bad in [
            Value::Null,
            Value::Fraction("1.5".to_owned()),
            Value::Bool(true),
            Value::Integer(-1),
            Value::List(vec![]),
        ] {
            assert!(Duration::read(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sizes_are_binary_units_or_bytes() {
        for (written, bytes) in [("512KiB", 1 << 19), ("64MiB", 1 << 26), ("1GiB", 1 << 30), ("4096", 4096)] {
            assert_eq!(Size::read(&text(written)), Ok(Size(bytes)), "{written}");
        }
        assert_eq!(Size::read(&Value::Integer(7)), Ok(Size(7)));
        for bad in ["64MB", "64M", "64 MiB", "-1", "1.5MiB", "MiB", "", "99999999999GiB"] {
            assert!(Size::read(&text(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_reads_as_the_same_again() {
        for millis in [0, 1, 999, 1_000, 1_500, 60_000, 90_000, 86_400_000, 172_800_000, 259_200_001] {
            let duration = Duration::from_millis(millis);
            assert_eq!(Duration::read(&text(&duration.show().to_string())), Ok(duration), "{millis}");
        }
        for bytes in [0, 1, 1023, 1024, 1025, 1 << 20, (1 << 30) + (1 << 20)] {
            assert_eq!(Size::read(&text(&Size(bytes).show().to_string())), Ok(Size(bytes)), "{bytes}");
        }
    }

    #[test]
    fn off_and_false_both_mean_none() {
        for off in [text("off"), text("false"), Value::Bool(false)] {
            assert_eq!(Option::<Duration>::read(&off), Ok(None));
            assert_eq!(bool::read(&off), Ok(false));
        }
        for bad in [text("no"), text("OFF"), Value::Null, Value::Integer(0)] {
            assert!(Option::<Duration>::read(&bad).is_err(), "{bad:?}");
            assert!(bool::read(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn text_is_quoted_where_yaml_would_take_it_for_something_else() {
        assert_eq!(String::read(&text("a b")), Ok("a b".to_owned()));
        for (bad, told) in [
            (Value::Integer(12), "expected text, found the number 12; put it into quotes"),
            (Value::Bool(true), "expected text, found `true`; put it into quotes"),
            (text(""), "must not be empty"),
            (text("api\n"), "begins or ends with white space"),
            (Value::Null, "expected text, found nothing"),
            (Value::List(vec![]), "expected text, found a list"),
        ] {
            assert_eq!(String::read(&bad), Err(told.to_owned()));
        }
    }

    #[test]
    fn long_values_are_not_repeated() {
        let long = "s3cr3t".repeat(10);
        for problem in [Duration::read(&text(&long)).unwrap_err(), u64::read(&text(&long)).unwrap_err()] {
            assert!(!problem.contains("s3cr3t"), "{problem}");
        }
    }
}
