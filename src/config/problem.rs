//! What is wrong with a configuration: one line for each problem, with the place where it is to be mended.

use std::{fmt, sync::Arc};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A line of the file, counted from 1.
    Line(u64),
    /// An environment variable laid over the file.
    Variable(String),
    /// The file as a whole.
    File,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Variable(name) => f.write_str(name),
            Self::File => f.write_str("the file"),
        }
    }
}

/// One problem, or one warning. `Display` is one line and never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    file: Arc<str>,
    place: Place,
    path: String,
    message: String,
}

impl Problem {
    pub(super) fn new(
        file: &Arc<str>,
        place: Place,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { file: Arc::clone(file), place, path: path.into(), message: message.into() }
    }

    /// The key that it is about, such as `issuers[0].keys.min_refetch`; empty for the file as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong and what to write instead.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// In the order of the file, and what came from the environment after it.
    fn rank(&self) -> (u8, u64) {
        match self.place {
            Place::File => (0, 0),
            Place::Line(line) => (1, line),
            Place::Variable(_) => (2, 0),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line(line) => write!(f, "{}:{line}: ", self.file)?,
            Place::Variable(name) => write!(f, "{name}: ")?,
            Place::File => write!(f, "{}: ", self.file)?,
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a configuration. `Display` is one line for each problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(Problem::rank);
        problems.dedup();
        Self(problems)
    }

    /// The problems in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Somebody's own text for a message: short and printable, or left out. A long value may be a secret that was put into
/// the wrong place.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let printable = text.chars().all(|char| char == ' ' || char.is_alphanumeric() || char.is_ascii_graphic());
    if text.chars().count() <= LONGEST && printable {
        format!("`{text}`")
    } else {
        "the value (not shown)".to_owned()
    }
}
