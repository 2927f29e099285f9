//! Values that are not sections: single ones, words, lists.

use std::ops::RangeInclusive;

use super::Section;
use crate::config::{
    effective::Shown,
    key::Key,
    notation::Notation,
    scalar::{Setting, described, kind_of},
    survey::{Bounds, Shape},
    tree::{Node, Value},
};

impl Section<'_, '_> {
    /// A single value, or the default.
    pub(in crate::config) fn value<T: Setting>(&mut self, key: Key, default: T) -> T {
        self.note_value(key, Some(&default), || None);
        self.value_or(key.name, default)
    }

    /// A single value that may be left out without a default.
    pub(in crate::config) fn optional<T: Setting>(&mut self, key: Key) -> Option<T> {
        self.note_value::<T>(key, None, || None);
        self.shown(key.name)
    }

    /// A single value that has to be there; the message is for when it is not.
    pub(in crate::config) fn needed<T: Setting>(&mut self, key: Key, message: &str) -> Option<T> {
        self.note(key, true, || Shape::Value { notation: T::notation(), default: None, bounds: None });
        if !self.has(key.name) {
            self.problem(key.name, message);
        }
        self.shown(key.name)
    }

    /// A single value between two bounds, or the default.
    pub(in crate::config) fn within<T: Setting + PartialOrd>(
        &mut self,
        key: Key,
        default: T,
        bounds: &RangeInclusive<T>,
    ) -> T {
        self.note_value(key, Some(&default), || Some(bounded(bounds)));
        let value = self.value_or(key.name, default);
        self.check_bounds(key.name, &value, bounds);
        value
    }

    /// The same where `off` is a value too.
    pub(in crate::config) fn within_or_off<T: Setting + PartialOrd>(
        &mut self,
        key: Key,
        default: Option<T>,
        bounds: &RangeInclusive<T>,
    ) -> Option<T> {
        self.note_value(key, Some(&default), || Some(bounded(bounds)));
        let value = self.value_or(key.name, default);
        if let Some(value) = &value {
            self.check_bounds(key.name, value, bounds);
        }
        value
    }

    fn value_or<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        let value = self.read(key).unwrap_or(default);
        self.show(key, value.show());
        value
    }

    fn shown<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        let value = self.read(key)?;
        self.show(key, T::show(&value));
        Some(value)
    }

    fn note_value<T: Setting>(
        &mut self,
        key: Key,
        default: Option<&T>,
        bounds: impl FnOnce() -> Option<Bounds>,
    ) {
        self.note(key, false, || Shape::Value {
            notation: T::notation(),
            default: default.map(T::show),
            bounds: bounds(),
        });
    }

    fn check_bounds<T: Setting + PartialOrd>(
        &mut self,
        key: &'static str,
        value: &T,
        bounds: &RangeInclusive<T>,
    ) {
        if !bounds.contains(value) {
            let (least, most) = (bounds.start().show(), bounds.end().show());
            self.problem(key, format!("must be between {least} and {most}"));
        }
    }

    /// One of a few words, or the default.
    pub(in crate::config) fn choice<T: Copy + PartialEq>(
        &mut self,
        key: Key,
        default: T,
        words: &[(&'static str, T)],
    ) -> T {
        let word_of = |chosen: T| {
            let found = words.iter().find(|(_, value)| *value == chosen);
            found.map(|(word, _)| Shown::plain(*word))
        };
        self.note(key, false, || Shape::Value {
            notation: Notation::words(words.iter().map(|(word, _)| *word)),
            default: word_of(default),
            bounds: None,
        });
        let chosen = match self.raw(key.name).map(|node| &node.value) {
            None => default,
            Some(value) => {
                let found = words.iter().find(|(word, _)| matches!(value, Value::Text(text) if text == word));
                found.map_or_else(
                    || {
                        let expected: Vec<String> =
                            words.iter().map(|(word, _)| format!("`{word}`")).collect();
                        let message =
                            format!("expected {}, found {}", expected.join(" or "), described(value));
                        self.problem(key.name, message);
                        default
                    },
                    |(_, value)| *value,
                )
            }
        };
        if let Some(word) = word_of(chosen) {
            self.show(key.name, word);
        }
        chosen
    }

    /// A list, or the default.
    pub(in crate::config) fn list<T: Setting>(&mut self, key: Key, default: Vec<T>) -> Vec<T> {
        self.note_list(key, &default, Notation::list);
        self.list_or(key.name, default)
    }

    /// A list of at least one item; the message is for when there is none.
    pub(in crate::config) fn needed_list<T: Setting>(&mut self, key: Key, message: &str) -> Vec<T> {
        self.note(key, true, || Shape::Value {
            notation: T::notation().list().not_empty(),
            default: None,
            bounds: None,
        });
        let list = self.list_or(key.name, Vec::new());
        if self.is_empty_list(key.name) {
            self.problem(key.name, message);
        }
        list
    }

    /// A list of at least one item, where a single value is a list of one, or the default; the message is for when the
    /// list is empty.
    pub(in crate::config) fn one_or_more<T: Setting>(
        &mut self,
        key: Key,
        default: Vec<T>,
        message: &str,
    ) -> Vec<T> {
        self.note_list(key, &default, Notation::or_list);
        match self.raw(key.name).map(|node| &node.value) {
            None => self.list_or(key.name, default),
            Some(Value::List(items)) => {
                if items.is_empty() {
                    self.problem(key.name, message);
                }
                self.list_or(key.name, default)
            }
            Some(_) => {
                let list: Vec<T> = self.read(key.name).into_iter().collect();
                self.show(key.name, listed(&list));
                list
            }
        }
    }

    fn list_or<T: Setting>(&mut self, key: &'static str, default: Vec<T>) -> Vec<T> {
        let list = match self.raw(key) {
            None => default,
            Some(Node { value: Value::List(items), .. }) => self.items(key, items),
            Some(node) => {
                let message = format!("expected a list such as `[a, b]`, found {}", kind_of(&node.value));
                self.problem(key, message);
                default
            }
        };
        self.show(key, listed(&list));
        list
    }

    fn note_list<T: Setting>(&mut self, key: Key, default: &[T], list: fn(Notation) -> Notation) {
        self.note(key, false, || Shape::Value {
            notation: list(T::notation()),
            default: Some(listed(default)),
            bounds: None,
        });
    }

    fn items<T: Setting>(&mut self, key: &str, items: &[Node]) -> Vec<T> {
        let mut list = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match T::read(&item.value) {
                Ok(value) => list.push(value),
                Err(message) => {
                    let path = format!("{}[{index}]", self.path_of(key));
                    self.reader.problem(&item.place, &path, message);
                }
            }
        }
        list
    }

    /// Whether a key was left out, or written as a list of nothing. Anything else that gave no
    /// items has been reported.
    pub(in crate::config) fn is_empty_list(&mut self, key: &'static str) -> bool {
        match self.raw(key).map(|node| &node.value) {
            None => true,
            Some(Value::List(items)) => items.is_empty(),
            Some(
                Value::Null
                | Value::Bool(_)
                | Value::Integer(_)
                | Value::Fraction(_)
                | Value::Text(_)
                | Value::Map(_),
            ) => false,
        }
    }

    fn read<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        match T::read(&self.raw(key)?.value) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(key, message);
                None
            }
        }
    }
}

fn listed<T: Setting>(list: &[T]) -> Shown {
    Shown::List(list.iter().map(T::show).collect())
}

fn bounded<T: Setting>(bounds: &RangeInclusive<T>) -> Bounds {
    let (least, most) = (bounds.start(), bounds.end());
    Bounds {
        shown: [least.show().to_string(), most.show().to_string()],
        numbers: least.number().zip(most.number()).map(<[u64; 2]>::from),
    }
}
