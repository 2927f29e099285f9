//! Out of a file and into one, while nobody else has it open: one state of it, and one transaction.

use std::{io, path::Path};

use super::{
    super::embedded::{Failure, Merging, StoreFile, each},
    Imported, Item, TransferError,
    line::Counts,
    reader, writer,
};
use crate::domain::time::UnixTime;

/// Writes an export, as of `now`.
pub(super) fn export(path: &Path, now: UnixTime, to: &mut dyn io::Write) -> Result<Counts, TransferError> {
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

/// Merges an export that was found to be whole, all of it or nothing.
pub(super) fn import(path: &Path, from: &Path) -> Result<Imported, TransferError> {
    let at_store = |failure: Failure| TransferError::from(failure.at(path));
    let store = StoreFile::open(path)?;
    let transaction = store.begin_write().map_err(at_store)?;
    let counts = {
        let mut merging = Merging::new(&transaction).map_err(at_store)?;
        // It may be another file by now: this time, too, all of it is checked before anything is kept.
        let mut items = reader::Items::open(from)?;
        while let Some(item) = items.next()? {
            merging.put(item).map_err(at_store)?;
        }
        items.counts()
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

fn write(store: &StoreFile, now: UnixTime, to: &mut dyn io::Write) -> Result<Counts, Broken> {
    let transaction = store.begin_read()?;
    let mut lines = writer::Lines::begin(io::BufWriter::new(to), Merging::revision(&transaction)?, now)?;
    each(&transaction, |item: Item| Ok::<(), Broken>(lines.put(&item)?))?;
    Ok(lines.end()?)
}
