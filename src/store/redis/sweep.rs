//! Takes away what nobody needs any more, a little at a time. Sessions and their lists go by themselves, by Redis' clock.

use super::{
    super::error::StoreError,
    core::Core,
    keys::Home,
    reply::count,
    scripts::{SWEEP, Where, run_one},
};
use crate::domain::time::UnixTime;

/// The most that one call removes.
const STEP: u64 = 500;

impl Core {
    pub(super) async fn sweep(&self, now: UnixTime) -> Result<(), StoreError> {
        self.sweep_revocations(now).await?;
        self.sweep_deliveries(now).await
    }

    async fn sweep_revocations(&self, now: UnixTime) -> Result<(), StoreError> {
        loop {
            let keys = self.keys.homes([Home::Copy, Home::Until, Home::Kept, Home::Tallies]);
            let args = [now.as_millis().to_string(), STEP.to_string()].map(String::into_bytes).to_vec();
            let removed = run_one(&self.link, Where::Home, SWEEP.call(keys, args)).await?;
            if count(removed)? < STEP {
                return Ok(());
            }
        }
    }
}
