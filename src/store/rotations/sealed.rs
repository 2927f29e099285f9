//! What is kept beside a family, sealed: answers for whoever presents the token that they are the answer to, and the tokens of a
//! session for everybody with the key ring.

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

/// The answer; one that does not open is as good as none: what to do without one is decided anyway.
pub(in crate::store) fn open_answer_or_say(
    ring: &KeyRing,
    id: FamilyId,
    to: &Presented,
    answer: &[u8],
) -> Option<Tokens> {
    open_answer(ring, id, to, answer)
        .inspect_err(|error| {
            tracing::error!(
                error.message = %error,
                "a kept answer to a refresh token cannot be opened: it counts as lost"
            );
        })
        .ok()
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

/// The tokens that are held; those that do not open are as good as none.
pub(in crate::store) fn open_held_or_say(ring: &KeyRing, id: FamilyId, held: &[u8]) -> Option<Tokens> {
    open_held(ring, id, held)
        .inspect_err(|error| {
            tracing::error!(
                error.message = %error,
                "the tokens held for a session cannot be opened: they count as lost"
            );
        })
        .ok()
}

fn open_held(ring: &KeyRing, id: FamilyId, held: &[u8]) -> Result<Tokens, Unusable> {
    let content = seal::open_secret(ring, &[b"held", &id.0], held)?;
    content::read(&content).map_err(Unusable::Content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    const ID: FamilyId = FamilyId([1; 16]);
    const UNTIL: i64 = 7;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    fn tokens() -> Tokens {
        Tokens {
            access_token: secret("access"),
            token_type: "Bearer".to_owned(),
            expires_at: None,
            refresh_token: None,
            id_token: None,
            scopes: Vec::new(),
            session_id: String::new(),
        }
    }

    fn whom() -> Presented {
        Presented { token: secret("R0"), digest: RefreshDigest([2; 32]) }
    }

    #[test]
    fn an_answer_opens_only_where_it_belongs_and_until_when_it_was_kept() {
        let ring = KeyRing::generate().unwrap();
        let answer = seal_answer(&ring, ID, &whom(), &tokens(), UnixTime::from_millis(UNTIL)).unwrap();
        assert_eq!(end_of(&answer), Some(UnixTime::from_millis(UNTIL)));
        let open = |ring, id, to: &Presented, answer: &[u8]| open_answer_or_say(ring, id, to, answer);
        assert_eq!(open(&ring, ID, &whom(), &answer), Some(tokens()));
        let longer = [&i64::MAX.to_be_bytes()[..], &answer[8..]].concat();
        assert_eq!(open(&ring, ID, &whom(), &longer), None, "somebody gave it a longer life");
        assert_eq!(open(&ring, FamilyId([9; 16]), &whom(), &answer), None, "another family's");
        let digest = RefreshDigest([9; 32]);
        assert_eq!(open(&ring, ID, &Presented { digest, ..whom() }, &answer), None, "another digest's");
        let token = secret("R9");
        assert_eq!(open(&ring, ID, &Presented { token, ..whom() }, &answer), None, "another token's");
        assert_eq!(open(&KeyRing::generate().unwrap(), ID, &whom(), &answer), None, "without the ring");
    }

    #[test]
    fn held_tokens_open_only_for_their_family() {
        let ring = KeyRing::generate().unwrap();
        let held = seal_held(&ring, ID, &tokens()).unwrap();
        assert_eq!(open_held_or_say(&ring, ID, &held), Some(tokens()));
        assert_eq!(open_held_or_say(&ring, FamilyId([9; 16]), &held), None);
        assert_eq!(open_held_or_say(&KeyRing::generate().unwrap(), ID, &held), None);
    }
}
