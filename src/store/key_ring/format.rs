//! The key ring's file format.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeyId, KeyRing, MAX_FILE_BYTES, RingKey, SECRET_BYTES};
use crate::domain::secret::Secret;

/// The version that this build writes, and the latest that it reads.
const VERSION: u64 = 1;

/// What is wrong with a key ring's content. Tells positions, never the content: a misplaced secret is still one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingProblem {
    /// It is longer than any key ring.
    #[error("it is longer than {MAX_FILE_BYTES} bytes")]
    TooLong,
    /// Not JSON, or not the members that belong there.
    #[error("it is not the JSON of a key ring, at line {line}, column {column}")]
    NotAKeyRing {
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
    },
    /// Written by a later release.
    #[error("it has version {found}, and this build knows up to {VERSION}")]
    NewerVersion {
        /// What the file says.
        found: u64,
    },
    /// It holds no key.
    #[error("it holds no key")]
    Empty,
    /// An id or a secret is not what it should be.
    #[error(
        "key {position} is not an id of 8 lower-case hexadecimal digits and a secret of 32 bytes in base64url"
    )]
    Key {
        /// Counted from one.
        position: usize,
    },
    /// One id stands for two keys.
    #[error("key {position} has the id of an earlier one")]
    Repeated {
        /// Counted from one.
        position: usize,
    },
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Ring<'a> {
    version: u64,
    #[serde(borrow)]
    keys: Vec<Key<'a>>,
}

// Borrowed, so that no copy of a secret is left behind unwiped.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Key<'a> {
    id: &'a str,
    secret: &'a str,
}

pub(super) fn parse(bytes: &[u8]) -> Result<KeyRing, RingProblem> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(RingProblem::TooLong);
    }
    // serde's own messages quote what they did not expect, so only the position is kept.
    let position =
        |error: serde_json::Error| RingProblem::NotAKeyRing { line: error.line(), column: error.column() };
    // The version first, since a later one may have members that this build does not know.
    let Versioned { version: found } = serde_json::from_slice(bytes).map_err(position)?;
    if found > VERSION {
        return Err(RingProblem::NewerVersion { found });
    }
    let ring: Ring<'_> = serde_json::from_slice(bytes).map_err(position)?;
    let mut keys: Vec<RingKey> = Vec::with_capacity(ring.keys.len());
    for (key, position) in ring.keys.iter().zip(1..) {
        let key = key.check().ok_or(RingProblem::Key { position })?;
        if keys.iter().any(|earlier| earlier.id == key.id) {
            return Err(RingProblem::Repeated { position });
        }
        keys.push(key);
    }
    let mut keys = keys.into_iter();
    let first = keys.next().ok_or(RingProblem::Empty)?;
    Ok(KeyRing { first, older: keys.collect() })
}

impl Key<'_> {
    fn check(&self) -> Option<RingKey> {
        let secret = Secret::new(URL_SAFE_NO_PAD.decode(self.secret).ok()?);
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.id.len() != 8 || !self.id.bytes().all(digits) || secret.len() != SECRET_BYTES {
            return None;
        }
        let id = u32::from_str_radix(self.id, 16).ok()?;
        Some(RingKey { id: KeyId(id.to_be_bytes()), secret })
    }
}

pub(super) fn write(ring: &KeyRing) -> Zeroizing<Vec<u8>> {
    let texts: Vec<_> = ring
        .iter()
        .map(|key| (key.id.to_string(), Zeroizing::new(URL_SAFE_NO_PAD.encode(key.secret.expose()))))
        .collect();
    let keys: Vec<_> = texts.iter().map(|(id, secret)| Key { id, secret }).collect();
    // Room for all of it from the start: growing would leave a copy behind.
    let mut json = Zeroizing::new(Vec::with_capacity(64 + 128 * keys.len()));
    if let Err(impossible) = serde_json::to_writer(&mut *json, &Ring { version: VERSION, keys }) {
        // Strings and a number into memory.
        debug_assert!(false, "{impossible}");
    }
    json.push(b'\n');
    json
}
