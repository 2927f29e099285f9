//! The `revocation` section of the configuration.

use std::time::Duration;

/// How current revocations have to be, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationSettings {
    /// How old what is known of revocations may be before `on_stale` decides.
    pub max_staleness: Duration,
    /// What happens to tokens when that is over, or when the store does not answer about one.
    pub on_stale: OnStale,
    /// How far an issuer's clock may be ahead of ours: added to a cut-off that says no time of its own.
    pub issuer_clock_ahead: Duration,
    /// How many revocations may be in memory before single ones are refused.
    pub max_entries: u64,
}

/// What to do about a token when nobody can tell whether it is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStale {
    /// Let it pass if what is known is not against it.
    Serve,
    /// Answer that nobody can tell.
    Refuse,
}
