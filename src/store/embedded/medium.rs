//! What lies below redb: one file, locked for as long as the store lives, and a fence between it and a database that failed.
//!
//! redb would unlock the file when a database is closed. After an I/O error the database has to be closed and opened anew,
//! and in between another process could take the file; so the lock is ours, on the open file that every database of this
//! process uses in turn.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::StorageBackend;

/// The file.
#[derive(Debug)]
pub(super) struct Locked(pub(super) File);

impl StorageBackend for Locked {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

/// What one database sees of the file, until it is cut off. Two databases never write to one file, although a reader may
/// hold the old one for a while.
#[derive(Clone, Debug)]
pub(super) struct Fenced {
    medium: Arc<dyn StorageBackend>,
    fence: Arc<Fence>,
}

#[derive(Debug, Default)]
struct Fence {
    /// Held for reading during each access.
    is_cut: RwLock<bool>,
    lost_a_sync: AtomicBool,
}

impl Fenced {
    pub(super) fn new(medium: Arc<dyn StorageBackend>) -> Self {
        Self { medium, fence: Arc::default() }
    }

    /// Ends all access, once what is under way is over.
    pub(super) fn cut(&self) {
        *self.fence.is_cut.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Whether writes may never have come to the disk although reading shows them.
    pub(super) fn lost_a_sync(&self) -> bool {
        self.fence.lost_a_sync.load(Ordering::Relaxed)
    }

    fn access<T>(&self, access: impl FnOnce(&dyn StorageBackend) -> io::Result<T>) -> io::Result<T> {
        let is_cut = self.fence.is_cut.read().unwrap_or_else(PoisonError::into_inner);
        if *is_cut {
            return Err(io::Error::other("the store is being opened anew after a failure"));
        }
        access(&*self.medium)
    }
}

impl StorageBackend for Fenced {
    fn len(&self) -> io::Result<u64> {
        self.access(StorageBackend::len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.access(|medium| medium.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.access(|medium| medium.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let synced = self.access(StorageBackend::sync_data);
        if synced.is_err() {
            self.fence.lost_a_sync.store(true, Ordering::Relaxed);
        }
        synced
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.access(|medium| medium.write(offset, data))
    }
}

/// How much [`renew`] takes at once: a page of redb.
const CHUNK_BYTES: usize = 4096;

/// Writes what can be read once more. After a failed fsync Linux shows what was written, takes it for written, and never
/// tries again; so the next fsync would vouch for what is not on the disk. Zeros are left: redb keeps nothing in them, and
/// a hole would become allocated space, which may be what is missing.
pub(super) fn renew(medium: &dyn StorageBackend) -> io::Result<()> {
    let mut offset = 0;
    let mut left = medium.len()?;
    let mut chunk = [0; CHUNK_BYTES];
    while left > 0 {
        let here = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let Some(page) = chunk.get_mut(..here) else { break };
        medium.read(offset, page)?;
        if page.iter().any(|byte| *byte != 0) {
            medium.write(offset, page)?;
        }
        let step = u64::try_from(here).unwrap_or(left);
        offset = offset.saturating_add(step);
        left = left.saturating_sub(step);
    }
    medium.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{file::open_private, testing::TempDir};

    #[test]
    fn who_was_cut_off_reaches_nothing_any_more_and_the_next_one_everything() {
        let dir = TempDir::new();
        let medium: Arc<dyn StorageBackend> = Arc::new(Locked(open_private(&dir.path("f")).unwrap()));
        let (old, new) = (Fenced::new(Arc::clone(&medium)), Fenced::new(medium));
        let of_redb = old.clone();
        of_redb.write(0, b"text").unwrap();
        old.cut();
        assert!(of_redb.write(0, b"late").is_err() && of_redb.set_len(0).is_err());
        assert!(
            of_redb.sync_data().is_err() && of_redb.len().is_err() && of_redb.read(0, &mut [0; 4]).is_err()
        );
        let mut read = [0; 4];
        new.read(0, &mut read).unwrap();
        assert_eq!(&read, b"text");
    }
}
