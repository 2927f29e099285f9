//! What is kept beside a family, sealed: answers for whoever presents the token that they are the answer to, and the tokens of a
//! session for everybody with the key ring.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Change, Presented, Version, content, record};
use crate::{
    domain::{
        rotation::{FamilyId, RefreshDigest},
        time::UnixTime,
        tokens::Tokens,
    },
    store::{
        codec::Problem,
        key_ring::KeyRing,
        seal::{self, SealError},
    },
};

/// Bytes of the time in front of a sealed answer.
const TIME_BYTES: usize = 8;

/// A transition as it is written.
#[derive(Clone, Debug)]
pub(in crate::store) struct SealedChange {
    pub(in crate::store) id: FamilyId,
    pub(in crate::store) from: Option<Version>,
    /// What it is told apart by afterwards.
    pub(in crate::store) version: Version,
    pub(in crate::store) record: Vec<u8>,
    pub(in crate::store) kept_until: UnixTime,
    pub(in crate::store) keep: Option<(RefreshDigest, Vec<u8>)>,
    pub(in crate::store) forget: Vec<RefreshDigest>,
    pub(in crate::store) hold: Option<Vec<u8>>,
    pub(in crate::store) durably: bool,
}

/// Why what is kept is of no use.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Sealed by another release.
    #[error("what is sealed is not understood: {0:?}")]
    Content(Problem),
}

impl SealedChange {
    pub(in crate::store) fn seal(ring: &KeyRing, change: Change) -> Result<Self, SealError> {
        let Change { id, from, to, keep, forget, hold, durably } = change;
        let keep = match keep {
            Some((whom, tokens, until)) => Some((whom.digest, seal_answer(ring, id, &whom, &tokens, until)?)),
            None => None,
        };
        let hold = hold.map(|tokens| seal_held(ring, id, &tokens)).transpose()?;
        let (record, kept_until) = (record::encode(&id, &to), to.kept_until);
        Ok(Self { id, from, version: Version::random()?, record, kept_until, keep, forget, hold, durably })
    }
}

/// An answer behind its end: in clear for whoever cleans up, and under the seal too.
fn seal_answer(
    ring: &KeyRing,
    id: FamilyId,
    whom: &Presented,
    tokens: &Tokens,
    until: UnixTime,
) -> Result<Vec<u8>, SealError> {
    let until = until.as_millis().to_be_bytes();
    let belongs = answer_of(&id, &whom.digest, &until);
    let sealed = seal::seal_for_bearer(ring, &whom.token, &belongs, &content::write(tokens))?;
    Ok([&until[..], &sealed].concat())
}

/// When a kept answer ends, if it says so.
pub(in crate::store) fn end_of(answer: &[u8]) -> Option<UnixTime> {
    let (until, _sealed) = answer.split_first_chunk::<TIME_BYTES>()?;
    Some(UnixTime::from_millis(i64::from_be_bytes(*until)))
}

/// Opens what is kept. What does not open is as good as none, since what to do without it is decided anyway; it is said once,
/// until something opens again, because a key that is missing is missing for many.
#[derive(Debug, Default)]
pub(in crate::store) struct Opener {
    answers_fail: AtomicBool,
    held_fail: AtomicBool,
}

impl Opener {
    /// The kept answer to this token.
    pub(in crate::store) fn answer(
        &self,
        ring: &KeyRing,
        id: FamilyId,
        to: &Presented,
        answer: &[u8],
    ) -> Option<Tokens> {
        let opened = open_answer(ring, id, to, answer);
        let failed_before = self.answers_fail.swap(opened.is_err(), Ordering::Relaxed);
        if let Err(error) = &opened
            && !failed_before
        {
            tracing::error!(
                error.message = %error,
                "a kept answer to a refresh token cannot be opened: it counts as lost"
            );
        }
        opened.ok()
    }

    /// The tokens that are held.
    pub(in crate::store) fn held(&self, ring: &KeyRing, id: FamilyId, held: &[u8]) -> Option<Tokens> {
        let opened = open_held(ring, id, held);
        let failed_before = self.held_fail.swap(opened.is_err(), Ordering::Relaxed);
        if let Err(error) = &opened
            && !failed_before
        {
            tracing::error!(
                error.message = %error,
                "the tokens held for a session cannot be opened: they count as lost"
            );
        }
        opened.ok()
    }
}

fn open_answer(ring: &KeyRing, id: FamilyId, to: &Presented, answer: &[u8]) -> Result<Tokens, Unusable> {
    let (until, sealed) = answer.split_first_chunk::<TIME_BYTES>().ok_or(SealError::Forged)?;
    let content = seal::open_for_bearer(ring, &to.token, &answer_of(&id, &to.digest, until), sealed)?;
    content::read(&content).map_err(Unusable::Content)
}

/// The digest stands for issuer, client and token, which went into it under a key of the ring.
fn answer_of<'a>(id: &'a FamilyId, to: &'a RefreshDigest, until: &'a [u8; TIME_BYTES]) -> [&'a [u8]; 4] {
    [b"answer", &id.0, &to.0, until]
}

fn seal_held(ring: &KeyRing, id: FamilyId, tokens: &Tokens) -> Result<Vec<u8>, SealError> {
    seal::seal_secret(ring, &[b"held", &id.0], &content::write(tokens))
}

fn open_held(ring: &KeyRing, id: FamilyId, held: &[u8]) -> Result<Tokens, Unusable> {
    let content = seal::open_secret(ring, &[b"held", &id.0], held)?;
    content::read(&content).map_err(Unusable::Content)
}

#[cfg(test)]
mod tests;
