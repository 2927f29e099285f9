//! Which instance of an issuer: one with changed settings is another.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that no other issuer of this process has or ever had. What was verified under one issuer's settings names it,
/// so that it is not found any more once those settings have changed or the issuer is gone (C1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerId(u64);

impl IssuerId {
    /// The next one.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
