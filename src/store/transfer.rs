//! A store as a file of lines, and back: for backups, and on the way to another store.
//!
//! The first line says what it is, of which revision, and when it was written; each further line is one record; the last one
//! counts them and has a digest of all lines before it, so that a file that was cut or changed is noticed before anything of
//! it is taken. What is sealed stays sealed: an import is of use only with the key ring that the store had.

mod embedded;
mod item;
mod line;
mod reader;
pub(in crate::store) mod shared;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    KeyRing, RedisSettings, RedisStore, StoreKind, StoreSettings, error::StoreError, file, records::Revision,
};
use crate::domain::time::UnixTime;

pub(in crate::store) use self::item::Item;
pub use self::{line::Counts, reader::Problem};

/// The latest version of the format that this build reads, and the one that it writes.
const VERSION: u64 = 1;

/// Why nothing was exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// A store that others use, too, takes an import bit by bit.
    #[error(
        "the import has stopped, and may have been done in part: run it again, which does no harm to what is there"
    )]
    InPart(#[source] Box<Self>),
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
    /// Where the store stands: an embedded one in an epoch of its own, so that no revision given out before counts as reached. A
    /// shared one goes on: it still has everything that it gave revisions for.
    pub revision: Revision,
}

/// Writes an export, as of `now`. Of an embedded store it is refused while another process has it open. Blocks on what is
/// written to.
pub async fn export(
    settings: &StoreSettings,
    now: UnixTime,
    to: &mut (dyn io::Write + Send),
) -> Result<Counts, TransferError> {
    let ring = settings.key_ring.as_deref();
    match &settings.kind {
        StoreKind::Embedded { path } => embedded::export(path, now, to),
        StoreKind::Redis(redis) => shared::export(&shared_store(redis, ring).await?, now, to).await,
    }
}

/// The same to a new private file, which is there whole or not at all.
pub async fn export_to(settings: &StoreSettings, now: UnixTime, to: &Path) -> Result<Counts, TransferError> {
    let unwritten = |error: io::Error| {
        let exists = error.kind() == io::ErrorKind::AlreadyExists;
        if exists { TransferError::Exists(to.to_owned()) } else { TransferError::Unwritable(error) }
    };
    let mut file = file::NewFile::begin(to).map_err(unwritten)?;
    let counts = export(settings, now, file.content()).await?;
    file.keep().map_err(unwritten)?;
    Ok(counts)
}

/// Merges an export into the store: whatever either of them says is revoked, or has ended, is so (R11). An embedded store, which is
/// made if there is none, takes all of it or nothing; a shared one may have taken a part when there is an error. Blocks on the file.
pub async fn import(settings: &StoreSettings, from: &Path) -> Result<Imported, TransferError> {
    // Once to see whether it is whole, before a store is as much as opened.
    let mut items = reader::Items::open(from)?;
    while items.next()?.is_some() {}
    let ring = settings.key_ring.as_deref();
    match &settings.kind {
        StoreKind::Embedded { path } => embedded::import(path, from),
        StoreKind::Redis(redis) => shared::import(&shared_store(redis, ring).await?, from).await,
    }
}

/// Opens a store that others have open, too.
async fn shared_store(redis: &RedisSettings, key_ring: Option<&Path>) -> Result<RedisStore, StoreError> {
    let ring = KeyRing::load(key_ring.ok_or(StoreError::NoKeyRing)?)?;
    RedisStore::open(redis, Arc::new(ring)).await
}

#[cfg(test)]
mod tests;
