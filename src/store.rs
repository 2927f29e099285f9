//! What survives a restart. So far one thing: each issuer's last good key set.

pub mod key_sets;

use std::path::PathBuf;

use crate::domain::time::UnixTime;

/// The `store` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The embedded store's file.
    pub path: PathBuf,
    /// The key ring's file; `None`: beside the store, made on first start.
    pub key_ring: Option<PathBuf>,
}

/// An issuer's key set as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKeySet {
    /// When it was last known to be the published one.
    pub fetched_at: UnixTime,
    /// The document's bytes.
    pub document: Vec<u8>,
}

/// Where a key set came from; bound into its seal, so that one issuer's set cannot be passed off as another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySetOrigin<'o> {
    /// The configured `issuer`.
    pub issuer: &'o str,
    /// The address it was found through: the discovery document's or the key set's own.
    pub uri: &'o str,
}
