//! JSON as strictly as tokens need it: no duplicate members at any depth, bounded nesting.
//!
//! RFC 7515 section 4 and RFC 7519 section 4 let a parser take the last of two equal names or refuse; two parsers that
//! choose differently read two different tokens, so this one refuses.
//!
//! What is read borrows from the text, and objects are lists: a token has a dozen members, each of which is asked for once
//! or twice.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// How deep objects and arrays may lie in each other. Real tokens stay below six.
pub const MAX_DEPTH: usize = 16;

/// How much may be in it, counted in values, an object as twenty: what a parsed object takes is many times its text, and
/// all this happens before anybody knows who wrote it.
const MAX_VALUES: usize = 8192;
const OBJECT_VALUES: usize = 20;

/// Objects of more members are sorted to find equal names; comparing each with each is quicker up to here.
const FEW_MEMBERS: usize = 24;

/// A JSON value.
#[derive(PartialEq)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
#[expect(missing_docs, reason = "as RFC 8259 names them")]
pub enum Json<'t> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'t, str>),
    List(Vec<Self>),
    Object(Object<'t>),
}

/// A JSON object whose names are unique.
#[derive(PartialEq)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct Object<'t> {
    members: Vec<(Cow<'t, str>, Json<'t>)>,
}

impl<'t> Object<'t> {
    /// A member's value.
    pub fn get(&self, name: &str) -> Option<&Json<'t>> {
        self.members.iter().find(|(known, _)| is(known, name)).map(|(_, value)| value)
    }

    /// Whether there is such a member, be it `null`.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The only member, if it is that.
    pub fn only(&self, name: &str) -> Option<&Json<'t>> {
        if self.members.len() == 1 { self.get(name) } else { None }
    }

    fn has_equal_names(&self) -> bool {
        if self.members.len() <= FEW_MEMBERS {
            let mut rest = self.members.iter();
            return std::iter::from_fn(|| rest.next().map(|(name, _)| (name, rest.clone())))
                .any(|(name, mut later)| later.any(|(other, _)| is(other, name)));
        }
        let mut names: Vec<&str> = self.members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair.first() == pair.last())
    }
}

/// Whether two names are the same. Most names of most tokens have three letters, and almost all of those differ at one of
/// their ends: no call of a comparison, a hundred times a token, finds that out as quickly.
fn is(known: &str, name: &str) -> bool {
    let (known, name) = (known.as_bytes(), name.as_bytes());
    known.len() == name.len() && known.first() == name.first() && known.last() == name.last() && known == name
}

impl<'t> Json<'t> {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object<'t>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// What a JSON Pointer leads to from here (RFC 6901).
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, part| value.child(&unescaped(part)))
    }

    fn child(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.get(name),
            Self::List(items) if is_index(name) => items.get(name.parse::<usize>().ok()?),
            Self::List(_) | Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }
}

/// A name of a JSON Pointer as it is in the object (RFC 6901 section 4).
pub(super) fn unescaped(name: &str) -> Cow<'_, str> {
    if name.contains('~') { name.replace("~1", "/").replace("~0", "~").into() } else { name.into() }
}

/// Digits without a leading zero (RFC 6901 section 4).
fn is_index(name: &str) -> bool {
    name == "0" || !name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses one JSON object, all of `bytes`, with unique member names and at most [`MAX_DEPTH`] levels. `None` for
/// anything else: the caller says what was malformed, never with the parser's words, which quote the input.
pub fn parse_object(bytes: &[u8]) -> Option<Object<'_>> {
    // Once for all: a text that is UTF-8 as a whole is not looked at again string by string.
    let mut deserializer = serde_json::Deserializer::from_str(str::from_utf8(bytes).ok()?);
    let left = Cell::new(MAX_VALUES);
    let value = Strict { depth: MAX_DEPTH, left: &left }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    match value {
        Json::Object(object) => Some(object),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
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
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.spend(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json<'de>, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        self.spend(OBJECT_VALUES)?;
        let inner = self.inner()?;
        let mut object = Object { members: Vec::new() };
        while let Some(name) = map.next_key_seed(Name)? {
            if object.members.capacity() == 0 {
                object.members.reserve(FEW_MEMBERS / 2);
            }
            object.members.push((name, map.next_value_seed(inner)?));
        }
        if object.has_equal_names() {
            return Err(A::Error::custom("a member name appears twice"));
        }
        Ok(Json::Object(object))
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
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
    fn duplicate_members_are_refused_however_many_there_are() {
        for others in [0, 1, FEW_MEMBERS - 2, FEW_MEMBERS - 1, FEW_MEMBERS, 100] {
            let members = (0..others).fold(String::new(), |text, at| format!("{text},\"m{at}\":1"));
            assert!(parse_object(format!("{{\"a\":1{members}}}").as_bytes()).is_some(), "{others}");
            assert!(parse_object(format!("{{\"a\":1{members},\"a\":1}}").as_bytes()).is_none(), "{others}");
        }
    }

    #[test]
    fn pointers_lead_where_rfc_6901_says() {
        let parsed = parse_object(br#"{"a":{"":1,"b/c":[0,{"~":2}],"01":3},"\u0061b":4}"#).unwrap();
        let found = |pointer: &str| match parsed.get("a").unwrap().pointer(pointer) {
            Some(Json::Number(number)) => number.as_i64(),
            _ => None,
        };
        assert_eq!(found("/"), Some(1));
        assert_eq!(found("/b~1c/0"), Some(0));
        assert_eq!(found("/b~1c/1/~0"), Some(2));
        assert_eq!(found("/01"), Some(3));
        for nowhere in ["", "b", "/b~1c/00", "/b~1c/+0", "/b~1c/2", "/b~1c/", "/c", "/b~1c/0/x"] {
            assert_eq!(found(nowhere), None, "{nowhere}");
        }
        assert!(parsed.contains("ab"), "an escaped name");
        assert!(parsed.get("a").unwrap().pointer("").unwrap() == parsed.get("a").unwrap());
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
