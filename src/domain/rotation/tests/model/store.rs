//! A store that keeps families, answers and pointers, as all replicas see it.

use std::collections::HashMap;

use super::{super::r, provider::Granted};
use crate::domain::{
    rotation::{Family, FamilyId, Phase},
    time::UnixTime,
};

/// A family as it was read.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) id: FamilyId,
    pub(super) family: Family,
    pub(super) version: Option<u64>,
    pub(super) read_at: UnixTime,
    /// Named after this token, and knows it no more.
    pub(super) is_forgotten: bool,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) families: HashMap<FamilyId, (u64, Family)>,
    answers: HashMap<u32, (Granted, UnixTime)>,
    pointers: HashMap<u32, FamilyId>,
    versions: u64,
}

impl Store {
    /// The family of a token. One that is named after it and knows it counts more than one that is said to be its own: that a
    /// token that was answered from memory was presented elsewhere before its answer was stored is known only there.
    pub(super) fn seat(&self, token: u32, now: UnixTime) -> Seat {
        let digest = r(token);
        let own = digest.family();
        let knows = |id: &FamilyId| self.families.get(id).is_some_and(|(_, family)| family.knows(&digest));
        let said = [Some(own), self.pointers.get(&token).copied()];
        let id = said.into_iter().flatten().find(knows).unwrap_or(own);
        match self.families.get(&id) {
            Some((version, family)) => Seat {
                id,
                family: family.clone(),
                version: Some(*version),
                read_at: now,
                is_forgotten: !family.knows(&digest),
            },
            None => Seat {
                id,
                family: Family::new("https://idp.example", "web", digest, now.plus(super::super::LIMIT.per)),
                version: None,
                read_at: now,
                is_forgotten: false,
            },
        }
    }

    /// `Ok(None)`: it is not what was read any more. `Err`: what no transition may do.
    pub(super) fn swap(&mut self, seat: &Seat, to: Family) -> Result<Option<Seat>, String> {
        let before = self.families.get(&seat.id);
        if before.map(|(version, _)| *version) != seat.version {
            return Ok(None);
        }
        if let Some((_, before)) = before {
            allowed(before, &to)?;
        }
        self.versions += 1;
        self.families.insert(seat.id, (self.versions, to.clone()));
        Ok(Some(Seat { family: to, version: Some(self.versions), ..seat.clone() }))
    }

    pub(super) fn keep(&mut self, to: u32, answer: Granted, until: UnixTime) {
        self.answers.insert(to, (answer, until));
    }

    pub(super) fn forget(&mut self, stale: impl Iterator<Item = crate::domain::rotation::RefreshDigest>) {
        for digest in stale {
            self.answers.retain(|token, _| r(*token) != digest);
        }
    }

    pub(super) fn answer(&self, to: u32, now: UnixTime) -> Option<Granted> {
        self.answers.get(&to).filter(|(_, until)| now <= *until).map(|(answer, _)| *answer)
    }

    pub(super) fn point(&mut self, from: u32, to: FamilyId) {
        self.pointers.insert(from, to);
    }
}

/// F5: a successor is never overwritten, only spent; and what has ended stays so.
fn allowed(before: &Family, to: &Family) -> Result<(), String> {
    if before.current != to.current && to.as_spent(&before.current).is_none() {
        return Err(format!("F5: {:?} was current and is nowhere now", before.current));
    }
    if matches!(before.phase, Phase::Ended { .. }) && before.phase != to.phase {
        return Err(format!("an ended family goes on: {:?}", to.phase));
    }
    Ok(())
}
