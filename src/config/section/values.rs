//! Values that are not sections: single ones, words, lists.

use std::ops::RangeInclusive;

use super::Section;
use crate::config::{
    effective::Shown,
    scalar::{Setting, described, kind_of},
    tree::{Node, Value},
};

impl Section<'_, '_> {
    /// A single value, or the default.
    pub(in crate::config) fn value<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        let value = self.read(key).unwrap_or(default);
        self.show(key, value.show());
        value
    }

    /// A single value that may be left out without a default.
    pub(in crate::config) fn optional<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        let value = self.read(key)?;
        self.show(key, T::show(&value));
        Some(value)
    }

    /// A single value between two bounds, or the default.
    pub(in crate::config) fn within<T: Setting + PartialOrd>(
        &mut self,
        key: &'static str,
        default: T,
        bounds: &RangeInclusive<T>,
    ) -> T {
        let value = self.value(key, default);
        self.check_bounds(key, &value, bounds);
        value
    }

    /// The same where `off` is a value too.
    pub(in crate::config) fn within_or_off<T: Setting + PartialOrd>(
        &mut self,
        key: &'static str,
        default: Option<T>,
        bounds: &RangeInclusive<T>,
    ) -> Option<T> {
        let value = self.value(key, default);
        if let Some(value) = &value {
            self.check_bounds(key, value, bounds);
        }
        value
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
        key: &'static str,
        default: T,
        words: &[(&'static str, T)],
    ) -> T {
        let chosen = match self.raw(key).map(|node| &node.value) {
            None => default,
            Some(value) => {
                let found = words.iter().find(|(word, _)| matches!(value, Value::Text(text) if text == word));
                found.map_or_else(
                    || {
                        let expected: Vec<String> =
                            words.iter().map(|(word, _)| format!("`{word}`")).collect();
                        let message =
                            format!("expected {}, found {}", expected.join(" or "), described(value));
                        self.problem(key, message);
                        default
                    },
                    |(_, value)| *value,
                )
            }
        };
        if let Some((word, _)) = words.iter().find(|(_, value)| *value == chosen) {
            self.show(key, Shown::plain(*word));
        }
        chosen
    }

    /// A list, or the default.
    pub(in crate::config) fn list<T: Setting>(&mut self, key: &'static str, default: Vec<T>) -> Vec<T> {
        let list = match self.raw(key) {
            None => default,
            Some(Node { value: Value::List(items), .. }) => self.items(key, items),
            Some(node) => {
                let message = format!("expected a list such as `[a, b]`, found {}", kind_of(&node.value));
                self.problem(key, message);
                default
            }
        };
        self.show(key, Shown::List(list.iter().map(T::show).collect()));
        list
    }

    /// A list, where a single value is a list of one, or the default.
    pub(in crate::config) fn one_or_more<T: Setting>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
    ) -> Vec<T> {
        match self.raw(key).map(|node| &node.value) {
            None | Some(Value::List(_)) => self.list(key, default),
            Some(_) => {
                let list: Vec<T> = self.read(key).into_iter().collect();
                self.show(key, Shown::List(list.iter().map(T::show).collect()));
                list
            }
        }
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
