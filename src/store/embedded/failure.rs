//! What goes wrong inside the embedded store, before a path and advice are put to it.

use std::{error::Error, fmt, io::ErrorKind, path::Path, sync::Arc};

use super::super::{codec::Problem, error::StoreError, seal::SealError};

/// Cloned for every caller whose order was in the same transaction.
#[derive(Clone, Debug)]
pub(in crate::store) enum Failure {
    /// What redb says: the disk, or the file's structure.
    Redb(Arc<redb::Error>),
    /// A record that must not be overlooked cannot be read.
    Record {
        /// What it is, with its article.
        what: &'static str,
        problem: Problem,
    },
    Seal(SealError),
    /// The thread that does it is gone, or panicked on the way.
    Lost,
}

/// For the log. Neither an error of redb nor any other holds stored content.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redb(error) => error.fmt(f),
            Self::Record { what, problem } => write!(f, "{what} cannot be read: {problem:?}"),
            Self::Seal(error) => error.fmt(f),
            Self::Lost => LostWriter.fmt(f),
        }
    }
}

impl Failure {
    /// Whether the database has to be opened anew before it is used again: redb refuses everything after a failed read,
    /// write or commit.
    pub(super) fn needs_reopening(&self) -> bool {
        matches!(self, Self::Redb(_) | Self::Lost)
    }

    /// Whether nothing was tried, because of something that had failed before.
    pub(super) fn is_of_before(&self) -> bool {
        matches!(self, Self::Redb(error) if matches!(**error, redb::Error::PreviousIo | redb::Error::DatabaseClosed))
    }

    /// With what to do about it.
    pub(in crate::store) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Redb(error) if is_of_structure(&error) => {
                StoreError::Corrupted { path, detail: error.to_string() }
            }
            Self::Redb(source) => StoreError::Unreachable { path, source },
            Self::Record { what, problem: Problem::Version(found) } => {
                StoreError::UnknownRecord { path, what, found }
            }
            Self::Record { what, problem: Problem::Damaged } => {
                StoreError::Corrupted { path, detail: format!("{what} is damaged") }
            }
            Self::Seal(error) => error.into(),
            Self::Lost => unreachable(&path, LostWriter),
        }
    }
}

/// The writer panicked, or ended before it answered.
#[derive(Debug, thiserror::Error)]
#[error("the store's writer did not answer")]
struct LostWriter;

pub(super) fn unreachable(path: &Path, source: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unreachable { path: path.to_owned(), source: Arc::new(source) }
}

fn is_of_structure(error: &redb::Error) -> bool {
    use redb::Error as E;
    let structural = matches!(
        error,
        E::Corrupted(_)
            | E::TableTypeMismatch { .. }
            | E::TableIsMultimap(_)
            | E::TableIsNotMultimap(_)
            | E::TypeDefinitionChanged { .. }
            | E::UpgradeRequired(_)
            | E::RepairAborted
    );
    // redb's way of saying that the file is not one of its own, or ends too early.
    let misread =
        matches!(error, E::Io(io) if matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof));
    structural || misread
}

impl From<redb::Error> for Failure {
    fn from(error: redb::Error) -> Self {
        Self::Redb(Arc::new(error))
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Failure {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}

from_redb!(StorageError, TableError, TransactionError, CommitError, DatabaseError);

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}
