//! The embedded store with real processes: killed, on a full disk, exported and imported.

pub(crate) mod child;
mod cli;
mod full;
mod killed;
