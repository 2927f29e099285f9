//! Loopback ports that stay a server's own while it is down.

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the range that the kernel hands out by itself, and that other kits of the tests use.
const PORTS: Range<u16> = 12_000..20_000;

/// A port that no other test takes while this lives, in whatever process: it is locked as a file, too.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    pub(super) fn reserve() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let many = u32::from(PORTS.end - PORTS.start);
        // Test runs side by side on one machine begin at different places.
        let begin = process::id().wrapping_mul(97);
        (0..many)
            .find_map(|_| {
                let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % many;
                Self::take(PORTS.start + u16::try_from(offset).unwrap())
            })
            .unwrap_or_else(|| panic!("no port in {PORTS:?} is free"))
    }

    fn take(number: u16) -> Option<Self> {
        let locks = env::temp_dir().join("countersign-test-ports");
        fs::create_dir_all(&locks).unwrap();
        let lock = File::create(locks.join(number.to_string())).ok()?;
        lock.try_lock().ok()?;
        // Somebody else's server may be there.
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _lock: lock })
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }
}
