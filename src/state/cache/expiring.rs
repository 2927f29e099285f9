//! What a cache has to forget, in the order in which that will be due.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{CLOCK_SLACK, TokenDigest};
use crate::domain::time::UnixTime;

/// So many are taken at once, while nobody can add one.
const AT_ONCE: usize = 1024;

/// Entries that all live equally long are over nearly in the order in which they came, so what is over is found without looking at
/// the others. One whose token came again late waits behind younger ones, for less than it lived; and one that is not found here
/// at all is no harm: nobody is answered from it, and it goes when its room is needed.
///
/// An element takes 24 bytes, which `ENTRY_OVERHEAD_BYTES` has room for.
pub(super) struct Expiring {
    queue: Mutex<VecDeque<(UnixTime, TokenDigest)>>,
    max_age: Duration,
    most: usize,
}

impl Expiring {
    /// Remembers the last so many, each of which lives for `max_age`.
    pub(super) fn new(max_age: Duration, most: usize) -> Self {
        Self { queue: Mutex::default(), max_age, most: most.max(1) }
    }

    pub(super) fn push(&self, until: UnixTime, digest: TokenDigest) {
        let mut queue = self.queue();
        if queue.len() >= self.most {
            queue.pop_front();
        }
        queue.push_back((until, digest));
    }

    /// Some that are over; none if there is none left. What is due later than anything can be that was added by now is over, too:
    /// the clock was set back, and that must not hold up all that is behind it.
    pub(super) fn take_over(&self, now: UnixTime) -> Vec<TokenDigest> {
        let (mut queue, latest) = (self.queue(), now.plus(self.max_age).plus(CLOCK_SLACK));
        let is_over = |(until, _): &&(UnixTime, TokenDigest)| *until <= now || latest < *until;
        let over = queue.iter().take(AT_ONCE).take_while(is_over).count();
        queue.drain(..over).map(|(_, digest)| digest).collect()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<(UnixTime, TokenDigest)>> {
        // Nothing in between can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::token::BoundedText, state::digest::Digester};

    fn at(millis: i64) -> UnixTime {
        UnixTime::from_millis(millis)
    }

    #[test]
    fn what_is_over_comes_in_order_and_the_oldest_make_room() {
        let digester = Digester::draw().unwrap();
        let digest = |text| digester.digest(BoundedText::new(text, 8).unwrap());
        let expiring = Expiring::new(Duration::from_millis(9), 3);
        for (until, text) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
            expiring.push(at(until), digest(text));
        }
        assert!(expiring.take_over(at(1)).is_empty(), "the first has made room");
        assert!(expiring.take_over(at(3)) == [digest("b"), digest("c")]);
        assert!(expiring.take_over(at(3)).is_empty());
        assert!(expiring.take_over(at(4)) == [digest("d")]);
    }

    #[test]
    fn many_come_in_parts() {
        let digest = Digester::draw().unwrap().digest(BoundedText::new("a", 8).unwrap());
        let expiring = Expiring::new(Duration::ZERO, 2 * AT_ONCE);
        (0..=AT_ONCE).for_each(|_| expiring.push(at(0), digest));
        let parts = [expiring.take_over(at(0)), expiring.take_over(at(0)), expiring.take_over(at(0))];
        assert_eq!(parts.map(|part| part.len()), [AT_ONCE, 1, 0]);
    }
}
