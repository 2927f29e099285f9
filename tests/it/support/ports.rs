//! Loopback ports that stay free for a process that is started, killed and started again.

use std::{
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the range that the kernel hands out by itself, so that no other test's connection takes a port while the
/// process it belongs to is down.
const PORTS: Range<u16> = 20_000..32_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port on 127.0.0.1 that nobody listens on, and that no other call in this process returns soon.
pub(crate) fn reserve() -> u16 {
    let many = u32::from(PORTS.end - PORTS.start);
    // Test runs side by side on one machine begin at different places.
    let begin = std::process::id().wrapping_mul(97);
    for _ in 0..many {
        let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % many;
        let port = PORTS.start + u16::try_from(offset).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port in {PORTS:?} is free");
}
