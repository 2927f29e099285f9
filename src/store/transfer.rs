//! A store as a file of lines, and back: for backups, and on the way to another store.
//!
//! The first line says what it is, of which revision, and when it was written; each further line is one record; the last one
//! counts them and has a digest of all lines before it, so that a file that was cut or changed is noticed before anything of
//! it is taken. What is sealed stays sealed: an import is of use only with the key ring that the store had.

mod line;
mod reader;
mod writer;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    StoreKind, StoreSettings,
    embedded::{Failure, Item, Merging, StoreFile, each},
    error::StoreError,
    file,
    records::Revision,
};
use crate::domain::time::UnixTime;

pub use self::{line::Counts, reader::Problem};

/// The latest version of the format that this build reads, and the one that it writes.
const VERSION: u64 = 1;

/// Why nothing was exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis.
    #[error("only an embedded store is exported and imported")]
    NotEmbedded,
    /// There is nothing to export.
    #[error("there is no store at {}; check `store.path`", .0.display())]
    Missing(PathBuf),
    /// There is such a file already.
    #[error("{} exists and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// The export cannot be written.
    #[error("the export cannot be written")]
    Unwritable(#[source] io::Error),
    /// The export cannot be read.
    #[error("the export {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what an export wrote.
    #[error("the export {} cannot be used: {problem} (line {line}); nothing of it was imported", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: u64,
        /// What is wrong.
        problem: Problem,
    },
}

/// What an import came to.
#[derive(Clone, Copy, Debug)]
pub struct Imported {
    /// How many records the export held.
    pub counts: Counts,
    /// Where the store stands: in an epoch of its own, so that no revision given out before counts as reached.
    pub revision: Revision,
}

fn file_of(settings: &StoreSettings) -> Result<&Path, TransferError> {
    match &settings.kind {
        StoreKind::Embedded { path } => Ok(path),
        StoreKind::Redis(_) => Err(TransferError::NotEmbedded),
    }
}

/// Writes an export, as of `now`. Refused while another process has the store open. Blocks.
pub fn export(
    settings: &StoreSettings,
    now: UnixTime,
    to: &mut dyn io::Write,
) -> Result<Counts, TransferError> {
    let path = file_of(settings)?;
    // Opening would make it.
    if !path.exists() {
        return Err(TransferError::Missing(path.to_owned()));
    }
    let store = StoreFile::open(path)?;
    write(&store, now, to).map_err(|problem| match problem {
        Broken::Store(failure) => failure.at(path).into(),
        Broken::Io(source) => TransferError::Unwritable(source),
    })
}

/// The same to a new private file, which is there whole or not at all.
pub fn export_to(settings: &StoreSettings, now: UnixTime, to: &Path) -> Result<Counts, TransferError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(TransferError::Exists(to.to_owned()));
    }
    let written = file::create_new_with(to, |file| export(settings, now, file).map_err(Unwritten::Other));
    written.map_err(|problem| match problem {
        Unwritten::Other(error) => error,
        Unwritten::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            TransferError::Exists(to.to_owned())
        }
        Unwritten::Io(source) => TransferError::Unwritable(source),
    })
}

/// Merges an export into the store, which is made if there is none: whatever either of them says is revoked, or has ended,
/// is so (R11). All of it or nothing. Blocks.
pub fn import(settings: &StoreSettings, from: &Path) -> Result<Imported, TransferError> {
    // Once to see whether it is whole, before a store is as much as opened.
    reader::read(from, |_item| Ok(()))?;
    let path = file_of(settings)?;
    let at_store = |failure: Failure| TransferError::from(failure.at(path));
    let store = StoreFile::open(path)?;
    let transaction = store.begin_write().map_err(at_store)?;
    let counts = {
        let mut merging = Merging::new(&transaction).map_err(at_store)?;
        // It may be another file by now: this time, too, all of it is checked before anything is kept.
        reader::read(from, |item| merging.put(item).map_err(at_store))?
    };
    let revision = Merging::end(transaction).map_err(at_store)?;
    Ok(Imported { counts, revision })
}

/// Why an export stopped.
#[derive(Debug)]
enum Broken {
    Store(Failure),
    Io(io::Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Store(failure)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

enum Unwritten {
    Other(TransferError),
    Io(io::Error),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn write(store: &StoreFile, now: UnixTime, to: &mut dyn io::Write) -> Result<Counts, Broken> {
    let transaction = store.begin_read()?;
    let mut lines = writer::Lines::begin(io::BufWriter::new(to), Merging::revision(&transaction)?, now)?;
    each(&transaction, |item: Item| Ok::<(), Broken>(lines.put(&item)?))?;
    Ok(lines.end()?)
}

#[cfg(test)]
mod tests;
