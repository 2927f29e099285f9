//! What survives a restart. So far one thing: each issuer's last good key set.
//!
//! Everything in it is sealed with the key ring, because write access to the store must never become the power to sign
//! (K13). The rooms below are the only ones that name redb.

mod embedded;
mod error;
mod file;
mod key_ring;
mod key_sets;
mod seal;
#[cfg(test)]
mod testing;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub use embedded::EmbeddedStore;
pub use error::StoreError;
pub use key_ring::{KeyRing, KeyRingError, RingProblem};
pub use key_sets::KeySetStore;

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

/// The store, opened, by what it keeps.
#[derive(Debug)]
pub struct OpenedStore {
    /// The last good key sets.
    pub key_sets: Arc<KeySetStore>,
}

/// Opens the store and its key ring, and makes what is missing. A configured key ring must exist: one made silently
/// would not be the one that the other replicas have.
///
/// It blocks on the disk, and is meant for start-up, before anything is served.
pub fn open(settings: &StoreSettings) -> Result<OpenedStore, StoreError> {
    // The store first: a second process is refused there, before it makes or reads a key ring.
    let store = Arc::new(EmbeddedStore::open(&settings.path)?);
    let ring = match &settings.key_ring {
        Some(path) => KeyRing::load(path)?,
        None => KeyRing::load_or_create(&beside(&settings.path))?,
    };
    Ok(OpenedStore { key_sets: Arc::new(KeySetStore::new(store, Arc::new(ring))) })
}

/// Where the key ring of a store is unless the configuration says otherwise: the same name with `.keys` behind it.
fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::{testing::TempDir, *};

    #[test]
    fn the_first_start_makes_a_private_store_and_a_private_key_ring_beside_it() {
        let dir = TempDir::new();
        let settings = StoreSettings { path: dir.path("countersign.redb"), key_ring: None };
        drop(open(&settings).unwrap());
        for name in ["countersign.redb", "countersign.redb.keys"] {
            let mode = fs::metadata(dir.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let ring = fs::read(dir.path("countersign.redb.keys")).unwrap();
        drop(open(&settings).unwrap());
        assert_eq!(
            fs::read(dir.path("countersign.redb.keys")).unwrap(),
            ring,
            "a later start keeps the ring"
        );
    }

    #[test]
    fn a_configured_key_ring_is_never_made_up() {
        let dir = TempDir::new();
        let settings =
            StoreSettings { path: dir.path("countersign.redb"), key_ring: Some(dir.path("shared.keys")) };
        let error = open(&settings).unwrap_err();
        assert!(matches!(error, StoreError::KeyRing(KeyRingError::Missing { .. })), "{error}");
        assert!(error.to_string().contains("countersign keygen --out"), "{error}");
        assert!(!dir.path("shared.keys").exists());
    }
}
