//! Sealing: encryption and authentication of one record, bound to where it belongs.
//!
//! Format v1: version (1 byte), key id (4), salt (32), AES-256-GCM ciphertext and tag. Each record has a key of its own,
//! derived from the ring key and its random salt, so no key ever meets a second nonce, however many records there are
//! and however many replicas write them. What the record belongs to is additional data: it is not in the record, and
//! opens it only where it was sealed for.
//!
//! What only the bearer of a token may have is sealed under a key that this token goes into as well: the ring alone does not
//! open it.

use aws_lc_rs::{
    aead::{Aad, LessSafeKey, NONCE_LEN, Nonce},
    digest, rand,
};

use super::key_ring::{KeyId, KeyRing, Purpose, RingKey};
use crate::domain::secret::Secret;

const VERSION: u8 = 1;
const SALT_BYTES: usize = 32;

/// Why a record was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SealError {
    /// The ring holds no key of this id: an old one was taken out, or it is another ring.
    #[error("sealed with key {id}, which the key ring does not hold")]
    UnknownKey { id: KeyId },
    /// Not what was sealed, or not where it was sealed for.
    #[error("the seal does not fit")]
    Forged,
    /// The system gave no random bytes.
    #[error("the system's random number generator failed")]
    Random,
}

/// Who can open a record.
#[derive(Clone, Copy)]
enum For<'t> {
    /// Everybody with the ring.
    Ring,
    /// Who has this token as well.
    Bearer(&'t Secret),
}

/// Seals with the ring's first key. `belongs` says what and whose the record is, part by part.
pub(super) fn seal(ring: &KeyRing, belongs: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    seal_for(ring, For::Ring, belongs, plaintext)
}

/// The same for what only the bearer of this token may see.
pub(super) fn seal_for_bearer(
    ring: &KeyRing,
    token: &Secret,
    belongs: &[&[u8]],
    secret: &Secret,
) -> Result<Vec<u8>, SealError> {
    seal_for(ring, For::Bearer(token), belongs, secret.expose())
}

fn seal_for(
    ring: &KeyRing,
    whom: For<'_>,
    belongs: &[&[u8]],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let key = ring.sealing_key();
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_unspecified| SealError::Random)?;
    let mut body = plaintext.to_vec();
    record_key(key, &salt, whom)?
        .seal_in_place_append_tag(only_nonce(), Aad::from(additional_data(belongs)), &mut body)
        .map_err(|_unspecified| SealError::Random)?;
    Ok([&[VERSION], &key.id().0[..], &salt, &body].concat())
}

/// The same for what nobody may see.
pub(super) fn seal_secret(ring: &KeyRing, belongs: &[&[u8]], secret: &Secret) -> Result<Vec<u8>, SealError> {
    seal(ring, belongs, secret.expose())
}

/// Opens what [`seal`] made for the same `belongs`, with whichever key of the ring it names.
pub(super) fn open(ring: &KeyRing, belongs: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    open_for(ring, For::Ring, belongs, sealed)
}

/// Opens what [`seal_secret`] made.
pub(super) fn open_secret(ring: &KeyRing, belongs: &[&[u8]], sealed: &[u8]) -> Result<Secret, SealError> {
    open_for(ring, For::Ring, belongs, sealed).map(Secret::new)
}

/// Opens what [`seal_for_bearer`] made for the same token.
pub(super) fn open_for_bearer(
    ring: &KeyRing,
    token: &Secret,
    belongs: &[&[u8]],
    sealed: &[u8],
) -> Result<Secret, SealError> {
    open_for(ring, For::Bearer(token), belongs, sealed).map(Secret::new)
}

fn open_for(ring: &KeyRing, whom: For<'_>, belongs: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (version, rest) = sealed.split_first().ok_or(SealError::Forged)?;
    let (id, rest) = rest.split_first_chunk::<4>().ok_or(SealError::Forged)?;
    let (salt, body) = rest.split_first_chunk::<SALT_BYTES>().ok_or(SealError::Forged)?;
    if *version != VERSION {
        return Err(SealError::Forged);
    }
    let id = KeyId(*id);
    let key = ring.key(id).ok_or(SealError::UnknownKey { id })?;
    let mut body = body.to_vec();
    let length = record_key(key, salt, whom)?
        .open_in_place(only_nonce(), Aad::from(additional_data(belongs)), &mut body)
        .map_err(|_unspecified| SealError::Forged)?
        .len();
    body.truncate(length);
    Ok(body)
}

fn record_key(key: &RingKey, salt: &[u8; SALT_BYTES], whom: For<'_>) -> Result<LessSafeKey, SealError> {
    let derived = match whom {
        For::Ring => key.aead_key(Purpose::Seal, salt, &[]),
        For::Bearer(token) => {
            let token = digest::digest(&digest::SHA256, token.expose());
            key.aead_key(Purpose::Replay, salt, token.as_ref())
        }
    };
    derived.ok_or(SealError::Forged)
}

/// All zeros: the key is used for this one record.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Each part behind its length, so that no two lists of parts have the same bytes.
fn additional_data(parts: &[&[u8]]) -> Vec<u8> {
    let mut data = Vec::with_capacity(parts.iter().map(|part| part.len().saturating_add(8)).sum());
    for part in parts {
        data.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_format_is_v1_and_no_two_records_are_alike() {
        let ring = KeyRing::generate().unwrap();
        let [one, two] = [(); 2].map(|()| seal(&ring, &[b"a"], b"text").unwrap());
        assert_eq!(one.len(), 1 + 4 + 32 + 4 + 16);
        assert_eq!(one[0], 1);
        assert_eq!(one[1..5], ring.sealing_key().id().0);
        assert_ne!(one[5..], two[5..]);
        assert_eq!(open(&ring, &[b"a"], &one), Ok(b"text".to_vec()));
    }

    /// The same bytes split differently belong to somebody else: issuer `a` with address `bc` is not `ab` with `c`.
    #[test]
    fn parts_never_run_into_each_other() {
        let ring = KeyRing::generate().unwrap();
        let sealed = seal(&ring, &[b"a", b"bc"], b"text").unwrap();
        for other in [&[b"ab".as_slice(), b"c"][..], &[b"abc"], &[b"a", b"bc", b""], &[b"bc", b"a"], &[]] {
            assert_eq!(open(&ring, other, &sealed), Err(SealError::Forged), "{other:?}");
        }
    }

    #[test]
    fn a_record_is_opened_by_the_key_it_names_and_by_no_other() {
        let ring = KeyRing::generate().unwrap();
        let sealed = seal(&ring, &[], b"text").unwrap();
        let id = ring.sealing_key().id();
        assert_eq!(open(&KeyRing::generate().unwrap(), &[], &sealed), Err(SealError::UnknownKey { id }));
    }

    #[test]
    fn what_is_for_a_bearer_opens_with_the_token_and_the_ring_and_nothing_less() {
        let ring = KeyRing::generate().unwrap();
        let secret = |text: &[u8]| Secret::new(text.to_vec());
        let sealed = seal_for_bearer(&ring, &secret(b"token"), &[b"a"], &secret(b"text")).unwrap();
        assert_eq!(open_for_bearer(&ring, &secret(b"token"), &[b"a"], &sealed), Ok(secret(b"text")));
        for (other, belongs) in [(&b"tokem"[..], b"a"), (b"", b"a"), (b"token", b"b")] {
            assert_eq!(
                open_for_bearer(&ring, &secret(other), &[belongs], &sealed),
                Err(SealError::Forged),
                "{other:?}"
            );
        }
        assert_eq!(open(&ring, &[b"a"], &sealed), Err(SealError::Forged), "the ring alone");
        let id = ring.sealing_key().id();
        let other = KeyRing::generate().unwrap();
        assert_eq!(
            open_for_bearer(&other, &secret(b"token"), &[b"a"], &sealed),
            Err(SealError::UnknownKey { id }),
            "the token alone"
        );
    }

    proptest! {
        #[test]
        fn any_changed_or_missing_byte_is_noticed(
            text in proptest::collection::vec(any::<u8>(), 0..100),
            at in any::<proptest::sample::Index>(),
            flip in 1..=u8::MAX,
        ) {
            let ring = KeyRing::generate().unwrap();
            let sealed = seal(&ring, &[b"a"], &text).unwrap();
            prop_assert_eq!(open(&ring, &[b"a"], &sealed), Ok(text));
            let at = at.index(sealed.len());
            prop_assert!(open(&ring, &[b"a"], &sealed[..at]).is_err());
            let mut changed = sealed;
            changed[at] ^= flip;
            prop_assert!(open(&ring, &[b"a"], &changed).is_err());
        }
    }
}
