//! `store.durability`: one of two words, or `{replicas: n}`.

use std::ops::RangeInclusive;

use serde_json::json;

use crate::{
    config::{
        effective::Shown,
        notation::{Notation, either},
        scalar::{Setting, expected},
        tree::{Node, Value},
    },
    store::Durability,
};

const REPLICAS: RangeInclusive<u64> = 1..=16;

impl Setting for Durability {
    fn notation() -> Notation {
        let words = Notation::words(["fsync", "memory"]);
        let mut number = u64::notation().schema;
        if let serde_json::Value::Object(number) = &mut number {
            number.insert("minimum".to_owned(), (*REPLICAS.start()).into());
            number.insert("maximum".to_owned(), (*REPLICAS.end()).into());
            number.insert("description".to_owned(), "How many replicas have to have it in memory.".into());
        }
        let replicas = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": { "replicas": number },
            "required": ["replicas"],
        });
        Notation {
            word: "word, or section".to_owned(),
            choices: Some("One of `fsync`, `memory`, `{replicas: n}` with n from 1 to 16.".to_owned()),
            schema: either(&words.schema, &replicas),
        }
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Text(word) if word == "fsync" => Ok(Self::Fsync),
            Value::Text(word) if word == "memory" => Ok(Self::Memory),
            Value::Map(entries) => match entries.as_slice() {
                [entry] if entry.key == "replicas" => replicas(&entry.node),
                _ => other(value),
            },
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Fraction(_)
            | Value::Text(_)
            | Value::List(_) => other(value),
        }
    }

    fn show(&self) -> Shown {
        match self {
            Self::Fsync => Shown::plain("fsync"),
            Self::Memory => Shown::plain("memory"),
            Self::Replicas(number) => Shown::Section(vec![("replicas", Shown::plain(number.to_string()))]),
        }
    }
}

fn other(value: &Value) -> Result<Durability, String> {
    expected("`fsync`, `memory` or `{replicas: n}`", value)
}

fn replicas(node: &Node) -> Result<Durability, String> {
    let number = u64::read(&node.value).map_err(|problem| format!("replicas: {problem}"))?;
    let within = u8::try_from(number).ok().filter(|_| REPLICAS.contains(&number));
    within
        .map(Durability::Replicas)
        .ok_or_else(|| format!("replicas: must be between {} and {}", REPLICAS.start(), REPLICAS.end()))
}
