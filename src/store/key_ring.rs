//! The key ring: the secrets that everything stored is sealed with.
//!
//! The file is JSON: `{"version":1,"keys":[{"id":"<8 hex digits>","secret":"<32 bytes, base64url>"}]}`. The first key
//! seals; all of them open. No secret is used as it is: each purpose, and for sealing each record, has a key derived
//! from it (HKDF-SHA256, RFC 5869), so that a new purpose can never undo an old one.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use aws_lc_rs::{aead, hkdf, hmac, rand};
use zeroize::Zeroizing;

use super::file::{self, Exposure};
use crate::domain::secret::Secret;

mod format;

pub use format::RingProblem;

/// Longer files are no key rings: room for several hundred keys.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The length of a ring key's secret, in bytes.
const SECRET_BYTES: usize = 32;

/// What a key is derived for. The labels are part of the stored formats and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Sealing records.
    Seal,
    /// Sealing answers for who presents a token; the token goes into the key.
    Replay,
    /// Digesting refresh tokens.
    Digest,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Seal => b"countersign/v1/seal",
            Self::Replay => b"countersign/v1/replay",
            Self::Digest => b"countersign/v1/digest",
        }
    }
}

/// Names a key within a ring and in what was sealed with it. Random, and no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyId(pub(super) [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One key of a ring.
#[derive(Clone, Debug)]
pub(super) struct RingKey {
    id: KeyId,
    secret: Secret,
}

/// The keys, newest first. Never empty; no two have the same id.
#[derive(Clone, Debug)]
pub struct KeyRing {
    first: RingKey,
    older: Vec<RingKey>,
}

/// Why there is no usable key ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// There is no such file.
    #[error("there is no key ring at {path}; make one with `countersign keygen --out {path}`", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is one already, and without it nothing that it sealed could be opened.
    #[error(
        "{path} exists and is not overwritten; to rotate its keys use `countersign keygen --add {path}`",
        path = path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("the key ring {} cannot be read; check that this user may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than its owner may write it, and so put a key of theirs in, with which they could forge key sets (K13).
    #[error(
        "the key ring {path} is writable by its group or by everybody, who could seal what this service trusts; check \
         that it is the one you made, then run `chmod 600 {path}`",
        path = path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("the key ring {} cannot be written; check that its directory exists and is writable", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not a key ring that this build understands.
    #[error("the key ring {} is unusable: {problem}; restore it from a backup", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Where it is wrong; nothing of its content.
        problem: RingProblem,
    },
    /// The system gave no random bytes.
    #[error("the system's random number generator failed")]
    Random,
}

impl KeyRing {
    /// A ring of one new key, kept nowhere.
    pub fn generate() -> Result<Self, KeyRingError> {
        Ok(Self { first: RingKey::generate()?, older: Vec::new() })
    }

    /// Reads a ring. Refuses one that others than its owner may write, and warns of one that they may read.
    pub fn load(path: &Path) -> Result<Self, KeyRingError> {
        let unreadable = |source: io::Error| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::NotFound {
                KeyRingError::Missing { path }
            } else {
                KeyRingError::Unreadable { path, source }
            }
        };
        let file = File::open(path).map_err(unreadable)?;
        match file::exposure(&file).map_err(unreadable)? {
            Exposure::Private => {}
            Exposure::Readable => tracing::warn!(
                file.path = %path.display(),
                "the key ring is readable by its group or by everybody; make it private with chmod 600"
            ),
            Exposure::Writable => return Err(KeyRingError::Exposed { path: path.to_owned() }),
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        format::parse(&bytes).map_err(|problem| KeyRingError::Unusable { path: path.to_owned(), problem })
    }

    /// Writes a ring of one new key to a new private file.
    pub fn create(path: &Path) -> Result<Self, KeyRingError> {
        let ring = Self::generate()?;
        file::create_new(path, &ring.expose_json()).map_err(|source| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::AlreadyExists {
                KeyRingError::Exists { path }
            } else {
                KeyRingError::Unwritable { path, source }
            }
        })?;
        Ok(ring)
    }

    /// Reads the ring, or makes it if there is none. Two processes that start at once end up with the same one.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyRingError> {
        match Self::load(path) {
            Err(KeyRingError::Missing { .. }) => {}
            loaded => return loaded,
        }
        match Self::create(path) {
            Err(KeyRingError::Exists { .. }) => Self::load(path),
            created => {
                if created.is_ok() {
                    tracing::info!(file.path = %path.display(), "made a new key ring; back it up");
                }
                created
            }
        }
    }

    /// Puts a new key in front of those in the file, which still open what they sealed.
    pub fn rotate(path: &Path) -> Result<(), KeyRingError> {
        let Self { first, mut older } = Self::load(path)?;
        older.insert(0, first);
        let rotated = Self { first: RingKey::generate()?, older };
        file::replace(path, &rotated.expose_json())
            .map_err(|source| KeyRingError::Unwritable { path: path.to_owned(), source })
    }

    /// The file's content, secrets and all. A name to grep for.
    pub fn expose_json(&self) -> Zeroizing<Vec<u8>> {
        format::write(self)
    }

    /// The key that seals.
    pub(super) fn sealing_key(&self) -> &RingKey {
        &self.first
    }

    /// The key that stays the same for as long as none is taken out, however many are added.
    pub(super) fn oldest_key(&self) -> &RingKey {
        self.older.last().unwrap_or(&self.first)
    }

    /// The key with this id.
    pub(super) fn key(&self, id: KeyId) -> Option<&RingKey> {
        self.iter().find(|key| key.id == id)
    }

    #[cfg(test)]
    pub(super) fn without_older_keys(self) -> Self {
        Self { older: Vec::new(), ..self }
    }

    fn iter(&self) -> impl Iterator<Item = &RingKey> {
        std::iter::once(&self.first).chain(&self.older)
    }
}

impl RingKey {
    fn generate() -> Result<Self, KeyRingError> {
        let mut id = [0; 4];
        let mut secret = vec![0; SECRET_BYTES];
        rand::fill(&mut id)
            .and_then(|()| rand::fill(&mut secret))
            .map_err(|_unspecified| KeyRingError::Random)?;
        Ok(Self { id: KeyId(id), secret: Secret::new(secret) })
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// An AES-256-GCM key for one purpose, one salt, and whatever else somebody has to have; `None` only if the library
    /// refuses, which lengths alone could make it do.
    pub(super) fn aead_key(&self, purpose: Purpose, salt: &[u8], with: &[u8]) -> Option<aead::LessSafeKey> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(self.secret.expose());
        let info = [purpose.label(), with];
        let okm = prk.expand(&info, &aead::AES_256_GCM).ok()?;
        Some(aead::LessSafeKey::new(aead::UnboundKey::from(okm)))
    }

    /// A key for digests, the same each time; `None` as above.
    pub(super) fn hmac_key(&self, purpose: Purpose) -> Option<hmac::Key> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(self.secret.expose());
        let info = [purpose.label()];
        let okm = prk.expand(&info, hmac::HMAC_SHA256).ok()?;
        Some(hmac::Key::from(okm))
    }
}

#[cfg(test)]
mod tests;
