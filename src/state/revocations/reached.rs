//! Up to where a set holds everything, in this epoch and in those before it (R8).

use crate::store::Revision;

/// Earlier epochs than these are forgotten: nobody holds a revision for so long.
const EPOCHS: usize = 16;

/// A revision, and the earlier epochs of which everything up to some revision is known, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    revision: Revision,
    /// One of each epoch, the latest first.
    before: Vec<Revision>,
}

impl Reached {
    /// In another epoch what was known goes on being known: nothing that is in the set is let go. A store that says less than before in
    /// one epoch is believed.
    pub(super) fn advanced(before: Option<Self>, revision: Revision) -> Self {
        let Some(known) = before else { return Self { revision, before: Vec::new() } };
        let mut reached = Self { revision, before: known.before };
        reached.before.retain(|earlier| earlier.epoch != revision.epoch);
        if known.revision.epoch != revision.epoch {
            reached.before.insert(0, known.revision);
        }
        reached.before.truncate(EPOCHS);
        reached
    }

    pub(super) fn is_before(&self, revision: Revision) -> bool {
        self.revision.epoch != revision.epoch || self.revision.sequence < revision.sequence
    }

    /// The store's copy went on from these, so whoever has read it whole in this epoch knows them, too. Whether that is news.
    pub(super) fn goes_on_from(&mut self, epoch: u64, predecessors: &[Revision]) -> bool {
        if self.revision.epoch != epoch {
            return false;
        }
        let mut is_news = false;
        for predecessor in predecessors.iter().filter(|it| it.epoch != epoch) {
            match self.before.iter_mut().find(|known| known.epoch == predecessor.epoch) {
                Some(known) if known.sequence >= predecessor.sequence => {}
                Some(known) => {
                    known.sequence = predecessor.sequence;
                    is_news = true;
                }
                None => {
                    self.before.push(*predecessor);
                    is_news = true;
                }
            }
        }
        self.before.truncate(EPOCHS);
        is_news
    }

    /// The latest revision up to which everything is known.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether everything up to this one is known.
    pub fn covers(&self, asked: Revision) -> bool {
        self.of_epoch(asked.epoch).is_some_and(|known| known.sequence >= asked.sequence)
    }

    /// Whether its epoch ended before it, so that nobody will ever know everything up to there.
    pub fn never_covers(&self, asked: Revision) -> bool {
        asked.epoch != self.revision.epoch
            && self.of_epoch(asked.epoch).is_some_and(|known| known.sequence < asked.sequence)
    }

    fn of_epoch(&self, epoch: u64) -> Option<Revision> {
        let known = [self.revision].into_iter().chain(self.before.iter().copied());
        known.into_iter().find(|known| known.epoch == epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, sequence: u64) -> Revision {
        Revision { epoch, sequence }
    }

    #[test]
    fn r8_a_revision_of_an_earlier_epoch_is_reached_if_this_one_goes_on_from_it() {
        let mut reached = Reached::advanced(None, at(2, 10));
        assert!(reached.covers(at(2, 10)) && !reached.covers(at(2, 11)) && !reached.covers(at(1, 1)));
        assert!(!reached.goes_on_from(3, &[at(1, 8)]), "of another epoch");
        assert!(reached.goes_on_from(2, &[at(1, 8)]));
        assert!(!reached.goes_on_from(2, &[at(1, 7)]), "no news");
        assert!(reached.covers(at(1, 8)) && !reached.covers(at(1, 9)), "what was lost is not reached");
        let reached = Reached::advanced(Some(reached), at(2, 11));
        assert!(reached.covers(at(2, 11)) && reached.covers(at(1, 8)));
    }

    #[test]
    fn r8_what_a_set_has_held_it_still_holds_in_another_epoch() {
        let mut reached = Reached::advanced(Some(Reached::advanced(None, at(1, 9))), at(2, 3));
        assert!(reached.covers(at(1, 9)) && !reached.covers(at(1, 10)));
        assert!(!reached.goes_on_from(2, &[at(1, 5)]), "the copy had lost some of it, this set had not");
        assert!(reached.covers(at(1, 9)));
        let mut many = reached;
        for epoch in 3..100 {
            many = Reached::advanced(Some(many), at(epoch, 1));
        }
        assert!(many.covers(at(99, 1)) && many.covers(at(83, 1)) && !many.covers(at(82, 1)));
    }

    #[test]
    fn r12_a_store_that_has_gone_back_is_believed_about_itself() {
        let reached = Reached::advanced(Some(Reached::advanced(None, at(1, 9))), at(1, 4));
        assert!(reached.covers(at(1, 4)) && !reached.covers(at(1, 5)));
    }
}
