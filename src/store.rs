//! What survives a restart: each issuer's last good key set, what is revoked, the sessions that revocations end, and what has become
//! of refresh tokens.
//!
//! Key sets are sealed with the key ring, because write access to the store must never become the power to sign (K13), and
//! so is what an identity provider is still to be told, because that can hold tokens. The rooms below are the only ones
//! that name redb and redis.

mod codec;
mod embedded;
mod entry;
mod error;
mod feed;
mod file;
mod key_ring;
mod key_sets;
mod records;
mod redis;
mod rotations;
mod seal;
mod sealed_delivery;
mod settings;
#[cfg(test)]
pub(crate) mod testing;
mod transfer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;

pub use self::redis::RedisStore;
pub use embedded::{EmbeddedStore, StoreFile};
pub use error::StoreError;
pub use feed::{Beat, End, Entry, Feed, Hour, Page, Place, Position, Tally};
pub use key_ring::{KeyRing, KeyRingError, RingProblem};
pub use key_sets::{KeySetStore, SealedKeySet, Shelf};
pub use records::{
    Delivery, Ending, NotARevision, Order, Recorded, Revision, SessionRecord, Sight, Snapshot,
};
pub use redis::{Found, Kept, RedisTrouble, Unfit, UnfitKind};
pub use rotations::{Change, Pointed, Pointer, Presented, Reading, Rotations, Swapped, UNANSWERED, Version};
pub use settings::{Durability, RedisNode, RedisSettings, RedisTls, StoreKind, StoreSettings, Topology};
pub use transfer::{Counts, Imported, Problem as ExportProblem, TransferError, export, export_to, import};

use crate::domain::{revocation::Target, time::UnixTime};

/// What a store answers, some time.
pub type Answer<'s, T> = BoxFuture<'s, Result<T, StoreError>>;

/// What must survive a restart, and what replicas share. Whoever gives up waiting changes nothing about what is done; an error
/// means that it may or may not have been done, and may be asked again: everything here can be repeated without harm.
pub trait Store: fmt::Debug + Send + Sync {
    /// Records an order as one, at the configured durability (R1), and says what it ended and where it stands.
    fn record(&self, order: Order) -> Answer<'_, Recorded>;

    /// Every revocation that is kept, and the revision at which that was all.
    fn snapshot(&self) -> Answer<'_, Snapshot>;

    /// What is known of a session, if one is asked about, and of these targets.
    fn sight<'s>(&'s self, session: Option<Target>, targets: &'s [Target]) -> Answer<'s, Sight>;

    /// Remembers that these sessions exist, merged with what is known of them; one that has ended stays so (S4).
    fn remember_sessions(&self, sessions: Vec<SessionRecord>) -> Answer<'_, ()>;

    /// What is still to be delivered, whenever it is due.
    fn deliveries(&self) -> Answer<'_, Vec<Delivery>>;

    /// Replaces a delivery's attempts and times, if it is still to be delivered.
    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()>;

    /// Forgets a delivery: it was made, or will never be.
    fn settle(&self, delivery: [u8; 16]) -> Answer<'_, ()>;

    /// Removes what nobody needs any more at `now`: revocations and sessions past `kept_until`.
    fn sweep(&self, now: UnixTime) -> Answer<'_, ()>;
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
    /// Revocations, sessions and deliveries.
    pub revocations: Arc<dyn Store>,
    /// Token families.
    pub rotations: Arc<dyn Rotations>,
    /// What other replicas record; `None`: there are none.
    pub feed: Option<Arc<dyn Feed>>,
}

/// Opens the store and its key ring, and makes what is missing. A configured key ring must exist: one made silently
/// would not be the one that the other replicas have.
///
/// It blocks on the disk, and is meant for start-up, before anything is served. A Redis that does not answer is no error: what
/// is asked of it later is tried then. One that answers and is not fit is.
pub async fn open(settings: &StoreSettings) -> Result<OpenedStore, StoreError> {
    match &settings.kind {
        StoreKind::Embedded { path } => open_embedded(path, settings.key_ring.as_deref()),
        StoreKind::Redis(redis) => open_redis(redis, settings.key_ring.as_deref()).await,
    }
}

fn open_embedded(path: &Path, key_ring: Option<&Path>) -> Result<OpenedStore, StoreError> {
    // The store first: a second process is refused there, before it makes or reads a key ring.
    let file = Arc::new(StoreFile::open(path)?);
    let ring = match key_ring {
        Some(path) => KeyRing::load(path)?,
        None => KeyRing::load_or_create(&beside(path))?,
    };
    let ring = Arc::new(ring);
    let store = Arc::new(EmbeddedStore::new(Arc::clone(&file), Arc::clone(&ring))?);
    Ok(OpenedStore {
        key_sets: Arc::new(KeySetStore::in_file(file, ring)),
        rotations: Arc::<EmbeddedStore>::clone(&store),
        revocations: store,
        feed: None,
    })
}

async fn open_redis(settings: &RedisSettings, key_ring: Option<&Path>) -> Result<OpenedStore, StoreError> {
    let ring = Arc::new(KeyRing::load(key_ring.ok_or(StoreError::NoKeyRing)?)?);
    let store = Arc::new(RedisStore::open(settings, Arc::clone(&ring)).await?);
    let shelf: Arc<dyn Shelf> = Arc::<RedisStore>::clone(&store);
    let feed: Arc<dyn Feed> = Arc::<RedisStore>::clone(&store);
    Ok(OpenedStore {
        key_sets: Arc::new(KeySetStore::new(shelf, ring)),
        rotations: Arc::<RedisStore>::clone(&store),
        revocations: store,
        feed: Some(feed),
    })
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

    #[tokio::test]
    async fn the_first_start_makes_a_private_store_and_a_private_key_ring_beside_it() {
        let dir = TempDir::new();
        let settings = StoreSettings::embedded(dir.path("countersign.redb"));
        drop(open(&settings).await.unwrap());
        for name in ["countersign.redb", "countersign.redb.keys"] {
            let mode = fs::metadata(dir.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let ring = fs::read(dir.path("countersign.redb.keys")).unwrap();
        drop(open(&settings).await.unwrap());
        assert_eq!(
            fs::read(dir.path("countersign.redb.keys")).unwrap(),
            ring,
            "a later start keeps the ring"
        );
    }

    #[tokio::test]
    async fn a_configured_key_ring_is_never_made_up() {
        let dir = TempDir::new();
        let settings = StoreSettings {
            key_ring: Some(dir.path("shared.keys")),
            ..StoreSettings::embedded(dir.path("countersign.redb"))
        };
        let error = open(&settings).await.unwrap_err();
        assert!(matches!(error, StoreError::KeyRing(KeyRingError::Missing { .. })), "{error}");
        assert!(error.to_string().contains("countersign keygen --out"), "{error}");
        assert!(!dir.path("shared.keys").exists());
    }
}
