//! A disk that fails when told to.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use super::super::medium::Locked;

/// How many accesses that change something still work; all of them.
const HEALTHY: u64 = u64::MAX;

/// The real file, until it is told to fail.
#[derive(Debug)]
pub(super) struct Faulty {
    file: Locked,
    left: AtomicU64,
    syncs: AtomicU64,
    writes: AtomicU64,
}

impl Faulty {
    pub(super) fn new(file: std::fs::File) -> Self {
        let [syncs, writes] = [(); 2].map(|()| AtomicU64::new(0));
        Self { file: Locked(file), left: AtomicU64::new(HEALTHY), syncs, writes }
    }

    /// Fails everything that changes something, after this many that work.
    pub(super) fn fail_after(&self, accesses: u64) {
        self.left.store(accesses, Ordering::SeqCst);
    }

    pub(super) fn heal(&self) {
        self.left.store(HEALTHY, Ordering::SeqCst);
    }

    /// How often it was synced so far.
    pub(super) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::SeqCst)
    }

    /// How often it was written to so far.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    fn works(&self) -> bool {
        let take = |left| match left {
            0 => None,
            HEALTHY => Some(HEALTHY),
            left => Some(left - 1),
        };
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "no space left on this disk")
}

impl redb::StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if self.works() { self.file.set_len(len) } else { Err(full()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        if self.works() { self.file.sync_data() } else { Err(full()) }
    }

    /// Half of it is written before it fails.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        if self.works() {
            return self.file.write(offset, data);
        }
        self.file.write(offset, &data[..data.len() / 2])?;
        Err(full())
    }
}
