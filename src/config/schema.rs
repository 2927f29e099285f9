//! The JSON Schema of a configuration, made of what the survey found: docs/countersign.schema.json.
//!
//! A schema says what one value may be. What values mean together is for `countersign check` to say.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    effective::Shown,
    key::{Change, Otherwise},
    notation::{either, off},
    survey::{self, Bounds, Presence, Row, Shape},
    tree,
    written::redis_address,
};

const ABOUT: &str = "Made by `countersign schema`. What values mean together, and what files and variables hold, \
     `countersign check` says. Keys whose features are not built in this version are left out.";

/// The schema as JSON, with a newline at its end.
pub fn text() -> String {
    format!("{:#}\n", document(&survey::rows()))
}

pub(super) fn document(rows: &[Row]) -> Value {
    let mut document = section(rows, "", ABOUT);
    document.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("title".to_owned(), "Countersign's configuration".into());
    Value::Object(document)
}

/// An object that has the rows of one section, and no others.
fn section(rows: &[Row], path: &str, about: &str) -> Map<String, Value> {
    let within = || rows.iter().filter(|row| row.section == path && !matches!(row.shape, Shape::NotBuilt));
    let properties: Map<_, _> = within().map(|row| (row.key.name.to_owned(), property(rows, row))).collect();
    let needed: Vec<_> = within().filter(|row| row.is_needed).map(|row| row.key.name).collect();
    let mut schema = Map::new();
    // The keys of a section can all be commented out, if none is needed, and it means nothing that it is there.
    let is_optional =
        |row: &Row| row.path() == path && matches!(row.shape, Shape::Section(presence) if presence.matters());
    let may_be_empty = needed.is_empty() && !rows.iter().any(is_optional);
    schema.insert("type".to_owned(), if may_be_empty { json!(["object", "null"]) } else { json!("object") });
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.insert("properties".to_owned(), properties.into());
    if !needed.is_empty() {
        schema.insert("required".to_owned(), needed.into());
    }
    schema.insert("description".to_owned(), about.into());
    schema
}

fn property(rows: &[Row], row: &Row) -> Value {
    let about = description(row);
    match &row.shape {
        Shape::Value { notation, default, bounds } => {
            let mut schema = notation.schema.clone();
            if let (Otherwise::Default, Some(default)) = (row.key.otherwise, default) {
                set(&mut schema, "default", as_json(default));
            }
            for (name, number) in numbers(bounds.as_ref()) {
                set(&mut schema, name, number.into());
            }
            set(&mut schema, "description", about.into());
            schema
        }
        Shape::Section(presence) => {
            let mut schema = Value::Object(section(rows, &row.path(), &about));
            let other = match presence {
                Presence::Always | Presence::Optional => return schema,
                Presence::OrOff | Presence::OptionalOrOff => off(),
                Presence::OptionalOrAddress => redis_address().schema,
            };
            schema = either(&schema, &other);
            set(&mut schema, "description", about.into());
            schema
        }
        Shape::Sections => {
            let items = section(rows, &format!("{}[]", row.path()), "One of them.");
            let mut schema = json!({ "type": "array", "items": items, "description": about });
            if row.is_needed {
                set(&mut schema, "minItems", 1.into());
            }
            schema
        }
        Shape::NotBuilt => Value::Bool(false),
    }
}

fn set(schema: &mut Value, name: &str, value: Value) {
    if let Value::Object(schema) = schema {
        schema.insert(name.to_owned(), value);
    }
}

fn numbers(bounds: Option<&Bounds>) -> impl Iterator<Item = (&'static str, u64)> {
    let numbers = bounds.and_then(|bounds| bounds.numbers);
    numbers.into_iter().flat_map(|[least, most]| [("minimum", least), ("maximum", most)])
}

fn description(row: &Row) -> String {
    let mut about = unlinked(row.key.about);
    if let Shape::Value { bounds: Some(bounds), .. } = &row.shape {
        about = format!("{about} {}", bounds.sentence());
    }
    let otherwise = match (row.key.otherwise, &row.shape) {
        (Otherwise::Words(words), _) => format!(" If left out: {words}."),
        (Otherwise::Profile, Shape::Value { default: Some(default), .. }) => {
            format!(" Default: the profile's; `{default}` with `generic`.")
        }
        (Otherwise::Default | Otherwise::Profile, _) => String::new(),
    };
    let is_value = matches!(row.shape, Shape::Value { .. });
    let needs_restart = is_value && row.key.change == Change::Restart;
    let change = if needs_restart { " A change takes a restart." } else { "" };
    format!("{about}{otherwise}{change}")
}

/// `[text](address)` as `text`: an editor shows it somewhere else.
fn unlinked(markdown: &str) -> String {
    let mut parts = markdown.split("](");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(start) = text.rfind('[') {
            text.remove(start);
        }
        text.push_str(part.split_once(')').map_or(part, |(_, rest)| rest));
    }
    text
}

fn as_json(shown: &Shown) -> Value {
    tree::parse(&shown.document(), &Arc::from("")).map_or(Value::Null, |node| node.value.as_json())
}

impl tree::Value {
    /// As JSON has it, and Helm.
    pub(super) fn as_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Integer(number) => number.to_string().parse().map_or(Value::Null, Value::Number),
            Self::Fraction(text) => text.parse::<f64>().map_or(Value::Null, Value::from),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(|item| item.value.as_json()).collect(),
            Self::Map(entries) => {
                let entries = entries.iter().map(|entry| (entry.key.clone(), entry.node.value.as_json()));
                Value::Object(entries.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_left_out_of_descriptions() {
        assert_eq!(
            unlinked("The [one](a.md) and [other `x`](b.md#c) (too)."),
            "The one and other `x` (too)."
        );
        assert_eq!(unlinked("`[HS256]` (or none)"), "`[HS256]` (or none)");
    }
}
