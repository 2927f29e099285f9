//! A YAML document as a tree in which every value knows its line.

use std::{fmt, sync::Arc};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{NonFiniteFloatPolicy, Spanned};

use super::problem::{Place, Problem, quoted};

/// A value and where it was written. For the value of a key that is the key's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value. Whether a number or a word such as `off` is meant as text is for the reader of the key to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    /// A number with a fraction or exponent, as text, so that values can be compared.
    Fraction(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) node: Node,
}

impl Value {
    /// Whether this says "none": `off`, `false`, nothing, or a list or section that holds nothing else.
    pub(super) fn is_none(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Text(text) => is_off(text),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.iter().all(|entry| entry.node.value.is_none()),
            Self::Integer(_) | Self::Fraction(_) => false,
        }
    }
}

/// Helm renders `off` as `false`, so that both words say the same.
pub(super) fn is_off(text: &str) -> bool {
    matches!(text, "off" | "false")
}

/// Reads one document. Syntax and keys written twice stop at the first problem.
pub(super) fn parse(text: &str, file: &Arc<str>) -> Result<Node, Problem> {
    // A byte order mark is not part of the text, and an empty document is an empty configuration.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let only_comments = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if only_comments {
        return Ok(Node { place: Place::File, value: Value::Null });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            flow_nesting_limit: 32,
            max_events: 200_000,
            max_nodes: 100_000,
            max_aliases: 1_000,
        },
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options)
        .map(Node::from)
        .map_err(|error| syntax(&error, file))
}

fn syntax(error: &serde_saphyr::Error, file: &Arc<str>) -> Problem {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let place = error.location().map_or(Place::File, |location| Place::Line(location.line()));
    let message = if let Error::DuplicateMappingKey { key: Some(key), .. } = error {
        format!("the key {} is written twice", quoted(key))
    } else if matches!(error, Error::MultipleDocuments { .. }) {
        "a second document (`---`) begins here".to_owned()
    } else if matches!(error, Error::UnsupportedTag { .. }) {
        // The parser would repeat the tag, and `!` may begin a secret.
        "a tag (`!...`) has no meaning here; put text that begins so into quotes".to_owned()
    } else {
        // The parser's own words, in one line. They describe the syntax and quote no values.
        let words = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        format!("not YAML that can be read: {words}")
    };
    Problem::new(file, place, "", message)
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { place: Place::Line(spanned.referenced.line()), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Fraction(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(item.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Value>>()? {
            let place = Place::Line(key.referenced.line());
            map.push(Entry { key: key.value, node: Node { place, value: value.value } });
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, String> {
        parse(text, &"c.yaml".into()).map_err(|problem| problem.to_string())
    }

    fn at(line: u64, value: Value) -> Node {
        Node { place: Place::Line(line), value }
    }

    fn entry(key: &str, node: Node) -> Entry {
        Entry { key: key.to_owned(), node }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn every_value_knows_the_line_of_its_key_or_its_own() {
        let tree = read("# comment\na:\n  b: 1\n  c:\n    - x\n    - {d: off}\n").unwrap();
        let d = at(6, Value::Map(vec![entry("d", at(6, text("off")))]));
        let c = at(4, Value::List(vec![at(5, text("x")), d]));
        let a = at(2, Value::Map(vec![entry("b", at(3, Value::Integer(1))), entry("c", c)]));
        assert_eq!(tree, at(2, Value::Map(vec![entry("a", a)])));
    }

    #[test]
    fn words_are_text_except_true_false_and_null() {
        for (written, value) in [
            ("off", text("off")),
            ("on", text("on")),
            ("no", text("no")),
            ("\"false\"", text("false")),
            ("false", Value::Bool(false)),
            ("true", Value::Bool(true)),
            ("~", Value::Null),
            ("60s", text("60s")),
            ("127.0.0.1:50051", text("127.0.0.1:50051")),
            ("-3", Value::Integer(-3)),
            ("1.5", Value::Fraction("1.5".to_owned())),
            (".nan", Value::Fraction("NaN".to_owned())),
            ("1e999", Value::Fraction("inf".to_owned())),
            ("[]", Value::List(vec![])),
        ] {
            assert_eq!(
                read(&format!("k: {written}")).unwrap(),
                at(1, Value::Map(vec![entry("k", at(1, value))])),
                "{written}"
            );
        }
    }

    #[test]
    fn nothing_written_is_an_empty_configuration() {
        for empty in ["", "\n\n", "# only a comment\n", "\u{feff}", "---\n"] {
            assert_eq!(read(empty).unwrap().value, Value::Null, "{empty:?}");
        }
    }

    #[test]
    fn a_key_written_twice_stops_with_its_second_line() {
        assert_eq!(read("a: 1\nb: 2\na: 3\n").unwrap_err(), "c.yaml:3: the key `a` is written twice");
        assert_eq!(read("a:\n  b: 2\n  b: 3\n").unwrap_err(), "c.yaml:3: the key `b` is written twice");
    }

    #[test]
    fn bad_syntax_stops_with_one_line() {
        for (bad, line) in [
            ("a: [1, 2\n", 1),
            ("a: 1\n b: 2\n", 2),
            ("a: 1\n\tb: 2\n", 2),
            ("a: *nowhere\n", 1),
            ("a: 1\n---\nb: 2\n", 2),
            ("? {a: 1}\n: 2\n", 1),
            ("a: !secret x\n", 1),
        ] {
            let problem = read(bad).unwrap_err();
            assert!(problem.starts_with("c.yaml:"), "{problem}");
            assert!(!problem.contains('\n'), "{problem}");
            let found: u64 = problem.split(':').nth(1).unwrap().parse().unwrap();
            assert!(found.abs_diff(line) <= 1, "{problem}");
        }
    }

    #[test]
    fn deep_nesting_and_alias_bombs_are_refused() {
        assert!(read(&format!("a: {}{}", "[".repeat(5_000), "]".repeat(5_000))).is_err());
        let levels = (1..12).map(|level| {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            format!("a{level}: &a{level} [{aliases}]\n")
        });
        let bomb = format!("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{}", levels.collect::<String>());
        assert!(read(&bomb).is_err());
    }

    #[test]
    fn none_is_off_false_or_a_section_of_nothing_else() {
        let value = |written: &str| {
            let Value::Map(entries) = read(&format!("k: {written}")).unwrap().value else { panic!() };
            entries[0].node.value.clone()
        };
        for none in ["off", "false", "\"off\"", "[]", "{}", "~", "{listen: off}", "{a: {b: off}, c: []}"] {
            assert!(value(none).is_none(), "{none}");
        }
        for some in ["on", "true", "0", "x", "[off]", "{listen: x}", "{a: off, b: 1}", "\"\""] {
            assert!(!value(some).is_none(), "{some}");
        }
    }
}
