//! What a replica does, step by step.

use super::{
    super::r,
    errand::{Answer, Fate, Next, Request},
    provider::{Granted, Whim},
    steps::Mishap,
    store::Seat,
    world::{UPSTREAM, World},
};
use crate::domain::{
    rotation::{Attempt, Decision, Ended, Family, Given, Phase, Rotation, Shown, Whose, decide},
    time::UnixTime,
};

/// What came of a swap.
enum Swapped {
    Done(Box<Seat>),
    Changed,
    /// Whether it was done nobody knows.
    Unheard,
}

impl World {
    pub(super) fn go(&mut self, which: usize, mishap: Mishap) -> Result<(), String> {
        let next = std::mem::replace(&mut self.errands[which].next, Next::Done);
        let token = self.errands[which].token;
        let next = match next {
            Next::Look => self.look(which, mishap)?,
            Next::Do(seat, decision) => self.carry_out(which, seat, decision, mishap)?,
            Next::SaySent(seat) => self.say_sent(which, &seat, mishap)?,
            Next::Send(seat) => self.send(which, seat, mishap)?,
            Next::Await(seat, request) => self.wait(seat, request, mishap),
            Next::SayNotSent(seat, then) => {
                match seat.family.clone().not_sent(self.errands[which].owner, &self.rules) {
                    Some(to) => drop(self.swap(&seat, to, mishap)?),
                    None => return Err("it was sent by somebody else".to_owned()),
                }
                *then
            }
            Next::SayLost(seat) => self.say_lost(which, &seat, mishap)?,
            Next::SayEnded(seat, why) => self.say_ended(token, &seat, why, mishap)?,
            Next::Store(answer, seat) => self.store(which, answer, seat, mishap)?,
            Next::StoreLater(answer) => {
                let seat = self.store.seat(token, self.now);
                match self.store_answer(token, answer, &seat, mishap)? {
                    Some(Swapped::Done(_)) | None => {
                        self.unstored.remove(&(self.errands[which].replica, token));
                        Next::Done
                    }
                    Some(Swapped::Changed | Swapped::Unheard) => Next::StoreLater(answer),
                }
            }
            Next::HandOut(family, granted) => {
                let is_handed_out = self.hand_out(token, &family, granted)?;
                let errand = &self.errands[which];
                if is_handed_out && errand.is_client && mishap != Mishap::ClientGone {
                    // Whoever got an older one late keeps what he has.
                    let newest = granted.successor.unwrap_or(token);
                    if token == self.seen.newest {
                        self.seen.newest = newest;
                    }
                }
                Next::Done
            }
            Next::Done => Next::Done,
        };
        self.errands[which].next = next;
        Ok(())
    }

    fn look(&mut self, which: usize, mishap: Mishap) -> Result<Next, String> {
        let (replica, token) = (self.errands[which].replica, self.errands[which].token);
        if let Some((family, granted)) = self.unstored.get(&(replica, token)) {
            return Ok(Next::HandOut(family.clone(), *granted));
        }
        if mishap == Mishap::NoStore || mishap == Mishap::StoreMute {
            return Ok(Next::Done);
        }
        let seat = self.store.seat(token, self.now);
        let has_ended = matches!(seat.family.phase, Phase::Ended { .. });
        let decision = if seat.is_forgotten && !has_ended {
            Decision::Theft
        } else {
            let shown = Shown { token: &r(token), binding: None, at: self.errands[which].arrived };
            decide(&seat.family, shown, self.now, &self.rules)
        };
        self.judge(token, self.errands[which].arrived, decision)?;
        Ok(Next::Do(seat, decision))
    }

    fn carry_out(
        &mut self,
        which: usize,
        seat: Seat,
        decision: Decision,
        mishap: Mishap,
    ) -> Result<Next, String> {
        let token = self.errands[which].token;
        match decision {
            Decision::Begin => {
                let owner = self.owner();
                self.errands[which].owner = owner;
                let to = seat.family.clone().begun(owner, seat.read_at, self.now, &self.rules);
                Ok(match self.swap(&seat, to, mishap)? {
                    Swapped::Done(seat) => {
                        self.begun(token, seat.read_at);
                        Next::SaySent(*seat)
                    }
                    Swapped::Changed => Next::Look,
                    Swapped::Unheard => {
                        if mishap == Mishap::StoreMute {
                            self.begun(token, seat.read_at);
                        }
                        Next::Done
                    }
                })
            }
            Decision::Wait { .. } => Ok(Next::Look),
            Decision::Replay => Ok(match self.store.answer(token, self.now) {
                Some(granted) if mishap != Mishap::NoStore => Next::HandOut(seat.family, granted),
                _gone => Next::Done,
            }),
            Decision::Theft => self.end(&seat, Ended::Reused, mishap),
            Decision::Lost => self.end(&seat, Ended::OutcomeLost, mishap),
            Decision::OtherBinding
            | Decision::Undecided { .. }
            | Decision::Limited { .. }
            | Decision::Ended(_) => Ok(Next::Done),
        }
    }

    fn end(&mut self, seat: &Seat, why: Ended, mishap: Mishap) -> Result<Next, String> {
        self.may_end(why)?;
        let to = seat.family.clone().ended(why, self.now);
        Ok(match self.swap(seat, to, mishap)? {
            Swapped::Done(_) | Swapped::Unheard => Next::Done,
            Swapped::Changed => Next::Look,
        })
    }

    fn say_sent(&mut self, which: usize, seat: &Seat, mishap: Mishap) -> Result<Next, String> {
        if mishap == Mishap::NoProvider {
            return Ok(Next::SayNotSent(seat.clone(), Box::new(Next::Done)));
        }
        let Some(to) = seat.family.clone().sent(self.errands[which].owner, self.now, &self.rules) else {
            return Err("what was begun here is somebody else's".to_owned());
        };
        Ok(match self.swap(seat, to, mishap)? {
            Swapped::Done(seat) => Next::Send(*seat),
            Swapped::Changed => Next::Look,
            Swapped::Unheard => Next::Done,
        })
    }

    fn send(&mut self, which: usize, seat: Seat, mishap: Mishap) -> Result<Next, String> {
        let token = self.errands[which].token;
        let Phase::Sent(Attempt { lease_until, .. }) = seat.family.phase else {
            return Err("it is sent without anybody's knowing".to_owned());
        };
        // It was paused: others may be at it before there is an answer.
        if self.now.plus(UPSTREAM) > lease_until {
            return Ok(Next::SayNotSent(seat, Box::new(Next::Look)));
        }
        if mishap == Mishap::NoProvider {
            return Ok(Next::SayNotSent(seat, Box::new(Next::Done)));
        }
        self.may_send(token, &seat)?;
        let deadline = self.now.plus(UPSTREAM);
        self.requests.push(Request { token, family: seat.id, deadline, lease_until, fate: Fate::Pending });
        Ok(Next::Await(seat, self.requests.len() - 1))
    }

    fn wait(&mut self, seat: Seat, request: usize, mishap: Mishap) -> Next {
        if self.requests[request].fate == Fate::Pending {
            if self.now >= self.requests[request].deadline || mishap == Mishap::CutBefore {
                self.requests[request].fate = Fate::NeverProcessed { is_known: false };
                return Next::SayLost(seat);
            }
            self.process(request, Whim::Usual);
            if mishap != Mishap::CutAfter {
                // Its answer is on the way.
                return Next::Await(seat, request);
            }
        }
        if mishap == Mishap::CutAfter {
            self.give_up(request);
            return Next::SayLost(seat);
        }
        let Fate::Processed(processed) = self.requests[request].fate else { return Next::SayLost(seat) };
        if let Some(granted) = processed {
            return Next::Store(Answer { granted, request }, seat);
        }
        self.requests[request].fate = Fate::Refused;
        let was_lost = matches!(&seat.family.phase, Phase::Sent(Attempt { after: Some(_), .. }));
        Next::SayEnded(seat, if was_lost { Ended::OutcomeLost } else { Ended::Refused })
    }

    fn say_lost(&mut self, which: usize, seat: &Seat, mishap: Mishap) -> Result<Next, String> {
        let family = seat.family.clone();
        let Some(to) = family.lost(self.errands[which].owner, self.now, UnixTime::from_millis(0)) else {
            return Err("what was sent here is somebody else's".to_owned());
        };
        let again = self.rules.rotation != Rotation::Strict;
        Ok(match self.swap(seat, to, mishap)? {
            Swapped::Done(_) if again => Next::Look,
            Swapped::Changed => Next::Look,
            Swapped::Done(_) | Swapped::Unheard => Next::Done,
        })
    }

    /// Whatever the family is by now, unless its token is not this one any more.
    fn say_ended(&mut self, token: u32, seat: &Seat, why: Ended, mishap: Mishap) -> Result<Next, String> {
        if seat.family.current != r(token) {
            return Ok(Next::Look);
        }
        self.may_end(why)?;
        let to = seat.family.clone().ended(why, self.now);
        Ok(match self.swap(seat, to, mishap)? {
            Swapped::Done(_) | Swapped::Unheard => Next::Done,
            Swapped::Changed => Next::SayEnded(self.store.seat(token, self.now), why),
        })
    }

    fn store(&mut self, which: usize, answer: Answer, seat: Seat, mishap: Mishap) -> Result<Next, String> {
        let (token, replica) = (self.errands[which].token, self.errands[which].replica);
        let before = seat.family.whose.clone();
        let as_before = |family: Family| Family { whose: before.clone(), ..family };
        Ok(match self.store_answer(token, answer, &seat, mishap)? {
            None if matches!(seat.family.phase, Phase::Ended { .. }) => Next::Done,
            None => Next::Look,
            Some(Swapped::Done(seat)) => Next::HandOut(as_before(seat.family), answer.granted),
            Some(Swapped::Changed) => Next::Store(answer, self.store.seat(token, self.now)),
            Some(Swapped::Unheard) => {
                // If the store was only mute, it has what is handed out.
                self.seen.was_degraded |= mishap == Mishap::NoStore;
                let family = seat.family;
                self.unstored.insert((replica, token), (family.clone(), answer.granted));
                let mut later = self.errands[which].clone();
                later.next = Next::StoreLater(answer);
                self.errands.push(later);
                Next::HandOut(family, answer.granted)
            }
        })
    }

    /// `None`: another answer is there, or the family has ended.
    fn store_answer(
        &mut self,
        token: u32,
        answer: Answer,
        seat: &Seat,
        mishap: Mishap,
    ) -> Result<Option<Swapped>, String> {
        let Granted { successor, subject, access_until } = answer.granted;
        let whose = Whose {
            subject: subject.to_owned(),
            session_id: String::new(),
            began_at: UnixTime::from_millis(0),
        };
        let given = Given {
            successor: successor.map(r),
            whose: Some(whose),
            access_expires_at: Some(access_until),
            access: None,
            binding: None,
            kept_until: self.now,
        };
        let Some(to) = seat.family.clone().answered(&r(token), given, self.now, &self.rules) else {
            if !matches!(self.requests[answer.request].fate, Fate::Stored(_)) {
                self.requests[answer.request].fate = Fate::Dropped;
            }
            return Ok(None);
        };
        if mishap == Mishap::NoStore {
            return Ok(Some(Swapped::Unheard));
        }
        if let Some(successor) = successor {
            self.store.point(successor, seat.id);
        }
        let stale: Vec<_> = to.stale_answers(self.now, self.rules.replay).collect();
        let Some(done) = self.store.swap(seat, to)? else { return Ok(Some(Swapped::Changed)) };
        self.store.keep(token, answer.granted, self.now.plus(self.rules.replay_max));
        self.store.forget(stale.into_iter());
        self.stored(token, answer.request, answer.granted);
        Ok(Some(if mishap == Mishap::StoreMute { Swapped::Unheard } else { Swapped::Done(Box::new(done)) }))
    }

    fn swap(&mut self, seat: &Seat, to: Family, mishap: Mishap) -> Result<Swapped, String> {
        if mishap == Mishap::NoStore {
            return Ok(Swapped::Unheard);
        }
        let swapped = self.store.swap(seat, to)?;
        Ok(match swapped {
            _unheard if mishap == Mishap::StoreMute => Swapped::Unheard,
            Some(seat) => Swapped::Done(Box::new(seat)),
            None => Swapped::Changed,
        })
    }
}
