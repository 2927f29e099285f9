//! The check of the key ring: a seal of nothing for each key that some replica's ring began with, bound to the prefix. Whoever
//! can open one of them belongs to the deployment. There is one for each such key, not one at all, so that replicas whose
//! rings differ by a new key, while it is handed out, do not shut each other out.

use super::super::{
    error::StoreError,
    key_ring::KeyRing,
    seal::{self, SealError},
};

/// Of a seal of nothing: version, key id, salt, tag.
const SEAL_BYTES: usize = 1 + 4 + 32 + 16;

/// What a check says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This ring's first key is among them.
    Ours,
    /// It is not yet, and may be put there.
    Becomes(Vec<u8>),
    /// No key of this ring is.
    Foreign,
}

/// The check of a new store.
pub(super) fn sealed(ring: &KeyRing, prefix: &str) -> Result<Vec<u8>, SealError> {
    seal::seal(ring, &belongs(prefix), b"")
}

/// Looks at a store's check; empty: it has none.
pub(super) fn judge(ring: &KeyRing, prefix: &str, found: &[u8]) -> Result<Verdict, StoreError> {
    let (seals, rest) = found.as_chunks::<SEAL_BYTES>();
    let opens = |seal: &&[u8; SEAL_BYTES]| seal::open(ring, &belongs(prefix), *seal).is_ok();
    if !found.is_empty() && (!rest.is_empty() || !seals.iter().any(|seal| opens(&seal))) {
        return Ok(Verdict::Foreign);
    }
    let first = ring.sealing_key().id().0;
    let is_by_first = |seal: &&[u8; SEAL_BYTES]| seal.get(1..5) == Some(&first[..]);
    if seals.iter().filter(is_by_first).any(|seal| opens(&seal)) {
        return Ok(Verdict::Ours);
    }
    Ok(Verdict::Becomes([found, &sealed(ring, prefix)?].concat()))
}

fn belongs(prefix: &str) -> [&[u8]; 2] {
    [b"key ring check", prefix.as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TempDir;

    fn becomes(ring: &KeyRing, found: &[u8]) -> Vec<u8> {
        let Verdict::Becomes(check) = judge(ring, "p", found).unwrap() else { panic!("it is there") };
        check
    }

    #[test]
    fn a_store_without_a_check_gets_one_and_another_ring_or_prefix_is_foreign() {
        let [ring, other] = [(); 2].map(|()| KeyRing::generate().unwrap());
        let check = becomes(&ring, b"");
        assert_eq!(judge(&ring, "p", &check).unwrap(), Verdict::Ours);
        assert_eq!(judge(&other, "p", &check).unwrap(), Verdict::Foreign);
        assert_eq!(judge(&ring, "q", &check).unwrap(), Verdict::Foreign);
        for damaged in [&check[1..], &check[..10], &[&check[..], b"x"].concat(), b"odd"] {
            assert_eq!(judge(&ring, "p", damaged).unwrap(), Verdict::Foreign);
        }
    }

    /// While a new key is handed out, replicas with and without it use the same store; once all have it, the old one can go.
    #[test]
    fn a_rotated_ring_adds_its_first_key_and_keeps_nobody_out() {
        let dir = TempDir::new();
        let path = dir.path("ring");
        let old = KeyRing::create(&path).unwrap();
        KeyRing::rotate(&path).unwrap();
        let rotated = KeyRing::load(&path).unwrap();
        let check = becomes(&rotated, &becomes(&old, b""));
        for ring in [&old, &rotated] {
            assert_eq!(judge(ring, "p", &check).unwrap(), Verdict::Ours);
        }
        assert_eq!(check.len(), 2 * SEAL_BYTES);
    }
}
