//! The embedded store: one redb file, one process.

use std::{
    fmt,
    fs::{File, TryLockError},
    io::{self, ErrorKind, Read, Seek},
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, TableDefinition, TableError,
    WriteTransaction,
};

use super::{
    error::StoreError,
    file::{self, Exposure},
};

/// Facts about the file itself.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The key in [`META`] for which tables there are and what their values mean.
const SCHEMA: &str = "schema";

/// The schema that this build writes, and the latest that it reads.
const SCHEMA_VERSION: u64 = 1;

/// How many bytes redb begins a file with to mark it as its own.
const MAGIC_BYTES: usize = 9;

/// An open store. The file stays locked for as long as this lives.
#[derive(Clone)]
pub struct EmbeddedStore {
    database: Arc<Database>,
    path: Arc<Path>,
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// Opens the file, or makes it, private, in a directory that exists. Blocks, after a crash for as long as redb needs
    /// to repair the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut file = file::open_private(path).map_err(|source| unreachable(path, source))?;
        match file::exposure(&file).map_err(|source| unreachable(path, source))? {
            Exposure::Private => {}
            Exposure::Readable | Exposure::Writable => tracing::warn!(
                file.path = %path.display(),
                "the store is readable or writable by its group or by everybody; make it private with chmod 600"
            ),
        }
        // redb takes the same lock on the same open file, which it may; until then nobody else can.
        file.try_lock().map_err(|refused| match refused {
            TryLockError::WouldBlock => StoreError::AlreadyOpen { path: path.to_owned() },
            TryLockError::Error(source) => unreachable(path, source),
        })?;
        discard_unfinished(&mut file).map_err(|source| unreachable(path, source))?;
        let database = Builder::new().create_file(file).map_err(|error| of_database(path, error))?;
        let store = Self { database: Arc::new(database), path: Arc::from(path) };
        store.check_schema()?;
        Ok(store)
    }

    /// Reads from one consistent state, off the runtime's threads.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&ReadTransaction) -> Result<T, redb::Error> + Send + 'static,
    {
        self.blocking(|database| work(&database.begin_read()?)).await
    }

    /// Writes all or nothing, off the runtime's threads; on disk once this returns. A caller that gives up changes
    /// nothing about that.
    pub(super) async fn write<F>(&self, work: F) -> Result<(), StoreError>
    where
        F: FnOnce(&WriteTransaction) -> Result<(), redb::Error> + Send + 'static,
    {
        self.blocking(|database| {
            let transaction = database.begin_write()?;
            work(&transaction)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn blocking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    {
        let database = Arc::clone(&self.database);
        let done = tokio::task::spawn_blocking(move || work(&database)).await;
        let done = done.map_err(|lost| unreachable(&self.path, lost))?;
        done.map_err(|error| of_redb(&self.path, error))
    }

    fn check_schema(&self) -> Result<(), StoreError> {
        let known = SCHEMA_VERSION;
        match self.schema().map_err(|error| of_redb(&self.path, error))? {
            found if found > known => {
                Err(StoreError::NewerVersion { path: self.path.to_path_buf(), found, known })
            }
            _ => Ok(()),
        }
    }

    /// The file's schema version; a new file gets this build's.
    fn schema(&self) -> Result<u64, redb::Error> {
        match self.database.begin_read()?.open_table(META) {
            Ok(meta) => {
                if let Some(version) = meta.get(SCHEMA)? {
                    return Ok(version.value());
                }
            }
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let transaction = self.database.begin_write()?;
        transaction.open_table(META)?.insert(SCHEMA, SCHEMA_VERSION)?;
        transaction.commit()?;
        Ok(SCHEMA_VERSION)
    }
}

/// Empties a file that a process began to make and did not live to finish. redb writes its mark last, so where the mark
/// would be there are zeros, and nothing was ever stored; redb itself would refuse the file for ever.
fn discard_unfinished(file: &mut File) -> io::Result<()> {
    let mut mark = [0; MAGIC_BYTES];
    match file.read_exact(&mut mark) {
        Ok(()) if mark == [0; MAGIC_BYTES] => file.set_len(0)?,
        Ok(()) => {}
        // Shorter than the mark: empty, or something else, which redb will refuse.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error),
    }
    file.rewind()
}

fn of_database(path: &Path, error: DatabaseError) -> StoreError {
    if matches!(error, DatabaseError::DatabaseAlreadyOpen) {
        StoreError::AlreadyOpen { path: path.to_owned() }
    } else if matches!(error, DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted) {
        corrupted(path, error.to_string())
    } else {
        of_redb(path, error.into())
    }
}

fn of_redb(path: &Path, error: redb::Error) -> StoreError {
    use redb::Error as E;
    let structural = matches!(
        error,
        E::Corrupted(_)
            | E::TableTypeMismatch { .. }
            | E::TableIsMultimap(_)
            | E::TableIsNotMultimap(_)
            | E::TypeDefinitionChanged { .. }
    );
    // redb's way of saying that the file is not one of its own, or ends too early.
    let misread =
        matches!(&error, E::Io(io) if matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof));
    if structural || misread { corrupted(path, error.to_string()) } else { unreachable(path, error) }
}

fn corrupted(path: &Path, detail: String) -> StoreError {
    StoreError::Corrupted { path: PathBuf::from(path), detail }
}

fn unreachable(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unreachable { path: path.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::testing::TempDir, *};

    #[test]
    fn a_second_opener_is_refused_and_the_message_names_the_file() {
        let dir = TempDir::new();
        let path = dir.path("countersign.redb");
        let first = EmbeddedStore::open(&path).unwrap();
        let error = EmbeddedStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::AlreadyOpen { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        drop(first);
        EmbeddedStore::open(&path).unwrap();
    }

    #[test]
    fn a_missing_directory_is_said_and_not_made() {
        let dir = TempDir::new();
        let error = EmbeddedStore::open(&dir.path("none/countersign.redb")).unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("none/countersign.redb"), "{error}");
        assert!(dir.names().is_empty());
    }

    #[test]
    fn a_later_schema_is_refused_and_left_as_it_is() {
        let dir = TempDir::new();
        let path = dir.path("countersign.redb");
        let store = EmbeddedStore::open(&path).unwrap();
        let transaction = store.database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert(SCHEMA, 2).unwrap();
        transaction.commit().unwrap();
        drop(store);
        for _ in 0..2 {
            let error = EmbeddedStore::open(&path).unwrap_err();
            assert!(matches!(error, StoreError::NewerVersion { found: 2, known: 1, .. }), "{error}");
        }
    }

    #[test]
    fn what_is_not_a_store_is_refused_and_left_as_it_is() {
        let dir = TempDir::new();
        let path = dir.path("countersign.redb");
        for content in [&b"listen: 127.0.0.1:50051\n"[..], b"short"] {
            fs::write(&path, content).unwrap();
            let error = EmbeddedStore::open(&path).unwrap_err();
            assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_damaged_or_later_file_format_is_refused() {
        let dir = TempDir::new();
        let path = dir.path("countersign.redb");
        drop(EmbeddedStore::open(&path).unwrap());
        let good = fs::read(&path).unwrap();
        // redb's two commit slots begin with the version of its file format.
        let mut later = good.clone();
        later[64] = 200;
        later[192] = 200;
        let cut = good[..400].to_vec();
        for (name, content) in [("later", later), ("cut", cut)] {
            fs::write(&path, content).unwrap();
            let error = EmbeddedStore::open(&path).unwrap_err();
            assert!(matches!(error, StoreError::Corrupted { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn a_file_whose_maker_was_killed_is_made_anew() {
        let dir = TempDir::new();
        let path = dir.path("countersign.redb");
        fs::write(&path, vec![0; 1 << 20]).unwrap();
        drop(EmbeddedStore::open(&path).unwrap());
        EmbeddedStore::open(&path).unwrap();
    }
}
