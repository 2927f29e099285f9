//! The environment laid over the file: `COUNTERSIGN__CACHE__MAX_BYTES=32MiB` sets `cache.max_bytes`.
//!
//! Single values outside lists only: a list whose items come from two places is one that nobody can read.

use super::{
    env::Environment,
    problem::Place,
    tree::{Entry, Node, Value},
};

const PREFIX: &str = "COUNTERSIGN__";

/// Sets every variable's value in the tree; gives back what is wrong with variables themselves.
pub(super) fn lay_over(root: &mut Node, env: &Environment) -> Vec<(Place, String)> {
    env.beginning(PREFIX)
        .filter_map(|(name, bytes)| {
            let place = Place::Variable(name.to_owned());
            set(root, name, bytes, &place).err().map(|message| (place, message))
        })
        .collect()
}

fn set(root: &mut Node, name: &str, bytes: &[u8], place: &Place) -> Result<(), String> {
    let Ok(text) = str::from_utf8(bytes) else { return Err("is not UTF-8".to_owned()) };
    let written = name.strip_prefix(PREFIX).unwrap_or(name);
    if written != written.to_ascii_uppercase() {
        return Err("write the name in capitals".to_owned());
    }
    let keys: Vec<String> = written.split("__").map(str::to_ascii_lowercase).collect();
    if keys.iter().any(String::is_empty) {
        return Err(format!("names no key: write {PREFIX}SECTION__KEY"));
    }
    let mut node = root;
    for key in keys {
        node = child(node, key, place)?;
    }
    if let Value::Map(entries) = &node.value
        && !entries.is_empty()
    {
        return Err("names a whole section; name one key of it".to_owned());
    }
    *node = Node { place: place.clone(), value: Value::Text(text.to_owned()) };
    Ok(())
}

/// The value of a key, made if it is not there.
fn child<'n>(node: &'n mut Node, key: String, place: &Place) -> Result<&'n mut Node, String> {
    if node.value == Value::Null {
        node.value = Value::Map(Vec::new());
    }
    let entries = match &mut node.value {
        Value::Map(entries) => entries,
        Value::List(_) => {
            return Err("reaches into a list; items of lists are written in the file".to_owned());
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Fraction(_) | Value::Text(_) => {
            return Err("reaches into a single value; it has no keys".to_owned());
        }
    };
    let index = entries.iter().position(|entry| entry.key == key).unwrap_or(entries.len());
    if index == entries.len() {
        entries.push(Entry { key, node: Node { place: place.clone(), value: Value::Null } });
    }
    entries.get_mut(index).map(|entry| &mut entry.node).ok_or_else(|| "names no key".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::parse;

    fn laid_over(file: &str, name: &str, value: &str) -> Result<Node, String> {
        let mut root = parse(file, &"c.yaml".into()).unwrap();
        let problems = lay_over(&mut root, &Environment::from_iter([(name, value)]));
        match problems.into_iter().next() {
            None => Ok(root),
            Some((place, message)) => {
                assert_eq!(place, Place::Variable(name.to_owned()));
                Err(message)
            }
        }
    }

    #[test]
    fn a_variable_replaces_or_adds_one_value() {
        for file in ["", "cache: {max_bytes: 1MiB}", "cache:", "cache: {}"] {
            let root = laid_over(file, "COUNTERSIGN__CACHE__MAX_BYTES", "32MiB").unwrap();
            let Value::Map(sections) = root.value else { panic!("{file}") };
            let Value::Map(keys) = &sections[0].node.value else { panic!("{file}") };
            assert_eq!(keys.len(), 1, "{file}");
            assert_eq!(keys[0].node.value, Value::Text("32MiB".to_owned()), "{file}");
            let place = Place::Variable("COUNTERSIGN__CACHE__MAX_BYTES".to_owned());
            assert_eq!(keys[0].node.place, place, "{file}");
        }
    }

    #[test]
    fn names_that_cannot_be_meant_are_refused() {
        for (name, told) in [
            ("COUNTERSIGN__ISSUERS__0__NAME", "reaches into a list"),
            ("COUNTERSIGN__CACHE", "whole section"),
            ("COUNTERSIGN__LISTEN__PORT", "single value"),
            ("COUNTERSIGN__", "names no key"),
            ("COUNTERSIGN__CACHE____MAX_AGE", "names no key"),
            ("COUNTERSIGN__cache__max_age", "capitals"),
        ] {
            let file = "listen: 127.0.0.1:1\nissuers: [{name: a}]\ncache: {max_age: 5m}\n";
            let message = laid_over(file, name, "x").unwrap_err();
            assert!(message.contains(told), "{name}: {message}");
        }
    }

    #[test]
    fn variables_with_one_underscore_are_somebody_elses() {
        // Kubernetes sets these for a service named `countersign`.
        let root = laid_over("", "COUNTERSIGN_SERVICE_HOST", "10.0.0.1").unwrap();
        assert_eq!(root.value, Value::Null);
    }
}
