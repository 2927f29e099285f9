//! JSON as strictly as tokens need it: no duplicate members at any depth, bounded nesting.
//!
//! RFC 7515 section 4 and RFC 7519 section 4 let a parser take the last of two equal names or refuse; two parsers that
//! choose differently read two different tokens, so this one refuses.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep objects and arrays may lie in each other. Real tokens stay below six.
pub const MAX_DEPTH: usize = 16;

/// How much may be in it, counted in values, an object as twenty: what a parsed object takes is many times its text, and
/// all this happens before anybody knows who wrote it.
const MAX_VALUES: usize = 8192;
const OBJECT_VALUES: usize = 20;

/// Parses one JSON object, all of `bytes`, with unique member names and at most [`MAX_DEPTH`] levels. `None` for
/// anything else: the caller says what was malformed, never with the parser's words, which quote the input.
pub fn parse_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let left = Cell::new(MAX_VALUES);
    let value = Strict { depth: MAX_DEPTH, left: &left }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    match value {
        Value::Object(members) => Some(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

#[derive(Clone, Copy)]
struct Strict<'l> {
    depth: usize,
    left: &'l Cell<usize>,
}

impl Strict<'_> {
    fn inner<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { depth, ..self })
    }

    fn spend<E: Error>(self, values: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(values).ok_or_else(|| E::custom("too much in it"))?;
        self.left.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.spend(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.spend(OBJECT_VALUES)?;
        let inner = self.inner()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member name appears twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_members_are_refused_at_any_depth() {
        assert!(parse_object(br#"{"a":1,"b":{"a":1}}"#).is_some());
        for bad in [r#"{"a":1,"a":1}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#] {
            assert!(parse_object(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_would_take_much_more_memory_than_text_is_refused() {
        let objects = |count: usize| format!("{{\"a\":[{}{{}}]}}", "{\"\":0},".repeat(count));
        assert!(parse_object(objects(300).as_bytes()).is_some());
        assert!(parse_object(objects(1000).as_bytes()).is_none());
        let numbers = |count: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(count));
        assert!(parse_object(numbers(7000).as_bytes()).is_some());
        assert!(parse_object(numbers(9000).as_bytes()).is_none());
    }

    #[test]
    fn only_one_whole_object_of_bounded_depth_is_accepted() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_object(nested(MAX_DEPTH - 1).as_bytes()).is_some());
        assert!(parse_object(nested(MAX_DEPTH).as_bytes()).is_none());
        for bad in ["", "[]", "1", "null", "\"a\"", "{}{}", "{} x", "{\"a\":01}", "{\"a\":1,}", "\u{feff}{}"]
        {
            assert!(parse_object(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(parse_object(&nested(100_000).into_bytes()).is_none());
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_none());
    }
}
