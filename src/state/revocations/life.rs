//! How long moka keeps a revocation in memory.

#![expect(
    clippy::disallowed_types,
    reason = "moka's trait names the standard library's clock; nothing reads it here"
)]

use std::time::{Duration, Instant};

use moka::Expiry;

use super::Kept;
use crate::domain::{
    revocation::{Revocation, Target},
    time::UnixTime,
};

/// Beyond its end. moka counts time that no clock correction moves; should the wall clock be set back while the process
/// runs, what it covers is valid again, and the revocation has to be there still. Who sets a clock back by more than this
/// restarts the service (docs/operations.md).
const CLOCK_SET_BACK: Duration = Duration::from_hours(1);

/// From `now` on.
pub(super) fn of(revocation: &Revocation, now: UnixTime) -> Duration {
    revocation.until.since(now).saturating_add(CLOCK_SET_BACK)
}

/// moka keeps the old end on an update unless it is told the new one.
pub(super) struct Life;

impl Expiry<Target, Kept> for Life {
    fn expire_after_create(&self, _: &Target, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.life)
    }

    fn expire_after_update(
        &self,
        _: &Target,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.life)
    }
}
