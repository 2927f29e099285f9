//! What reading a configuration needs and finds: the surroundings, and the list of problems.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    env::Environment,
    files::Files,
    problem::{Place, Problem, Problems, quoted},
    survey::Row,
};

/// Shared by all sections while one configuration is read.
pub(super) struct Reader<'t> {
    pub(super) env: &'t Environment,
    /// What it is read from so far.
    pub(super) files: Files,
    base_dir: &'t Path,
    file: Arc<str>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    unknown: Vec<UnknownKey>,
    known: BTreeSet<String>,
    survey: Option<Vec<Row>>,
}

/// A key that nobody asked for.
struct UnknownKey {
    place: Place,
    section: String,
    key: String,
    siblings: Vec<&'static str>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: Arc<str>, env: &'t Environment, base_dir: &'t Path) -> Self {
        Self {
            env,
            files: Files::default(),
            base_dir,
            file,
            problems: Vec::new(),
            warnings: Vec::new(),
            unknown: Vec::new(),
            known: BTreeSet::new(),
            survey: None,
        }
    }

    /// Reads to find out which keys there are; what is read does not matter.
    pub(super) fn surveying(self) -> Self {
        Self { survey: Some(Vec::new()), ..self }
    }

    pub(super) fn is_surveying(&self) -> bool {
        self.survey.is_some()
    }

    /// Takes note of a key. Nothing is made of it while a configuration is read in earnest.
    pub(super) fn note(&mut self, row: impl FnOnce() -> Row) {
        if let Some(rows) = &mut self.survey {
            rows.push(row());
        }
    }

    /// What the survey found.
    pub(super) fn into_rows(self) -> Vec<Row> {
        self.survey.unwrap_or_default()
    }

    /// Where a path in the file leads: from the file's directory, wherever the process was started.
    pub(super) fn resolve(&self, written: &str) -> PathBuf {
        self.base_dir.join(written)
    }

    pub(super) fn problem(&mut self, place: &Place, path: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(&self.file, place.clone(), path, message));
    }

    pub(super) fn warning(&mut self, place: &Place, path: &str, message: impl Into<String>) {
        self.warnings.push(Problem::new(&self.file, place.clone(), path, message));
    }

    /// How many problems there are so far.
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// Drops problems that only follow from one that was reported before.
    pub(super) fn forget_since(&mut self, count: usize) {
        self.problems.truncate(count);
    }

    /// Remembers that a key exists, whether it was written or not.
    pub(super) fn know(&mut self, path: &str) {
        self.known.insert(pattern(path));
    }

    pub(super) fn unknown(&mut self, place: &Place, section: &str, key: &str, siblings: &[&'static str]) {
        self.unknown.push(UnknownKey {
            place: place.clone(),
            section: section.to_owned(),
            key: key.to_owned(),
            siblings: siblings.to_vec(),
        });
    }

    /// The verdict: the warnings, or all problems. Only now is every key known that an unknown one could have meant.
    pub(super) fn finish(mut self) -> Result<Warnings, Problems> {
        for unknown in std::mem::take(&mut self.unknown) {
            let message = format!("unknown key{}", self.suggestion(&unknown));
            self.problems.push(Problem::new(&self.file, unknown.place.clone(), unknown.path(), message));
        }
        if self.problems.is_empty() {
            Ok(Warnings { warnings: self.warnings, known: self.known })
        } else {
            Err(Problems::new(self.problems))
        }
    }

    fn suggestion(&self, unknown: &UnknownKey) -> String {
        if let Some(sibling) = nearest(&unknown.key, &unknown.siblings) {
            return format!("; did you mean `{sibling}`?");
        }
        let ending = format!(".{}", unknown.key);
        let elsewhere: Vec<String> = self
            .known
            .iter()
            .filter(|path| **path == unknown.key || path.ends_with(&ending))
            .map(|path| format!("`{path}`"))
            .collect();
        match elsewhere.as_slice() {
            [] => String::new(),
            paths => format!(" here; there is {}", paths.join(" and ")),
        }
    }
}

/// What remains of reading a configuration without problems.
pub(super) struct Warnings {
    pub(super) warnings: Vec<Problem>,
    /// Every key that exists, items of lists as `[]`.
    #[cfg_attr(not(test), expect(dead_code, reason = "holds the survey to what is read"))]
    pub(super) known: BTreeSet<String>,
}

impl UnknownKey {
    /// The key may be anything, even a secret in the wrong column.
    fn path(&self) -> String {
        let key = quoted(&self.key);
        let key = key.trim_matches('`');
        if self.section.is_empty() { key.to_owned() } else { format!("{}.{key}", self.section) }
    }
}

/// `issuers[3].keys` as `issuers[].keys`.
pub(super) fn pattern(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|char| {
            inside = match char {
                '[' => true,
                ']' => false,
                _ => inside,
            };
            !(inside && char.is_ascii_digit())
        })
        .collect()
}

/// The sibling that was probably meant: at most every third letter mistyped, at most two; case and separators aside.
fn nearest(key: &str, siblings: &[&'static str]) -> Option<&'static str> {
    let bare = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let key = bare(key);
    let allowed = (key.chars().count() / 3).min(2);
    siblings
        .iter()
        .map(|sibling| (distance(&key, &bare(sibling)), *sibling))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, sibling)| sibling)
}

/// Levenshtein's distance: letters to insert, delete or replace.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, left) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((right, above), before) in right.chars().zip(row.iter().skip(1)).zip(row.iter()) {
            let beside = next.last().copied().unwrap_or_default();
            let replaced = before + usize::from(left != right);
            next.push(replaced.min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_suggested_and_strangers_are_not() {
        let siblings = ["max_bytes", "max_age", "timeout", "id"];
        for (key, meant) in [
            ("max_byte", Some("max_bytes")),
            ("maxBytes", Some("max_bytes")),
            ("max-age", Some("max_age")),
            ("timout", Some("timeout")),
            ("tiemout", Some("timeout")),
            ("ttl", None),
            ("ix", None),
            ("", None),
        ] {
            assert_eq!(nearest(key, &siblings), meant, "{key}");
        }
    }

    #[test]
    fn items_of_lists_share_a_pattern() {
        assert_eq!(pattern("issuers[12].keys.max_age"), "issuers[].keys.max_age");
        assert_eq!(pattern("a2.b"), "a2.b");
    }
}
