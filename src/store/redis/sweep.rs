//! Takes away what nobody needs any more, a little at a time. Sessions and their lists go by themselves, by Redis' clock.

use std::time::Duration;

use super::{
    super::error::StoreError,
    core::Core,
    keys::Home,
    reply::{count, number, these},
    scripts::{SWEEP, Where, run_one},
};
use crate::domain::time::UnixTime;

/// The most that one call removes.
const STEP: u64 = 500;
/// How far a clock may be ahead of Redis'.
const TOLERANCE: Duration = Duration::from_mins(1);

impl Core {
    pub(super) async fn sweep(&self, now: UnixTime) -> Result<(), StoreError> {
        self.sweep_revocations(now).await?;
        self.sweep_deliveries(now.min(self.latest_end().await?)).await
    }

    /// One replica's clock must not end what all others still need: no further than a minute ahead of Redis' own, as for
    /// revocations.
    async fn latest_end(&self) -> Result<UnixTime, StoreError> {
        let [seconds, _micros] = these(self.ask(redis::cmd("TIME")).await?)?;
        Ok(UnixTime::from_secs(number(seconds)?).plus(TOLERANCE))
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
