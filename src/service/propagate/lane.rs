//! One issuer's turn: what is due to be told, how much of it at once, and a breaker, so that a provider that is down is asked
//! now and then instead of once for each thing to tell.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{Id, pause};
use crate::service::draws::Jitter;

/// At once, while it answers; while it does not, one.
const AT_ONCE: usize = 4;
/// So many attempts in a row that came to nothing open the breaker.
const TRIP: u32 = 3;

/// What an issuer is still to be told.
#[derive(Debug, Default)]
pub(super) struct Lane {
    due: BTreeSet<(Instant, Id)>,
    in_flight: usize,
    failures: u32,
    closed_until: Option<Instant>,
}

impl Lane {
    /// To be told at `due`.
    pub(super) fn put(&mut self, due: Instant, id: Id) {
        self.due.insert((due, id));
    }

    /// Takes the next one, if it is time and there is room.
    pub(super) fn take(&mut self, now: Instant) -> Option<Id> {
        let (due, _) = self.due.first()?;
        if *due > now || !self.is_open(now) || self.is_full() {
            return None;
        }
        self.in_flight += 1;
        self.due.pop_first().map(|(_, id)| id)
    }

    /// When there will be one to take, as far as only time decides that.
    pub(super) fn next(&self) -> Option<Instant> {
        let (due, _) = self.due.first()?;
        let opens = self.closed_until.unwrap_or(*due);
        (!self.is_full()).then(|| opens.max(*due))
    }

    /// Whether the issuer is asked at all now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.closed_until.is_none_or(|until| until <= now)
    }

    /// Nothing to do for it, and nothing to remember.
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty() && self.in_flight == 0 && self.failures == 0
    }

    /// One that was taken need not be told any more.
    pub(super) fn put_down(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// One that was taken got an answer, whichever.
    pub(super) fn answered(&mut self) {
        self.put_down();
        self.failures = 0;
        self.closed_until = None;
    }

    /// One that was taken came to nothing. `asked`: how long the server wants to be left alone.
    pub(super) fn failed(&mut self, now: Instant, asked: Option<Duration>, jitter: Jitter) {
        self.put_down();
        self.failures = self.failures.saturating_add(1);
        let tripped = (self.failures >= TRIP).then(|| pause::backoff(self.failures - TRIP + 1, jitter));
        let asked = asked.map(|asked| asked.min(pause::longest()));
        if let Some(pause) = tripped.max(asked) {
            self.closed_until = self.closed_until.max(Some(now + pause));
        }
    }

    fn is_full(&self) -> bool {
        let most = if self.failures < TRIP { AT_ONCE } else { 1 };
        self.in_flight >= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(now: Instant, count: u8) -> Lane {
        let mut lane = Lane::default();
        (0..count).for_each(|number| lane.put(now, [number; 16]));
        lane
    }

    fn take_all(lane: &mut Lane, now: Instant) -> usize {
        std::iter::from_fn(|| lane.take(now)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_answers_is_told_four_things_at_once_in_the_order_they_are_due() {
        let now = Instant::now();
        let mut lane = lane(now, 6);
        lane.put(now + Duration::from_secs(1), [9; 16]);
        assert_eq!(take_all(&mut lane, now), 4);
        assert_eq!(lane.next(), None, "whoever comes back makes room, not time");
        lane.answered();
        lane.answered();
        assert_eq!(take_all(&mut lane, now), 2);
        lane.answered();
        assert_eq!(lane.take(now), None);
        assert_eq!(lane.next(), Some(now + Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_down_is_asked_one_thing_at_a_time_and_ever_less_often() {
        let now = Instant::now();
        let mut lane = lane(now, 20);
        assert_eq!(take_all(&mut lane, now), 4);
        (0..2).for_each(|_| lane.failed(now, None, Jitter(0.0)));
        assert!(lane.is_open(now), "two failures are chance");
        lane.failed(now, None, Jitter(0.0));
        assert!(!lane.is_open(now));
        let mut at = now;
        for pause in [2, 4, 8] {
            lane.failed(at, None, Jitter(0.0));
            assert_eq!(take_all(&mut lane, at), 0);
            at += Duration::from_secs(pause);
            assert_eq!(lane.next(), Some(at));
            assert_eq!(take_all(&mut lane, at), 1, "a trial");
        }
        lane.answered();
        assert_eq!(take_all(&mut lane, at), 4, "all is well again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_asks_to_be_left_alone_is_left_alone_by_all() {
        let now = Instant::now();
        let mut lane = lane(now, 2);
        lane.take(now).unwrap();
        lane.failed(now, Some(Duration::from_secs(90)), Jitter(0.0));
        assert_eq!(lane.next(), Some(now + Duration::from_secs(90)));
        assert!(lane.take(now + Duration::from_secs(89)).is_none());
        assert!(lane.take(now + Duration::from_secs(90)).is_some());
    }
}
