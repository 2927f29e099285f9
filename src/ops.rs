//! Running the process: tracked tasks and drain, telemetry, readiness, the system clock.

pub mod backoff;
pub mod clock;
pub mod drain;
pub mod metrics;
pub mod readiness;
pub mod telemetry;
pub mod trace;
