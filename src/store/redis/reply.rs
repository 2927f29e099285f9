//! Redis' answers, taken apart. Whatever it says, nothing here panics: something else than was expected is an error.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else Redis says than was asked for is the same error"
)]

use std::sync::Arc;

use redis::{ServerError, Value};

use super::super::error::StoreError;

/// Not what was asked for: another service's script, or a proxy in between.
#[derive(Debug, thiserror::Error)]
#[error("Redis gave an answer of another form than the store asked for")]
struct Unexpected;

/// What Redis said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

pub(super) fn unexpected() -> StoreError {
    StoreError::Redis { code: None, source: Arc::new(Unexpected) }
}

/// The value, unless it is an error.
pub(super) fn good(prefix: &str, value: Value) -> Result<Value, StoreError> {
    match value {
        Value::ServerError(error) => Err(refused(prefix, &error)),
        value => Ok(value),
    }
}

/// What a server's or one of our scripts' errors means.
fn refused(prefix: &str, error: &ServerError) -> StoreError {
    let prefix = prefix.to_owned();
    let mut words = error.details().unwrap_or_default().split_whitespace();
    let (about, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match error.code() {
        "CSSCHEMA" => StoreError::NewerSchema { prefix, found: about.parse().unwrap_or(0), known: 1 },
        "CSVERSION" => {
            StoreError::UnknownEntry { prefix, what: named(about), found: number.parse().unwrap_or(0) }
        }
        "CSDAMAGED" => StoreError::DamagedEntry { prefix, what: named(about) },
        "WRONGTYPE" => StoreError::NotOurs { prefix },
        // A script's error may wrap the one of the command in it.
        _any if error.details().is_some_and(|said| said.contains("WRONGTYPE")) => {
            StoreError::NotOurs { prefix }
        }
        code => StoreError::Redis { code: Some(code.to_owned()), source: Arc::new(said(error)) },
    }
}

fn named(word: &str) -> &'static str {
    match word {
        "revocation" => "a revocation",
        "session" => "a session's record",
        "tally" => "a count of revocations",
        _counter => "a counter of its own",
    }
}

/// Its words, without the arguments that some errors repeat.
fn said(error: &ServerError) -> Refusal {
    let text = error.details().unwrap_or_default();
    let text = text.split(", with args").next().unwrap_or_default();
    Refusal(format!("{} {text}", error.code()))
}

pub(super) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) | Value::Set(values) => Ok(values),
        _other => Err(unexpected()),
    }
}

/// A fixed number of values.
pub(super) fn these<const N: usize>(value: Value) -> Result<[Value; N], StoreError> {
    list(value)?.try_into().map_err(|_length| unexpected())
}

/// A hash, or whatever else comes in pairs: flat in RESP2, a map in RESP3.
pub(super) fn pairs(value: Value) -> Result<Vec<(Value, Value)>, StoreError> {
    let values = match value {
        Value::Map(pairs) => return Ok(pairs),
        value => list(value)?,
    };
    if values.len() % 2 != 0 {
        return Err(unexpected());
    }
    let mut values = values.into_iter();
    let mut pairs = Vec::with_capacity(values.len() / 2);
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// `None`: there is nothing.
pub(super) fn maybe(value: Value) -> Option<Value> {
    match value {
        Value::Nil => None,
        value => Some(value),
    }
}

pub(super) fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Ok(text.into_bytes()),
        _other => Err(unexpected()),
    }
}

pub(super) fn text(value: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes(value)?).map_err(|_invalid| unexpected())
}

/// A number, or its digits.
pub(super) fn number(value: Value) -> Result<i64, StoreError> {
    match value {
        Value::Int(number) => Ok(number),
        value => text(value)?.parse().map_err(|_invalid| unexpected()),
    }
}

pub(super) fn count(value: Value) -> Result<u64, StoreError> {
    u64::try_from(number(value)?).map_err(|_negative| unexpected())
}

/// The only value of a pipeline of one command.
pub(super) fn only(values: Vec<Value>) -> Result<Value, StoreError> {
    let [value] = values.try_into().map_err(|_length: Vec<Value>| unexpected())?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    fn every_form() -> Vec<Value> {
        let text = || Value::BulkString(b"\xff".to_vec());
        vec![
            Value::Nil,
            Value::Int(-1),
            text(),
            Value::Array(vec![]),
            Value::Array(vec![text(), Value::Nil, Value::Int(3)]),
            Value::SimpleString("a".to_owned()),
            Value::Okay,
            Value::Map(vec![(Value::Nil, text())]),
            Value::Set(vec![Value::Okay]),
            Value::Double(1.5),
            Value::Boolean(true),
        ]
    }

    #[test]
    fn nothing_that_redis_may_say_is_taken_for_something_else() {
        for value in every_form() {
            let is_list = matches!(value, Value::Array(_) | Value::Set(_));
            assert_eq!(list(value.clone()).is_ok(), is_list, "{value:?}");
            assert!(these::<2>(value.clone()).is_err(), "{value:?}");
            assert!(count(value.clone()).is_err(), "{value:?}");
            assert_eq!(maybe(value.clone()).is_none(), value == Value::Nil, "{value:?}");
        }
        let odd = Value::Array(vec![Value::Int(1), Value::Int(2), Value::Int(3)]);
        assert!(pairs(odd.clone()).is_err());
        assert!(only(vec![odd.clone(), odd]).is_err());
        assert_eq!(number(Value::BulkString(b"-5".to_vec())).unwrap(), -5);
    }
}
