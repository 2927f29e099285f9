//! The time for removing and leaving out what is over: never far ahead of what the process has counted.
//!
//! A clock that jumps ahead by a year would make every revocation look old, and what is gone is gone. So this time is never
//! more than a minute ahead of the time that the process started with and has counted since. A clock that is set back is believed:
//! it only makes things live longer.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::domain::time::{Clock, UnixTime};

/// How far a clock may have been put right.
const TOLERANCE: Duration = Duration::from_mins(1);

/// The wall clock within these bounds.
#[derive(Debug)]
pub(super) struct BoundedClock {
    clock: Arc<dyn Clock>,
    started: (UnixTime, Instant),
}

impl BoundedClock {
    /// To be made when the process starts: what its clock says then is believed.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let started = (clock.now(), Instant::now());
        Self { clock, started }
    }

    /// What the clock says, or a minute more than was counted.
    pub(super) fn now(&self) -> UnixTime {
        let (wall, instant) = self.started;
        self.clock.now().min(wall.plus(instant.elapsed()).plus(TOLERANCE))
    }
}
