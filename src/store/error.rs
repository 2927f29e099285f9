//! What can be wrong with the store.

use std::{error::Error, path::PathBuf, sync::Arc};

use super::{
    key_ring::KeyRingError,
    redis::{RedisTrouble, Unfit},
};

/// Why the store did not do what it was asked. Messages say what to do, and hold no stored content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record is not what this service wrote there, so it counts as absent; everything else in the store may be sound.
    #[error(
        "a stored record's seal does not fit: it was changed, moved from another issuer or address, or sealed with a \
         key that this key ring does not hold; it is not used"
    )]
    Forged,
    /// The file cannot be read or written.
    #[error("the store {} cannot be used; check that its directory exists, has space, and is writable", path.display())]
    Unreachable {
        /// The store's file.
        path: PathBuf,
        /// What the system said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Somebody else has it open.
    #[error(
        "the store {} is open in another process; an embedded store serves one replica, so stop the other one or give \
         this one its own `store.path`",
        path.display()
    )]
    AlreadyOpen {
        /// The store's file.
        path: PathBuf,
    },
    /// Written by a later release.
    #[error(
        "the store {} has schema version {found}, and this build knows up to {known}; run the newer release, or move \
         the file away to start anew",
        path.display()
    )]
    NewerVersion {
        /// The store's file.
        path: PathBuf,
        /// What the file says.
        found: u64,
        /// The latest that this build knows.
        known: u64,
    },
    /// Not a store, one of another file format, or a damaged one.
    #[error(
        "the store {} cannot be read ({detail}); restore it from a backup, or move the file away to start anew",
        path.display()
    )]
    Corrupted {
        /// The store's file.
        path: PathBuf,
        /// What is wrong, about the file's structure only.
        detail: String,
    },
    /// A record of a later release among those of this one. To go on without it could let pass what was revoked.
    #[error(
        "the store {} holds {what} of version {found}, which this build does not know and does not leave out; run the \
         newer release, or restore the file from a backup",
        path.display()
    )]
    UnknownRecord {
        /// The store's file.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
        /// What the record says.
        found: u8,
    },
    /// Keys with this prefix hold something else than this service writes there.
    #[error(
        "keys in Redis that begin with `{prefix}` are not this service's; give this deployment a `store.prefix` of its own"
    )]
    NotOurs {
        /// The configured prefix.
        prefix: String,
    },
    /// Two deployments share a prefix.
    #[error(
        "the keys in Redis that begin with `{prefix}` belong to a deployment with another key ring; if it is another deployment, give this one a `store.prefix` of its own; if it is this one, give every replica the same key ring, with the older keys still in it"
    )]
    OtherKeyRing {
        /// The configured prefix.
        prefix: String,
    },
    /// Written by a later release.
    #[error(
        "the store in Redis with the prefix `{prefix}` has schema version {found}, and this build knows up to {known}; run the newer release, or use another `store.prefix` to start anew"
    )]
    NewerSchema {
        /// The configured prefix.
        prefix: String,
        /// What the store says.
        found: u64,
        /// The latest that this build knows.
        known: u64,
    },
    /// A record of a later release among those of this one, in Redis.
    #[error(
        "the store in Redis with the prefix `{prefix}` holds {what} of version {found}, which this build does not know and does not leave out; run the newer release, or restore Redis from a backup"
    )]
    UnknownEntry {
        /// The configured prefix.
        prefix: String,
        /// What it is, with its article.
        what: &'static str,
        /// What the record says.
        found: u8,
    },
    /// A record in Redis is not what was written there.
    #[error(
        "the store in Redis with the prefix `{prefix}` holds {what} that is damaged; restore Redis from a backup, or use another `store.prefix` to start anew"
    )]
    DamagedEntry {
        /// The configured prefix.
        prefix: String,
        /// What it is, with its article.
        what: &'static str,
    },
    /// What failed for all that was done together.
    #[error(transparent)]
    Together(Arc<Self>),
    /// A shared store needs a shared key ring.
    #[error(
        "`key_ring.file` is needed with `store.kind: redis`: all replicas share one key ring (countersign keygen --out FILE)"
    )]
    NoKeyRing,
    /// The key ring is unusable.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// Redis answered with an error, with something else than was asked, or not at all.
    #[error("Redis did not do what the store asked of it")]
    Redis {
        /// The code of its error, if it answered with one.
        code: Option<String>,
        /// What it said; nothing of what was sent or is stored.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Redis answers, and is not what a store can rest on.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The system gave no random bytes.
    #[error("the system's random number generator failed")]
    Random,
}

impl From<RedisTrouble> for StoreError {
    fn from(trouble: RedisTrouble) -> Self {
        if let RedisTrouble::Unfit(unfit) = trouble {
            return Self::Unfit(unfit);
        }
        Self::Redis { code: trouble.code().map(ToOwned::to_owned), source: Arc::new(trouble) }
    }
}
