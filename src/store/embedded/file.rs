//! The store's file: opened once, locked to the end, and opened anew by itself after the disk has failed.

use std::{
    fmt,
    fs::{File, TryLockError},
    io::{self, ErrorKind, Read, Seek},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{Builder, Database, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction};

use super::{
    super::{
        error::StoreError,
        file::{self, Exposure},
    },
    failure::{Failure, unreachable},
    medium::{Fenced, Locked, renew},
    schema,
};

/// A file that redb has not finished making is no longer than this, in bytes.
const UNFINISHED_BYTES: u64 = 8 << 20;

/// How many bytes redb begins a file with to mark it as its own.
const MAGIC_BYTES: usize = 9;

/// What redb may hold of the file in memory. The kernel has the rest, and gives it up when memory is short.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// An open file. It stays locked for as long as this lives.
pub struct StoreFile {
    path: Arc<Path>,
    medium: Arc<dyn StorageBackend>,
    state: Mutex<State>,
    /// Whether something failed since the last commit: said once, until one works again.
    is_failing: AtomicBool,
}

enum State {
    Open(Arc<Opened>),
    /// To be opened anew by whoever comes next.
    Failed {
        lost_a_sync: bool,
    },
}

struct Opened {
    database: Database,
    fenced: Fenced,
}

impl fmt::Debug for StoreFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl StoreFile {
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
        file.try_lock().map_err(|refused| match refused {
            TryLockError::WouldBlock => StoreError::AlreadyOpen { path: path.to_owned() },
            TryLockError::Error(source) => unreachable(path, source),
        })?;
        discard_unfinished(&mut file).map_err(|source| unreachable(path, source))?;
        Self::on(path, Arc::new(Locked(file)))
    }

    /// The same on any medium.
    pub(super) fn on(path: &Path, medium: Arc<dyn StorageBackend>) -> Result<Self, StoreError> {
        let opened = Opened::open(&medium).map_err(|failure| failure.at(path))?;
        schema::prepare(&opened.database, path)?;
        let state = Mutex::new(State::Open(Arc::new(opened)));
        Ok(Self { path: Arc::from(path), medium, state, is_failing: AtomicBool::new(false) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads from one consistent state, off the runtime's threads.
    pub(in crate::store) async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&ReadTransaction) -> Result<T, Failure> + Send + 'static,
    {
        let file = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || file.read_now(work)).await;
        done.map_err(|lost| unreachable(&self.path, lost))?.map_err(|failure| failure.at(&self.path))
    }

    /// The same on this thread. A database that failed under somebody else's hands is opened anew and read once more.
    pub(in crate::store) fn read_now<T>(
        &self,
        work: impl Fn(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let attempt = || self.with(|database| work(&database.begin_read()?));
        match attempt() {
            Err(failure) if failure.needs_reopening() => attempt(),
            done => done,
        }
    }

    /// Writes all or nothing, off the runtime's threads; on disk once this returns. A caller that gives up changes
    /// nothing about that.
    pub(in crate::store) async fn write<F>(self: &Arc<Self>, work: F) -> Result<(), StoreError>
    where
        F: FnOnce(&WriteTransaction) -> Result<(), Failure> + Send + 'static,
    {
        let file = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || file.write_now(work)).await;
        done.map_err(|lost| unreachable(&self.path, lost))?.map_err(|failure| failure.at(&self.path))
    }

    /// The same on this thread.
    pub(in crate::store) fn write_now<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            let done = work(&transaction)?;
            transaction.commit()?;
            self.committed();
            Ok(done)
        })
    }

    /// Whoever has committed says so. Reading alone proves nothing: it works on a full disk.
    pub(super) fn committed(&self) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!(file.path = %self.path.display(), "the store works again");
        }
    }

    /// For who reads through to the end, once.
    pub(in crate::store) fn begin_read(&self) -> Result<ReadTransaction, Failure> {
        self.with(|database| Ok(database.begin_read()?))
    }

    /// For who writes bit by bit, once.
    pub(in crate::store) fn begin_write(&self) -> Result<WriteTransaction, Failure> {
        self.with(|database| Ok(database.begin_write()?))
    }

    /// With the database, which is opened anew if it failed before, and given up if it fails now.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Failure>) -> Result<T, Failure> {
        let opened = self.opened()?;
        let done = work(&opened.database);
        if let Err(failure) = &done
            && failure.needs_reopening()
        {
            self.give_up(&opened);
            self.complain(failure);
        }
        done
    }

    fn complain(&self, failure: &Failure) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            tracing::error!(
                file.path = %self.path.display(),
                error.message = %failure,
                "the store fails: revocations are not stored until it works again"
            );
        }
    }

    /// Gives up whatever database there is, for who has seen it fail without an error.
    pub(super) fn distrust(&self) {
        if let Ok(opened) = self.opened() {
            self.give_up(&opened);
            self.complain(&Failure::Lost);
        }
    }

    fn opened(&self) -> Result<Arc<Opened>, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lost_a_sync = match &*state {
            State::Open(opened) => return Ok(Arc::clone(opened)),
            State::Failed { lost_a_sync } => *lost_a_sync,
        };
        if lost_a_sync {
            renew(&*self.medium).map_err(redb::Error::Io)?;
            *state = State::Failed { lost_a_sync: false };
        }
        let opened = Arc::new(Opened::open(&self.medium)?);
        *state = State::Open(Arc::clone(&opened));
        Ok(opened)
    }

    fn give_up(&self, failed: &Arc<Opened>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*state, State::Open(opened) if Arc::ptr_eq(opened, failed)) {
            failed.fenced.cut();
            *state = State::Failed { lost_a_sync: failed.fenced.lost_a_sync() };
        }
    }
}

impl Opened {
    fn open(medium: &Arc<dyn StorageBackend>) -> Result<Self, Failure> {
        let fenced = Fenced::new(Arc::clone(medium));
        let database = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(fenced.clone())?;
        Ok(Self { database, fenced })
    }
}

/// Empties a file that a process began to make and did not live to finish. redb writes its mark last, so where the mark
/// would be there are zeros, and nothing was ever stored; redb itself would refuse the file for ever.
fn discard_unfinished(file: &mut File) -> io::Result<()> {
    let mut mark = [0; MAGIC_BYTES];
    match file.read_exact(&mut mark) {
        // A longer one has been a store, and has lost its beginning: redb will refuse it.
        Ok(()) if mark == [0; MAGIC_BYTES] && file.metadata()?.len() <= UNFINISHED_BYTES => {
            file.set_len(0)?;
        }
        Ok(()) => {}
        // Shorter than the mark: empty, or something else, which redb will refuse.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error),
    }
    file.rewind()
}
