//! Reads the lines of an export, and believes none of them before it has seen the last.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
};

use aws_lc_rs::digest;

use super::{
    Item, TransferError, VERSION,
    line::{AnyHeader, Counts, End, Line, hex},
};

/// No line is longer: a key set is at most a few hundred kilobytes.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// What is wrong with an export. Nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It does not begin like one.
    #[error("it is not an export of a store")]
    NotAnExport,
    /// It was written by a later release.
    #[error("it has version {found}, and this build knows up to {VERSION}; use the newer release")]
    NewerVersion {
        /// What it says.
        found: u64,
    },
    /// A line is not a record.
    #[error("this is no record that this build knows")]
    Line,
    /// The last line is missing, or half of one.
    #[error("it ends too early: it was cut, or not written to its end")]
    Cut,
    /// Its records or their number are not those that were written.
    #[error("it was changed after it was written: its digest or its counts do not fit")]
    Altered,
    /// There is more behind its last line.
    #[error("there is something behind its end")]
    Trailing,
}

/// An export's records, one after the other. Nothing of them may be kept before the last, which is followed by `None`: only
/// then all of it has turned out to be as it was written.
pub(super) struct Items<'p> {
    path: &'p Path,
    from: BufReader<File>,
    reading: Reading,
    line: Vec<u8>,
}

impl<'p> Items<'p> {
    pub(super) fn open(path: &'p Path) -> Result<Self, TransferError> {
        let file = File::open(path).map_err(|source| unreadable(path, source))?;
        Ok(Self { path, from: BufReader::new(file), reading: Reading::default(), line: Vec::new() })
    }

    /// Not to be asked again behind the last.
    pub(super) fn next(&mut self) -> Result<Option<Item>, TransferError> {
        loop {
            match self.step()? {
                Step::Header => {}
                Step::Item(item) => return Ok(Some(*item)),
                Step::Ended if self.is_at_end()? => return Ok(None),
                Step::Ended => return Err(self.reading.unusable(self.path, Problem::Trailing)),
            }
        }
    }

    /// How many there were.
    pub(super) fn counts(&self) -> Counts {
        self.reading.counts
    }

    fn step(&mut self) -> Result<Step, TransferError> {
        self.line.clear();
        let read = (&mut self.from).take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        read.map_err(|source| unreadable(self.path, source))?;
        self.reading.line = self.reading.line.saturating_add(1);
        let step = self.reading.step(&self.line);
        step.map_err(|problem| self.reading.unusable(self.path, problem))
    }

    fn is_at_end(&mut self) -> Result<bool, TransferError> {
        let rest = self.from.fill_buf().map_err(|source| unreadable(self.path, source))?;
        Ok(rest.is_empty())
    }
}

fn unreadable(path: &Path, source: io::Error) -> TransferError {
    TransferError::Unreadable { path: path.to_owned(), source }
}

enum Step {
    Header,
    Item(Box<Item>),
    Ended,
}

struct Reading {
    line: u64,
    digest: digest::Context,
    counts: Counts,
}

impl Default for Reading {
    fn default() -> Self {
        Self { line: 0, digest: digest::Context::new(&digest::SHA256), counts: Counts::default() }
    }
}

impl Reading {
    /// One line, its end included.
    fn step(&mut self, line: &[u8]) -> Result<Step, Problem> {
        let content = line.strip_suffix(b"\n");
        if self.line == 1 {
            check_header(content.unwrap_or(line))?;
        }
        let content = content.ok_or(Problem::Cut)?;
        let parsed = serde_json::from_slice(content).map_err(|_invalid| Problem::Line)?;
        let step = match parsed {
            Line::CountersignExport(_) if self.line == 1 => Step::Header,
            Line::CountersignExport(_) => return Err(Problem::Line),
            Line::End(end) => return self.end(&end),
            Line::Revocation(revocation) => item(revocation.read().map(Item::Revocation))?,
            Line::Session(session) => item(Some(Item::Session(session.read())))?,
            Line::Delivery(delivery) => item(delivery.read().map(Item::Delivery))?,
            Line::KeySet(set) => item(set.read().map(Item::KeySet))?,
        };
        if let Step::Item(item) = &step {
            self.counts.count(item);
        }
        self.digest.update(line);
        Ok(step)
    }

    fn end(&self, end: &End) -> Result<Step, Problem> {
        let is_whole = end.counts == self.counts && end.sha256 == hex(self.digest.clone().finish().as_ref());
        if is_whole { Ok(Step::Ended) } else { Err(Problem::Altered) }
    }

    fn unusable(&self, path: &Path, problem: Problem) -> TransferError {
        TransferError::Unusable { path: path.to_owned(), line: self.line, problem }
    }
}

fn item(item: Option<Item>) -> Result<Step, Problem> {
    item.map(|item| Step::Item(Box::new(item))).ok_or(Problem::Line)
}

fn check_header(line: &[u8]) -> Result<(), Problem> {
    let header: AnyHeader = serde_json::from_slice(line).map_err(|_invalid| Problem::NotAnExport)?;
    match header.countersign_export.version {
        VERSION => Ok(()),
        found if found > VERSION => Err(Problem::NewerVersion { found }),
        _never_written => Err(Problem::NotAnExport),
    }
}
