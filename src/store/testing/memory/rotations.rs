//! Token families in memory, sealed by nothing: an answer is given to whoever has its token.

use std::collections::HashMap;

use aws_lc_rs::digest;

use super::MemoryStore;
use crate::{
    domain::{
        limit::{Limit, TooOften},
        rotation::{Family, FamilyId, RefreshDigest},
        secret::Secret,
        time::UnixTime,
        tokens::Tokens,
    },
    store::{Answer, Change, Pointed, Pointer, Presented, Reading, Rotations, Swapped, Version},
};

#[derive(Debug, Default)]
pub(super) struct Families {
    states: HashMap<FamilyId, (Family, Version)>,
    answers: HashMap<(FamilyId, RefreshDigest), (Presented, Tokens, UnixTime)>,
    held: HashMap<FamilyId, Tokens>,
    pointers: HashMap<[u8; 33], (FamilyId, UnixTime)>,
    swaps: u64,
}

impl Families {
    fn swap(&mut self, change: Change) -> Swapped {
        let Change { id, from, to, keep, forget, hold, durably: _ } = change;
        if self.states.get(&id).map(|(_family, version)| *version) != from {
            return Swapped::Changed;
        }
        self.swaps += 1;
        let version = Version(self.swaps.to_be_bytes());
        self.states.insert(id, (to, version));
        self.answers.retain(|(family, to), _answer| *family != id || !forget.contains(to));
        if let Some((whom, tokens, until)) = keep {
            self.answers.insert((id, whom.digest), (whom, tokens, until));
        }
        self.held.extend(hold.map(|tokens| (id, tokens)));
        Swapped::Done(version)
    }

    pub(super) fn sweep(&mut self, now: UnixTime) {
        self.states.retain(|_, (family, _)| now < family.kept_until);
        self.held.retain(|id, _| self.states.contains_key(id));
        self.answers.retain(|_, (_, _, until)| now < *until);
        self.pointers.retain(|_, (_, until)| now < *until);
    }
}

impl Rotations for MemoryStore {
    fn digest(&self, issuer: &str, client_id: &str, token: &Secret) -> RefreshDigest {
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in [issuer.as_bytes(), client_id.as_bytes(), token.expose()] {
            hash.update(&part.len().to_be_bytes());
            hash.update(part);
        }
        RefreshDigest(hash.finish().as_ref().try_into().unwrap())
    }

    fn family_of(&self, pointer: Pointer) -> Answer<'_, Option<FamilyId>> {
        self.answer(move |kept| kept.families.pointers.get(&pointer.key()).map(|(to, _until)| *to))
    }

    fn read(&self, family: FamilyId) -> Answer<'_, Reading> {
        self.answer(move |kept| Reading {
            family: kept.families.states.get(&family).cloned(),
            is_held: kept.families.held.contains_key(&family),
            now: None,
        })
    }

    fn swap(&self, change: Change) -> Answer<'_, Swapped> {
        self.answer(move |kept| kept.families.swap(change))
    }

    fn answer<'s>(&'s self, family: FamilyId, to: &'s Presented) -> Answer<'s, Option<Tokens>> {
        self.answer(move |kept| {
            let kept = kept.families.answers.get(&(family, to.digest));
            kept.filter(|(whom, _, _)| whom == to).map(|(_, tokens, _)| tokens.clone())
        })
    }

    fn held(&self, family: FamilyId) -> Answer<'_, Option<Tokens>> {
        self.answer(move |kept| kept.families.held.get(&family).cloned())
    }

    fn point(&self, pointed: Vec<Pointed>) -> Answer<'_, ()> {
        self.answer(move |kept| {
            let pointed = pointed.iter().map(|pointed| (pointed.from.key(), (pointed.to, pointed.until)));
            kept.families.pointers.extend(pointed);
        })
    }

    fn admit(&self, limits: Vec<(String, Limit)>, now: UnixTime) -> Answer<'_, Result<(), TooOften>> {
        self.answer(move |_kept| self.limits.admit(&limits, now))
    }
}
