//! Times as the protos have them.

use prost_types::Timestamp;

use crate::domain::time::UnixTime;

/// To the millisecond.
pub(super) fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp { seconds: time.as_secs(), nanos: time.subsec_nanos() }
}
