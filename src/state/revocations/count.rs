//! How many revocations of each kind are in the set.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::revocation::TargetKind;

/// Never less than there are: an entry is counted before it is there, and no longer after it is gone.
#[derive(Debug, Default)]
pub(super) struct Counts([AtomicU64; TargetKind::ALL.len()]);

impl Counts {
    pub(super) fn add(&self, kind: TargetKind) {
        if let Some(count) = self.place(kind) {
            count.fetch_add(1, Ordering::Release);
        }
    }

    pub(super) fn remove(&self, kind: TargetKind) {
        if let Some(count) = self.place(kind) {
            count.fetch_sub(1, Ordering::Release);
        }
    }

    pub(super) fn of(&self, kind: TargetKind) -> u64 {
        self.place(kind).map_or(u64::MAX, |count| count.load(Ordering::Acquire))
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn place(&self, kind: TargetKind) -> Option<&AtomicU64> {
        self.0.get(usize::from(kind.number()).wrapping_sub(1))
    }
}
