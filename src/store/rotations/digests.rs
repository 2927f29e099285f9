//! What stands for refresh tokens (F9).

use aws_lc_rs::hmac;

use crate::{
    domain::{rotation::RefreshDigest, secret::Secret},
    store::{
        key_ring::{KeyRing, Purpose},
        seal::SealError,
    },
};

/// Digests refresh tokens under the oldest key of a ring: one that is put in front changes no digest, and without the one at
/// the end nobody finds a family again.
#[derive(Debug)]
pub(in crate::store) struct Digests(hmac::Key);

impl Digests {
    pub(in crate::store) fn new(ring: &KeyRing) -> Result<Self, SealError> {
        // The library refuses lengths only, and this one is its own.
        ring.oldest_key().hmac_key(Purpose::Digest).map(Self).ok_or(SealError::Random)
    }

    /// Each part behind its length, so that no issuer's client can be another issuer's.
    pub(in crate::store) fn of(&self, issuer: &str, client_id: &str, token: &Secret) -> RefreshDigest {
        let mut hmac = hmac::Context::with_key(&self.0);
        for part in [issuer.as_bytes(), client_id.as_bytes(), token.expose()] {
            hmac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hmac.update(part);
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(hmac.sign().as_ref()).for_each(|(to, from)| *to = *from);
        RefreshDigest(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TempDir;

    fn digest(ring: &KeyRing, issuer: &str, client_id: &str, token: &str) -> RefreshDigest {
        Digests::new(ring).unwrap().of(issuer, client_id, &Secret::new(token.as_bytes().to_vec()))
    }

    #[test]
    fn a_key_that_is_put_in_front_changes_no_digest() {
        let dir = TempDir::new();
        let path = dir.path("ring.keys");
        let before = digest(&KeyRing::create(&path).unwrap(), "i", "c", "t");
        for _added in 0..2 {
            KeyRing::rotate(&path).unwrap();
            assert_eq!(digest(&KeyRing::load(&path).unwrap(), "i", "c", "t"), before);
        }
        let without = KeyRing::load(&path).unwrap().without_older_keys();
        assert_ne!(digest(&without, "i", "c", "t"), before, "the key decides");
    }

    #[test]
    fn parts_never_run_into_each_other() {
        let ring = KeyRing::generate().unwrap();
        let one = digest(&ring, "ab", "cd", "ef");
        for (issuer, client_id, token) in
            [("a", "bcd", "ef"), ("abc", "d", "ef"), ("ab", "c", "def"), ("", "abcd", "ef")]
        {
            assert_ne!(digest(&ring, issuer, client_id, token), one, "{issuer} {client_id} {token}");
        }
    }
}
