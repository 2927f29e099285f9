//! How the values of a type are written: a word for docs/configuration.md, and a JSON Schema for editors and Helm.
//!
//! Only what validators of draft-07 know, too. A schema sees the file after YAML: `off` may have become `false`, and a
//! number in quotes is text.

use serde_json::{Value, json};

/// Text as `String` reads it: not empty, no white space around it.
const TEXT: &str = r"^\S([\s\S]*\S)?$";

/// How the values of one type are written.
#[derive(Clone, Debug)]
pub(super) struct Notation {
    /// What docs/configuration.md calls the type.
    pub(super) word: String,
    /// The words, if it is a choice of some: a sentence for where the schema is not.
    pub(super) choices: Option<String>,
    pub(super) schema: Value,
}

impl Notation {
    fn new(word: &str, schema: Value) -> Self {
        Self { word: word.to_owned(), choices: None, schema }
    }

    pub(super) fn text(word: &str) -> Self {
        Self::pattern(word, TEXT)
    }

    /// Text that a regular expression describes.
    pub(super) fn pattern(word: &str, pattern: &str) -> Self {
        Self::new(word, json!({ "type": "string", "pattern": pattern }))
    }

    /// A number that is not negative; as text, it matches the pattern.
    pub(super) fn number(word: &str, json_type: &str, pattern: &str) -> Self {
        Self::new(word, json!({ "type": [json_type, "string"], "minimum": 0, "pattern": pattern }))
    }

    /// The same for numbers up to 1.
    pub(super) fn at_most_one(mut self) -> Self {
        if let Value::Object(schema) = &mut self.schema {
            schema.insert("maximum".to_owned(), 1.into());
        }
        self
    }

    pub(super) fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let words: Vec<&str> = words.into_iter().collect();
        let number = if words.len() == 1 { "Only" } else { "One of" };
        let choices = Some(format!("{number} `{}`.", words.join("`, `")));
        Self { choices, ..Self::new("word", json!({ "enum": words })) }
    }

    pub(super) fn flag() -> Self {
        Self::new("flag", json!({ "enum": [true, false, "true", "on", "false", "off"] }))
    }

    pub(super) fn or_off(self) -> Self {
        let word = format!("{}, or off", self.word);
        Self { word, schema: either(&self.schema, &off()), ..self }
    }

    /// One of these, or a list of which each item is enough.
    pub(super) fn or_alternatives(self) -> Self {
        let list = self.clone().list().not_empty().schema;
        Self { schema: either(&self.schema, &list), ..self }
    }

    pub(super) fn list(self) -> Self {
        let plural = if self.word == "text" { "" } else { "s" };
        let word = format!("list of {}{plural}", self.word);
        let choices = self.choices.map(|choices| choices.replacen("One", "Any", 1));
        Self { word, choices, schema: json!({ "type": "array", "items": self.schema }) }
    }

    /// For a list that may not be empty.
    pub(super) fn not_empty(mut self) -> Self {
        if let Value::Object(schema) = &mut self.schema {
            schema.insert("minItems".to_owned(), 1.into());
        }
        self
    }

    /// One of these, or a list of them that is not empty.
    pub(super) fn or_list(self) -> Self {
        let word = format!("{}, or a list", self.word);
        Self { word, ..self.or_alternatives() }
    }
}

/// The words for none.
pub(super) fn off() -> Value {
    json!({ "enum": ["off", "false", false] })
}

pub(super) fn either(one: &Value, other: &Value) -> Value {
    json!({ "anyOf": [one, other] })
}
