//! What can be configured, found out by reading: an empty configuration is read with every optional section visited,
//! and each call that reads a key leaves a row of what it would have accepted.

use std::path::Path;

use super::{
    all_sections,
    effective::Shown,
    env::Environment,
    key::Key,
    notation::Notation,
    problem::Place,
    reader::Reader,
    section,
    tree::{Node, Value},
};

/// A key, as it is read.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The section that it is in: `cache`, or `issuers[]` for those of a list; empty for the whole file.
    pub(super) section: String,
    pub(super) key: Key,
    pub(super) is_needed: bool,
    pub(super) shape: Shape,
}

/// What a key holds.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Value {
        notation: Notation,
        default: Option<Shown>,
        bounds: Option<Bounds>,
    },
    Section(Presence),
    Sections,
    /// Documented, and refused.
    NotBuilt,
}

/// Whether it matters that a section was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It does not: left out, it has its defaults.
    Always,
    /// `off` may stand for it.
    OrOff,
    /// Left out, there is no such thing.
    Optional,
    /// The same, and `off` says so.
    OptionalOrOff,
    /// The same, and Redis's address may stand for it.
    OptionalOrAddress,
}

impl Presence {
    /// Whether it means something that the section is there.
    pub(super) fn matters(self) -> bool {
        match self {
            Self::Always | Self::OrOff => false,
            Self::Optional | Self::OptionalOrOff | Self::OptionalOrAddress => true,
        }
    }
}

/// The least and the most, and as numbers where they may be written so.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) shown: [String; 2],
    pub(super) numbers: Option<[u64; 2]>,
}

impl Row {
    /// `issuers[].keys.max_age`.
    pub(super) fn path(&self) -> String {
        match self.section.as_str() {
            "" => self.key.name.to_owned(),
            section => format!("{section}.{}", self.key.name),
        }
    }
}

impl Bounds {
    /// For whoever writes the value.
    pub(super) fn sentence(&self) -> String {
        match &self.shown {
            [least, most] if least.starts_with('0') => format!("At most {most}."),
            [least, most] => format!("{least} to {most}."),
        }
    }
}

/// Every key, in the order in which they are read.
pub(super) fn rows() -> Vec<Row> {
    let env = Environment::default();
    let nothing = Node { place: Place::File, value: Value::Null };
    let mut reader = Reader::new("".into(), &env, Path::new("")).surveying();
    // What is needed and not there is a problem, and of no interest here.
    let (_, _) = section::read_root(&mut reader, &nothing, all_sections);
    reader.into_rows()
}
