//! A token family and what can happen to it. Each transition takes a family and gives the next one; the store replaces one by
//! the other only if it is still what it was.

use std::time::Duration;

use super::{RefreshDigest, Rules};
use crate::domain::{revocation::Target, time::UnixTime};

/// So many spent tokens are known of a family at most; older ones count as never seen.
const SPENT: usize = 512;

/// A family as all replicas know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The configured `issuer`.
    pub issuer: String,
    /// The client that its tokens were issued to.
    pub client_id: String,
    /// Known since the first answer, or since the login was handed over.
    pub whose: Option<Whose>,
    /// How many answers there were.
    pub generation: u64,
    /// The token that is to be presented next.
    pub current: RefreshDigest,
    /// Its predecessors, the latest last.
    pub spent: Vec<Spent>,
    /// The last answer, which is kept for those who come late.
    pub answered: Option<Answered>,
    /// When the last access token ends.
    pub access_expires_at: Option<UnixTime>,
    /// The last access token, as revocations call it.
    pub access: Option<Target>,
    /// What is going on.
    pub phase: Phase,
    /// When all attempts will be forgotten (GCRA).
    pub attempts_until: UnixTime,
    /// When the family may go.
    pub kept_until: UnixTime,
}

/// Whose tokens they are (F12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// `sub`.
    pub subject: String,
    /// The session, if its tokens name one or the login was handed over; otherwise empty.
    pub session_id: String,
    /// The earliest that is known of the login (R4).
    pub began_at: UnixTime,
}

/// How the ids begin that sessions get here, whose tokens name none.
pub const NAMED_HERE: &str = "countersign.";

impl Whose {
    /// Whether the session's id is none of the provider's, so that no token can name it.
    pub fn is_named_here(&self) -> bool {
        self.session_id.starts_with(NAMED_HERE)
    }
}

/// A token that was exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Which.
    pub digest: RefreshDigest,
    /// When its answer was stored.
    pub at: UnixTime,
}

/// The answer that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The token that it is the answer to: the last spent one, or the current one where the provider does not rotate.
    pub to: RefreshDigest,
    /// When it was stored.
    pub at: UnixTime,
    /// Whether its refresh token has been presented.
    pub is_successor_seen: bool,
    /// The certificate of the client that it was obtained for, if it showed one: nobody else gets it (F2).
    pub binding: Option<[u8; 32]>,
}

/// What is going on with the current token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    Idle,
    /// Somebody is about to send it. Nothing has been sent.
    Begun(Attempt),
    /// Somebody sends it, or has sent it.
    Sent(Attempt),
    /// It was sent, and nobody knows what became of it.
    Unknown(Unknown),
    /// No token of it is exchanged any more.
    Ended {
        /// Why.
        why: Ended,
        /// When.
        at: UnixTime,
    },
}

/// One try to exchange the current token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Who.
    pub owner: Owner,
    /// Until when others wait.
    pub lease_until: UnixTime,
    /// What an earlier attempt left behind.
    pub after: Option<Unknown>,
}

/// Names an attempt. Random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(pub [u8; 16]);

/// An answer that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// When the first one was sent.
    pub first_at: UnixTime,
    /// When the last one was given up.
    pub since: UnixTime,
    /// How many were lost.
    pub times: u32,
    /// Not to be sent again before this, because the provider said so.
    pub not_before: UnixTime,
}

/// Why a family has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The provider refused its token: `invalid_grant`.
    Refused,
    /// A spent token was presented that nobody should have had any more.
    Reused,
    /// An answer was lost, and with it the only token that works.
    OutcomeLost,
    /// It, its session, or everything of its subject, client or issuer was revoked.
    Revoked,
}

/// What an answer of the provider says about a family.
#[derive(Clone, Debug)]
pub struct Given {
    /// The new refresh token; `None`: the old one goes on (RFC 6749 section 6).
    pub successor: Option<RefreshDigest>,
    /// Whose it is; `None` where that could not be told, because the access token did not verify.
    pub whose: Option<Whose>,
    /// When the new access token ends.
    pub access_expires_at: Option<UnixTime>,
    /// The new access token.
    pub access: Option<Target>,
    /// The certificate of the client that it was obtained for.
    pub binding: Option<[u8; 32]>,
    /// When the family may go, if nothing else comes.
    pub kept_until: UnixTime,
}

impl Family {
    /// One that nobody has seen before.
    pub fn new(issuer: &str, client_id: &str, current: RefreshDigest, kept_until: UnixTime) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            whose: None,
            generation: 0,
            current,
            spent: Vec::new(),
            answered: None,
            access_expires_at: None,
            access: None,
            phase: Phase::Idle,
            attempts_until: UnixTime::from_millis(0),
            kept_until,
        }
    }

    /// Whether a token is one of its own: it may only be said to belong here, by somebody who failed before it did.
    pub fn knows(&self, token: &RefreshDigest) -> bool {
        self.current == *token || self.spent_at(token).is_some()
    }

    /// When this token was exchanged, if it was.
    pub fn spent_at(&self, token: &RefreshDigest) -> Option<UnixTime> {
        self.spent.iter().rev().find(|spent| spent.digest == *token).map(|spent| spent.at)
    }

    /// What is known of lost answers, whatever is going on now. An owner whose lease is over left one behind if it had sent.
    pub fn unknown(&self, now: UnixTime) -> Option<Unknown> {
        match &self.phase {
            Phase::Unknown(unknown) => Some(*unknown),
            Phase::Sent(attempt) if now >= attempt.lease_until => {
                Some(attempt.lost(attempt.lease_until, UnixTime::from_millis(0)))
            }
            Phase::Begun(attempt) => attempt.after,
            Phase::Idle | Phase::Sent(_) | Phase::Ended { .. } => None,
        }
    }

    /// Somebody presents the current token and is going to send it: its predecessor's answer has arrived.
    #[must_use]
    pub fn begun(mut self, owner: Owner, now: UnixTime, rules: &Rules) -> Self {
        let after = self.unknown(now);
        self.phase = Phase::Begun(Attempt { owner, lease_until: now.plus(rules.lease), after });
        // Refused ones never come here.
        self.attempts_until = rules.limit.take(self.attempts_until, now).unwrap_or(self.attempts_until);
        self.seen()
    }

    /// The current token has been presented.
    #[must_use]
    pub fn seen(mut self) -> Self {
        if let Some(answered) = &mut self.answered
            && answered.to != self.current
        {
            answered.is_successor_seen = true;
        }
        self
    }

    /// The attempt's first byte is about to leave, and others wait anew; `None` if it is another's turn.
    #[must_use]
    pub fn sent(mut self, owner: Owner, now: UnixTime, rules: &Rules) -> Option<Self> {
        match self.phase {
            Phase::Begun(attempt) if attempt.owner == owner => {
                self.phase = Phase::Sent(Attempt { lease_until: now.plus(rules.lease), ..attempt });
                Some(self)
            }
            _others => None,
        }
    }

    /// The attempt was not processed, for certain: everything is as before. `None` if it is another's turn.
    #[must_use]
    pub fn not_sent(mut self, owner: Owner, rules: &Rules) -> Option<Self> {
        let attempt = self.attempt_of(owner)?;
        self.phase = attempt.after.map_or(Phase::Idle, Phase::Unknown);
        self.attempts_until = rules.limit.give_back(self.attempts_until);
        Some(self)
    }

    /// Nobody knows whether the attempt was processed. `None` if it is another's turn.
    #[must_use]
    pub fn lost(mut self, owner: Owner, now: UnixTime, not_before: UnixTime) -> Option<Self> {
        let attempt = self.attempt_of(owner)?;
        self.phase = Phase::Unknown(attempt.lost(now, not_before));
        Some(self)
    }

    /// The provider answered the exchange of `presented`. `None` if that token is not current any more, or the family has
    /// ended: then this is not its successor. Whose turn it is does not matter (F5).
    #[must_use]
    pub fn answered(
        mut self,
        presented: &RefreshDigest,
        given: Given,
        now: UnixTime,
        rules: &Rules,
    ) -> Option<Self> {
        if self.current != *presented || matches!(self.phase, Phase::Ended { .. }) {
            return None;
        }
        let rotated = given.successor.filter(|successor| successor != presented);
        self.answered =
            Some(Answered { to: *presented, at: now, is_successor_seen: false, binding: given.binding });
        if let Some(successor) = rotated {
            self.spent.push(Spent { digest: *presented, at: now });
            self.current = successor;
        }
        self.forget_spent(now, rules.lineage);
        self.generation = self.generation.saturating_add(1);
        self.phase = Phase::Idle;
        self.whose = self.whose.or(given.whose);
        // Of an opaque one only the end is known.
        self.access = given.access.or(self.access);
        self.access_expires_at = given.access_expires_at.or(self.access_expires_at);
        self.kept_until = self.kept_until.max(given.kept_until);
        Some(self)
    }

    /// It ends. What ended it first stays the reason.
    #[must_use]
    pub fn ended(mut self, why: Ended, at: UnixTime) -> Self {
        if !matches!(self.phase, Phase::Ended { .. }) {
            self.phase = Phase::Ended { why, at };
        }
        self
    }

    /// Answers that nobody is given any more: those to tokens that were spent longer than `replay` ago, but the last.
    pub fn stale_answers(&self, now: UnixTime, replay: Duration) -> impl Iterator<Item = RefreshDigest> {
        let last = self.answered.map(|answered| answered.to);
        self.spent
            .iter()
            .filter(move |spent| Some(spent.digest) != last && now > spent.at.plus(replay))
            .map(|spent| spent.digest)
    }

    fn attempt_of(&self, owner: Owner) -> Option<&Attempt> {
        match &self.phase {
            Phase::Begun(attempt) | Phase::Sent(attempt) if attempt.owner == owner => Some(attempt),
            _others => None,
        }
    }

    fn forget_spent(&mut self, now: UnixTime, lineage: Duration) {
        self.spent.retain(|spent| now <= spent.at.plus(lineage));
        let beyond = self.spent.len().saturating_sub(SPENT);
        self.spent.drain(..beyond);
    }
}

impl Attempt {
    fn lost(&self, since: UnixTime, not_before: UnixTime) -> Unknown {
        match self.after {
            None => Unknown { first_at: since, since, times: 1, not_before },
            Some(before) => Unknown {
                first_at: before.first_at,
                since,
                times: before.times.saturating_add(1),
                not_before: before.not_before.max(not_before),
            },
        }
    }
}
