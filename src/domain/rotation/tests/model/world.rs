//! Everything there is, and what must never be seen in it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{
    super::rules,
    errand::{Answer, Errand, Fate, Next, Request},
    provider::{Granted, Provider, Whim},
    steps::Act,
    store::{Seat, Store},
};
use crate::domain::{
    rotation::{Attempt, Decision, Ended, Family, Owner, Phase, Rotation, Rules},
    time::UnixTime,
};

/// How long a request to the provider takes at most.
pub(super) const UPSTREAM: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(super) struct World {
    pub(super) rules: Rules,
    pub(super) now: UnixTime,
    pub(super) store: Store,
    pub(super) provider: Provider,
    pub(super) errands: Vec<Errand>,
    pub(super) requests: Vec<Request>,
    /// Answers that the store did not take, by replica and token.
    pub(super) unstored: HashMap<(usize, u32), (Family, Granted)>,
    pub(super) seen: Seen,
    owners: u64,
}

/// What has happened.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct Seen {
    /// The newest token that the client has.
    pub(super) newest: u32,
    pub(super) handed_out: HashMap<u32, Vec<Granted>>,
    pub(super) stored_at: HashMap<u32, (UnixTime, u32)>,
    /// How many requests there had been when an answer was stored that did not replace this token.
    kept: HashMap<u32, usize>,
    pub(super) presented_at: HashMap<u32, UnixTime>,
    pub(super) had_thief: bool,
    pub(super) was_revoked: bool,
    pub(super) was_mixed_up: bool,
    /// The client came for an answer when nobody keeps it any more.
    pub(super) came_late: bool,
    /// An answer of the provider was lost, or was not there when it was waited for.
    pub(super) lost_answer: bool,
    /// Somebody was answered from memory.
    pub(super) was_degraded: bool,
    pub(super) invalid_grants: usize,
    pub(super) subjects: HashSet<&'static str>,
}

impl World {
    pub(super) fn new(rotation: Rotation) -> Self {
        Self {
            rules: rules(rotation),
            now: super::super::at(0),
            store: Store::default(),
            provider: Provider::new(rotation),
            errands: Vec::new(),
            requests: Vec::new(),
            unstored: HashMap::new(),
            seen: Seen::default(),
            owners: 0,
        }
    }

    pub(super) fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Present { replica } => self.present(replica),
            Act::Steal { replica, which } => self.steal(replica, which),
            Act::Go { which, mishap } => {
                let under_way = self.under_way();
                if !under_way.is_empty() {
                    return self.go(under_way[which % under_way.len()], mishap);
                }
            }
            Act::Process { which, whim } => {
                let pending = self.pending();
                if !pending.is_empty() {
                    self.process(pending[which % pending.len()], whim);
                }
            }
            Act::Crash { replica } => self.crash(replica),
            Act::Tick { millis } => {
                self.now = UnixTime::from_millis(self.now.as_millis() + millis);
            }
            Act::Revoke { is_told } => return self.revoke(is_told),
        }
        Ok(())
    }

    pub(super) fn under_way(&self) -> Vec<usize> {
        (0..self.errands.len()).filter(|one| !matches!(self.errands[*one].next, Next::Done)).collect()
    }

    fn pending(&self) -> Vec<usize> {
        (0..self.requests.len())
            .filter(|one| {
                self.requests[*one].fate == Fate::Pending && self.now < self.requests[*one].deadline
            })
            .collect()
    }

    /// The client presents the newest that it has.
    pub(super) fn present(&mut self, replica: usize) {
        let token = self.seen.newest;
        if let Some((stored_at, _)) = self.seen.stored_at.get(&token) {
            self.seen.came_late |= self.now > stored_at.plus(self.rules.replay_max);
        }
        self.errand(replica, token, true);
    }

    fn steal(&mut self, replica: usize, which: usize) {
        let mut stolen: Vec<u32> = self.seen.handed_out.keys().copied().collect();
        stolen.sort_unstable();
        stolen.retain(|token| *token != self.seen.newest);
        if !stolen.is_empty() {
            self.seen.had_thief = true;
            self.errand(replica, stolen[which % stolen.len()], false);
        }
    }

    fn errand(&mut self, replica: usize, token: u32, is_client: bool) {
        let (arrived, owner) = (self.now, self.owner());
        self.errands.push(Errand { replica, token, is_client, arrived, owner, next: Next::Look });
    }

    pub(super) fn owner(&mut self) -> Owner {
        self.owners += 1;
        Owner(u128::from(self.owners).to_be_bytes())
    }

    pub(super) fn process(&mut self, request: usize, whim: Whim) {
        let token = self.requests[request].token;
        let granted = self.provider.exchange(token, self.now, whim);
        self.seen.was_mixed_up |= granted.is_some_and(|granted| granted.subject != "alice");
        self.seen.invalid_grants += usize::from(granted.is_none());
        self.requests[request].fate = Fate::Processed(granted);
    }

    fn crash(&mut self, replica: usize) {
        for one in 0..self.errands.len() {
            if self.errands[one].replica == replica {
                let next = std::mem::replace(&mut self.errands[one].next, Next::Done);
                if let Next::Await(_, request)
                | Next::Store(Answer { request, .. }, _)
                | Next::StoreLater(Answer { request, .. }) = next
                {
                    self.give_up(request);
                }
            }
        }
        self.unstored.retain(|(there, _), _| *there != replica);
    }

    /// Nobody waits for this answer any more.
    pub(super) fn give_up(&mut self, request: usize) {
        let fate = &mut self.requests[request].fate;
        // One that is pending can still be processed.
        self.seen.lost_answer |= matches!(fate, Fate::Pending | Fate::Processed(_));
        if let Fate::Processed(granted) = *fate {
            *fate = Fate::Lost(granted);
        }
    }

    fn revoke(&mut self, is_told: bool) -> Result<(), String> {
        self.seen.was_revoked = true;
        if is_told {
            let seat = self.store.seat(self.seen.newest, self.now);
            let ended = seat.family.clone().ended(Ended::Revoked, self.now);
            self.store.swap(&seat, ended)?;
        }
        Ok(())
    }

    /// F1: whoever sends a token is the only one who does, or follows one whose answer is given up. Only where somebody was
    /// answered from memory, and presents that elsewhere, two families can each take a token for theirs, for a moment.
    pub(super) fn may_send(&mut self, token: u32, seat: &Seat) -> Result<(), String> {
        let is_degraded = self.seen.was_degraded;
        let same = |one: &Request| one.token == token && (!is_degraded || one.family == seat.id);
        let knows_of_loss = matches!(&seat.family.phase, Phase::Sent(Attempt { after: Some(_), .. }));
        let since = self.seen.kept.get(&token).copied().unwrap_or(0);
        for (number, earlier) in self.requests.iter().enumerate().filter(|(_, one)| same(one)) {
            let waits =
                matches!(earlier.fate, Fate::Processed(_) | Fate::Stored(Granted { successor: Some(_), .. }));
            if earlier.fate == Fate::Pending && self.now < earlier.deadline {
                return Err(format!("F1: R{token} is sent while an earlier request may still be processed"));
            }
            if waits && self.now < earlier.lease_until {
                return Err(format!("F1: R{token} is sent while an answer to it is there, or on its way"));
            }
            if number >= since && earlier.fate != (Fate::NeverProcessed { is_known: true }) && !knows_of_loss
            {
                return Err(format!("F1: R{token} is sent again, and nobody says that an answer was lost"));
            }
            // Its owner was paused for longer than others wait.
            self.seen.lost_answer |= waits;
        }
        Ok(())
    }

    /// F2 and F7, from what had happened alone when the token was presented.
    pub(super) fn judge(&self, token: u32, arrived: UnixTime, decision: Decision) -> Result<(), String> {
        let Some((stored_at, successor)) = self.seen.stored_at.get(&token) else { return Ok(()) };
        if self.seen.was_degraded || matches!(decision, Decision::Ended(_)) {
            return Ok(());
        }
        let presented_at = self.seen.presented_at.get(successor);
        let was_presented = presented_at.is_some_and(|presented_at| *presented_at < arrived);
        let window = if was_presented { self.rules.replay } else { self.rules.replay_max };
        let expected = match arrived <= stored_at.plus(window) {
            true => Decision::Replay,
            false if was_presented => Decision::Theft,
            false => Decision::Lost,
        };
        if decision == expected {
            return Ok(());
        }
        let was = if was_presented { "" } else { "not " };
        Err(format!(
            "F7: R{token} was spent, its successor {was}presented, and not {expected:?} but {decision:?}"
        ))
    }

    /// F2, F11, F12.
    pub(super) fn hand_out(&mut self, token: u32, family: &Family, granted: Granted) -> Result<bool, String> {
        let another_s = family.whose.as_ref().is_some_and(|whose| whose.subject != granted.subject);
        if self.seen.was_revoked || another_s {
            return Ok(false);
        }
        self.seen.subjects.insert(granted.subject);
        if self.seen.subjects.len() > 1 && !self.seen.was_degraded {
            return Err("F12: two users' tokens are handed out".to_owned());
        }
        let others = self.seen.handed_out.entry(token).or_default();
        let differs = others.iter().any(|other| {
            other.successor.is_some() && granted.successor.is_some() && other.successor != granted.successor
        });
        if differs && !self.seen.was_degraded {
            return Err(format!("F2: R{token} was answered by {others:?} before {granted:?}"));
        }
        others.push(granted);
        Ok(true)
    }

    /// F6: nothing but these ends a family.
    pub(super) fn may_end(&self, why: Ended) -> Result<(), String> {
        let may = match why {
            Ended::Refused => self.seen.invalid_grants > 0,
            Ended::Reused => self.seen.had_thief || self.seen.was_degraded,
            Ended::OutcomeLost => self.seen.invalid_grants > 0 || self.seen.had_thief || self.seen.came_late,
            Ended::Revoked => self.seen.was_revoked,
        };
        if may { Ok(()) } else { Err(format!("F6: nothing happened that ends a family as {why:?}")) }
    }

    pub(super) fn stored(&mut self, token: u32, request: usize, granted: Granted) {
        self.requests[request].fate = Fate::Stored(granted);
        if let Some(successor) = granted.successor {
            self.seen.stored_at.insert(token, (self.now, successor));
        } else {
            // A late owner's answer says that nothing was spent: who is about to send does so for the first time again.
            let about_to = |one: &&Errand| one.token == token && matches!(one.next, Next::Send(_));
            let sending = self.errands.iter().filter(about_to).count();
            self.seen.kept.insert(token, self.requests.len() + sending);
        }
    }

    pub(super) fn begun(&mut self, token: u32, seen_at: UnixTime) {
        self.seen.presented_at.entry(token).or_insert(seen_at);
    }
}
