//! A section being read: hands out keys by type and default, remembers which there are, reports every problem and goes
//! on with the default, and notes each effective value. One call for a key is all that a key needs.

mod values;

use super::{
    effective::Shown,
    key::Key,
    problem::Place,
    reader::{Reader, pattern},
    scalar::kind_of,
    survey::{Presence, Row, Shape},
    tree::{Entry, Node, Value},
};

/// Why a documented key is refused so far.
const NOT_BUILT: &str = "documented, but not built in this version; remove it \
     (a policy that does nothing is worse than none)";

/// A section of the tree, or one that was left out and has only defaults.
pub(super) struct Section<'r, 't> {
    reader: &'r mut Reader<'t>,
    place: Place,
    path: String,
    entries: &'t [Entry],
    known: Vec<&'static str>,
    shown: Vec<(&'static str, Shown)>,
    problems_before: usize,
}

/// Reads the whole document; its sections are those of the tree's root.
pub(super) fn read_root<'t, T>(
    reader: &mut Reader<'t>,
    root: &'t Node,
    read: impl FnOnce(&mut Section<'_, 't>) -> T,
) -> (T, Shown) {
    read_section(reader, root, String::new(), read)
}

fn read_section<'t, T>(
    reader: &mut Reader<'t>,
    node: &'t Node,
    path: String,
    read: impl FnOnce(&mut Section<'_, 't>) -> T,
) -> (T, Shown) {
    let entries: &[Entry] = match &node.value {
        Value::Map(entries) => entries,
        // A section whose keys are all commented out.
        Value::Null => &[],
        Value::Bool(_) | Value::Integer(_) | Value::Fraction(_) | Value::Text(_) | Value::List(_) => {
            let message = format!("expected a section (`key: value` lines), found {}", kind_of(&node.value));
            reader.problem(&node.place, &path, message);
            let reported = reader.count();
            let read = read_entries(reader, node.place.clone(), path, &[], read);
            reader.forget_since(reported);
            return read;
        }
    };
    read_entries(reader, node.place.clone(), path, entries, read)
}

fn read_entries<'t, T>(
    reader: &mut Reader<'t>,
    place: Place,
    path: String,
    entries: &'t [Entry],
    read: impl FnOnce(&mut Section<'_, 't>) -> T,
) -> (T, Shown) {
    let problems_before = reader.count();
    let mut section =
        Section { reader, place, path, entries, known: Vec::new(), shown: Vec::new(), problems_before };
    let result = read(&mut section);
    let Section { reader, path, entries, known, mut shown, .. } = section;
    // In the order in which the keys were first asked for.
    shown.sort_by_key(|(key, _)| known.iter().position(|asked| asked == key));
    for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        reader.unknown(&entry.node.place, &path, &entry.key, &known);
    }
    (result, Shown::Section(shown))
}

impl<'t> Section<'_, 't> {
    /// A key's value as it was written.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'t Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
            let path = self.path_of(key);
            self.reader.know(&path);
        }
        self.find(key)
    }

    /// A section within this one, read also where it was left out.
    pub(super) fn section<T>(&mut self, key: Key, read: impl FnOnce(&mut Section<'_, 't>) -> T) -> T {
        self.note(key, false, || Shape::Section(Presence::Always));
        self.within_section(key.name, read)
    }

    /// The same, where `off` may stand for the whole section.
    pub(super) fn section_or_off<T>(
        &mut self,
        key: Key,
        read: impl FnOnce(&mut Section<'_, 't>) -> T,
    ) -> Option<T> {
        self.note(key, false, || Shape::Section(Presence::OrOff));
        match self.raw(key.name).map(|node| &node.value) {
            Some(value @ (Value::Text(_) | Value::Bool(_))) if value.is_none() => None,
            _ => Some(self.within_section(key.name, read)),
        }
    }

    /// A section within this one that stands for nothing if it was left out.
    pub(super) fn optional_section<T>(
        &mut self,
        key: Key,
        read: impl FnOnce(&mut Section<'_, 't>) -> T,
    ) -> Option<T> {
        self.optional_section_or(key, Presence::Optional, read)
    }

    /// The same, where `off` says that, too.
    pub(super) fn optional_section_or_off<T>(
        &mut self,
        key: Key,
        read: impl FnOnce(&mut Section<'_, 't>) -> T,
    ) -> Option<T> {
        let is_off = |value: &Value| matches!(value, Value::Text(_) | Value::Bool(_)) && value.is_none();
        if self.raw(key.name).is_some_and(|node| is_off(&node.value)) {
            self.note(key, false, || Shape::Section(Presence::OptionalOrOff));
            return None;
        }
        self.optional_section_or(key, Presence::OptionalOrOff, read)
    }

    /// The same for one that something else may stand for, which the caller has seen to.
    pub(super) fn optional_section_or<T>(
        &mut self,
        key: Key,
        presence: Presence,
        read: impl FnOnce(&mut Section<'_, 't>) -> T,
    ) -> Option<T> {
        self.note(key, false, || Shape::Section(presence));
        let is_there = self.has(key.name) || self.reader.is_surveying();
        is_there.then(|| self.within_section(key.name, read))
    }

    fn within_section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_, 't>) -> T) -> T {
        let path = self.path_of(key);
        let (result, shown) = match self.raw(key) {
            Some(node) => read_section(self.reader, node, path, read),
            None => read_entries(self.reader, self.place.clone(), path, &[], read),
        };
        self.show(key, shown);
        result
    }

    /// A list of sections.
    pub(super) fn sections<T>(&mut self, key: Key, read: impl FnMut(&mut Section<'_, 't>) -> T) -> Vec<T> {
        self.note(key, false, || Shape::Sections);
        self.each_section(key.name, read)
    }

    /// A list of at least one section; the message is for when there is none.
    pub(super) fn needed_sections<T>(
        &mut self,
        key: Key,
        message: &str,
        read: impl FnMut(&mut Section<'_, 't>) -> T,
    ) -> Vec<T> {
        self.note(key, true, || Shape::Sections);
        let results = self.each_section(key.name, read);
        if self.is_empty_list(key.name) {
            self.problem(key.name, message);
        }
        results
    }

    fn each_section<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'_, 't>) -> T,
    ) -> Vec<T> {
        let items = match self.raw(key) {
            None if self.reader.is_surveying() => {
                let path = format!("{}[]", self.path_of(key));
                return vec![read_entries(self.reader, self.place.clone(), path, &[], read).0];
            }
            None => return Vec::new(),
            Some(Node { value: Value::List(items), .. }) => items,
            Some(node) => {
                let message = format!("expected a list of sections, found {}", kind_of(&node.value));
                self.problem(key, message);
                return Vec::new();
            }
        };
        let mut shown = Vec::new();
        let mut results = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            let (result, section) = read_section(self.reader, item, path, &mut read);
            results.push(result);
            shown.push(section);
        }
        self.show(key, Shown::Sections(shown));
        results
    }

    /// A documented key whose feature is not there yet: only an explicit none of it is accepted. `about` is what it is
    /// for.
    pub(super) fn not_built(&mut self, name: &'static str, about: &'static str) {
        self.note(Key::reload(name, about), false, || Shape::NotBuilt);
        if self.raw(name).is_some_and(|node| !node.value.is_none()) {
            self.problem(name, NOT_BUILT);
        }
    }

    fn note(&mut self, key: Key, is_needed: bool, shape: impl FnOnce() -> Shape) {
        let section = &self.path;
        self.reader.note(|| Row { section: pattern(section), key, is_needed, shape: shape() });
    }

    /// A problem with one key's value, at its line, or at the section's if it was left out. The key `""` is the
    /// section.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        let (place, path) = (self.place_of(key), self.path_of(key));
        self.reader.problem(&place, &path, message);
    }

    /// Something that is allowed and probably not meant.
    pub(super) fn warning(&mut self, key: &str, message: impl Into<String>) {
        let (place, path) = (self.place_of(key), self.path_of(key));
        self.reader.warning(&place, &path, message);
    }

    /// Whether nothing was wrong in this section so far, so that its values may be compared with each other.
    pub(super) fn is_sound(&self) -> bool {
        self.reader.count() == self.problems_before
    }

    /// Notes an effective value.
    pub(super) fn show(&mut self, key: &'static str, shown: Shown) {
        match self.shown.iter_mut().find(|(known, _)| *known == key) {
            Some((_, before)) => *before = shown,
            None => self.shown.push((key, shown)),
        }
    }

    /// What everything is read with.
    pub(super) fn reader(&mut self) -> &mut Reader<'t> {
        self.reader
    }

    /// Whether a key was written.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        self.raw(key).is_some()
    }

    /// Where a key was written, or else this section.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.find(key).map_or_else(|| self.place.clone(), |node| node.place.clone())
    }

    fn find(&self, key: &str) -> Option<&'t Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    fn path_of(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (section, "") => section.to_owned(),
            (section, key) => format!("{section}.{key}"),
        }
    }
}
