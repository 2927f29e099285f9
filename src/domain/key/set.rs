//! The keys of an issuer, and which of them a token may have been signed with.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{KeyIdentity, VerifyingKey};
use crate::domain::algorithm::Algorithm;

/// How many keys are tried for a token without `kid`.
const TRIED_WITHOUT_KEY_ID: usize = 5;

/// The keys of one issuer at one moment.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Arc<VerifyingKey>>,
}

/// What a key set says to a token's header.
#[derive(Debug)]
pub enum Candidates<'s> {
    /// These may have signed it; usually one.
    Keys(SmallVec<[&'s Arc<VerifyingKey>; TRIED_WITHOUT_KEY_ID]>),
    /// There is such a key, but it does not do this algorithm.
    WrongAlgorithm,
    /// There is no such key.
    Absent,
}

impl KeySet {
    /// A set of these keys.
    pub fn new(keys: Vec<Arc<VerifyingKey>>) -> Self {
        Self { keys }
    }

    /// The keys that a token with this `kid` and algorithm may have been signed with. Without a `kid`, the first few that
    /// do the algorithm.
    pub fn candidates(&self, key_id: Option<&str>, algorithm: Algorithm) -> Candidates<'_> {
        let mut found = false;
        let mut keys = SmallVec::new();
        for key in &self.keys {
            if key_id.is_some_and(|key_id| !key.answers_to(key_id)) {
                continue;
            }
            found = true;
            if key.does(algorithm) && keys.len() < TRIED_WITHOUT_KEY_ID {
                keys.push(key);
            }
        }
        match (keys.is_empty(), found && key_id.is_some()) {
            (false, _) => Candidates::Keys(keys),
            (true, true) => Candidates::WrongAlgorithm,
            (true, false) => Candidates::Absent,
        }
    }

    /// Whether this very key is still published.
    pub fn contains(&self, identity: KeyIdentity) -> bool {
        self.keys.iter().any(|key| key.identity() == identity)
    }

    /// The keys, in the order they were published.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<VerifyingKey>> {
        self.keys.iter()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is usable.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
