//! A refresh token on its way through a replica, and the steps that it takes there: those of the service's loop.

use super::{provider::Granted, store::Seat};
use crate::domain::{
    rotation::{Decision, Ended, Family, FamilyId, Owner},
    time::UnixTime,
};

#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub(super) replica: usize,
    pub(super) token: u32,
    /// By the client itself, and by nobody else.
    pub(super) is_client: bool,
    pub(super) arrived: UnixTime,
    pub(super) owner: Owner,
    pub(super) next: Next,
}

/// What it does next. Between two steps anything can happen, and any time can pass.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Reads the family, and decides.
    Look,
    /// Stores what was decided, or reads the kept answer.
    Do(Seat, Decision),
    /// Stores that it is going to send.
    SaySent(Seat),
    /// Sends.
    Send(Seat),
    /// Waits for the answer to this request.
    Await(Seat, usize),
    /// Stores that nothing was sent, and does this then.
    SayNotSent(Seat, Box<Self>),
    /// Stores that nobody knows.
    SayLost(Seat),
    /// Stores that the provider refused.
    SayEnded(Seat, Ended),
    /// Stores the answer.
    Store(Answer, Seat),
    /// The same, after its caller was answered from memory.
    StoreLater(Answer),
    /// Answers its caller.
    HandOut(Family, Granted),
    /// Nothing.
    Done,
}

/// An answer that exists nowhere else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) granted: Granted,
    /// Of which request.
    pub(super) request: usize,
}

/// A request to the token endpoint, as somebody sees it who sees everything.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) token: u32,
    pub(super) family: FamilyId,
    /// After this the provider does not process it any more.
    pub(super) deadline: UnixTime,
    /// How long the others wait for its answer.
    pub(super) lease_until: UnixTime,
    pub(super) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The provider has it, or will.
    Pending,
    /// It will never be processed, and its sender knows, or cannot know.
    NeverProcessed { is_known: bool },
    /// It was processed; whoever sent it waits, or has the answer and has not stored it.
    Processed(Option<Granted>),
    /// It was processed, and nobody will ever have the answer.
    Lost(Option<Granted>),
    /// Its answer is in the store.
    Stored(Granted),
    /// Its answer was not stored, because another one was.
    Dropped,
    /// It was refused, and that was heard.
    Refused,
}
