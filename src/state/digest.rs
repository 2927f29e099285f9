//! How the cache recognises a token without keeping it (C1, C6).

use std::{
    fmt,
    hash::{BuildHasherDefault, Hash, Hasher},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{self, SHA256},
    rand,
};

use crate::domain::token::BoundedText;

/// Makes [`TokenDigest`]s under a key that only this value knows.
///
/// The digest is GMAC (NIST SP 800-38D): a keyed hash that processors compute four times as fast as SHA-256 even where
/// they have instructions for that, and this is done for every request. It is not collision-resistant to somebody who
/// knows the key or sees digests, but nobody does: the key is drawn when the process starts, is never stored, and digests
/// leave the cache in no form. Without them, two different tokens that somebody makes up have the same digest with a
/// probability of at most their length in blocks by 2^128: below 2^-111 at the greatest `limits.max_token_bytes`, times the
/// number of cached tokens, which is below 2^17 by default, for each token presented. The nonce never changes, which would be fatal for encryption or for tags that are published; as a hash it has to be so.
pub struct Digester {
    key: LessSafeKey,
    spare: [u8; KEY_BYTES],
}

const KEY_BYTES: usize = 32;

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct NoRandomness;

/// What stands for a token in the cache. Nothing of the token can be got back from it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "a token's digest is nobody's business")]
pub struct TokenDigest(u64, u64);

impl Digester {
    /// One with a key of its own.
    pub fn draw() -> Result<Self, NoRandomness> {
        let (mut key, mut spare) = ([0; KEY_BYTES], [0; KEY_BYTES]);
        rand::fill(&mut key).and_then(|()| rand::fill(&mut spare)).map_err(|_unspecified| NoRandomness)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_unspecified| NoRandomness)?;
        Ok(Self { key: LessSafeKey::new(key), spare })
    }

    /// Digests the whole token.
    pub fn digest(&self, token: BoundedText<'_>) -> TokenDigest {
        let bytes = token.expose();
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        match self.key.seal_in_place_separate_tag(nonce, Aad::from(bytes), &mut []) {
            Ok(tag) => TokenDigest::of(tag.as_ref()),
            // The library knows no reason to fail at this. Should it find one, the cache must still tell tokens apart.
            Err(_unspecified) => self.spare_digest(bytes),
        }
    }

    fn spare_digest(&self, token: &[u8]) -> TokenDigest {
        let mut context = digest::Context::new(&SHA256);
        context.update(&self.spare);
        context.update(token);
        TokenDigest::of(context.finish().as_ref())
    }
}

impl TokenDigest {
    /// The first 16 bytes.
    fn of(bytes: &[u8]) -> Self {
        let word = |from| {
            let bytes: Option<&[u8; 8]> = bytes.get(from..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        Self(word(0), word(8))
    }

    /// For a table of places. Not what the hash of other tables is made of.
    pub(super) fn place(self) -> usize {
        usize::try_from(self.1 & u64::from(u32::MAX)).unwrap_or(0)
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digester").finish_non_exhaustive()
    }
}

impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Hashes digests for tables: they are as good as random and nobody can choose them, so a part of one does.
pub(super) type DigestHasher = BuildHasherDefault<FirstWord>;

/// See [`DigestHasher`].
#[derive(Debug, Default)]
pub(super) struct FirstWord(u64);

impl Hasher for FirstWord {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn raw(text: &str) -> BoundedText<'_> {
        BoundedText::new(text, 1 << 16).unwrap()
    }

    #[test]
    fn c1_every_byte_of_a_token_counts_and_its_length() {
        let digester = Digester::draw().unwrap();
        for digest in [Digester::digest, |digester: &Digester, token: BoundedText<'_>| {
            digester.spare_digest(token.expose())
        }] {
            let mut seen = HashSet::new();
            let token = "a".repeat(600);
            assert!(seen.insert(digest(&digester, raw(&token))));
            assert!(!seen.insert(digest(&digester, raw(&token))), "the same token");
            for at in 0..token.len() {
                let mut other = token.clone().into_bytes();
                other[at] = b'b';
                assert!(seen.insert(digest(&digester, raw(str::from_utf8(&other).unwrap()))), "{at}");
            }
            for length in 1..token.len() {
                assert!(seen.insert(digest(&digester, raw(token.get(..length).unwrap()))), "{length}");
            }
        }
    }

    #[test]
    fn c1_no_two_digesters_agree() {
        let (one, other) = (Digester::draw().unwrap(), Digester::draw().unwrap());
        assert!(one.digest(raw("a.b.c")) != other.digest(raw("a.b.c")));
        assert!(one.spare_digest(b"a.b.c") != other.spare_digest(b"a.b.c"));
        assert!(one.digest(raw("a.b.c")) != one.spare_digest(b"a.b.c"));
    }
}
