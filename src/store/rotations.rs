//! What a store keeps of token families (F2, F4, F5, F9): their states, the answers that come late, and the tokens that are held
//! for sessions.

mod content;
mod digests;
mod limits;
mod record;
mod sealed;

use std::{fmt, time::Duration};

use aws_lc_rs::rand;

pub(in crate::store) use self::{
    digests::Digests,
    limits::Limits,
    record::{POINTER, WHAT, decode},
    sealed::{Opener, SealedChange, end_of},
};
use super::{Answer, seal::SealError};
use crate::domain::{
    limit::{Limit, TooOften},
    revocation::Target,
    rotation::{Family, FamilyId, RefreshDigest},
    secret::Secret,
    time::UnixTime,
    tokens::Tokens,
};

/// Keeps token families. Each transition is one atomic operation, which is done only where the family is still what it was: what
/// it becomes is decided by `domain::rotation`, in one place for all stores.
pub trait Rotations: fmt::Debug + Send + Sync {
    /// What stands for a refresh token of this issuer and client, under a key from the key ring: the last of its keys, so that
    /// adding one in front changes nothing.
    fn digest(&self, issuer: &str, client_id: &str, token: &Secret) -> RefreshDigest;

    /// The family that a token, or a session, was found to belong to.
    fn family_of(&self, pointer: Pointer) -> Answer<'_, Option<FamilyId>>;

    /// A family's state, and the time by the store's own clock.
    fn read(&self, family: FamilyId) -> Answer<'_, Reading>;

    /// Replaces a family's state, together with what is kept beside it.
    fn swap(&self, change: Change) -> Answer<'_, Swapped>;

    /// The kept answer to a token. It is sealed under the key ring and the token itself, so that only who presents that can
    /// have it.
    fn answer<'s>(&'s self, family: FamilyId, to: &'s Presented) -> Answer<'s, Option<Tokens>>;

    /// The tokens that are held for the family's session.
    fn held(&self, family: FamilyId) -> Answer<'_, Option<Tokens>>;

    /// Says where tokens and sessions belong, each until a time. What is there is replaced.
    fn point(&self, pointed: Vec<Pointed>) -> Answer<'_, ()>;

    /// Takes one of each of these, named by whatever is limited; or none, if one of them has none left. `now` counts where the
    /// store has no clock of its own.
    fn admit(&self, limits: Vec<(String, Limit)>, now: UnixTime) -> Answer<'_, Result<(), TooOften>>;
}

/// A refresh token as somebody showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Itself.
    pub token: Secret,
    /// What stands for it.
    pub digest: RefreshDigest,
}

/// What leads to a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// A refresh token.
    Token(RefreshDigest),
    /// A session whose tokens are held, by its target.
    Session(Target),
}

/// What leads where, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointed {
    /// What leads...
    pub from: Pointer,
    /// ...here...
    pub to: FamilyId,
    /// ...until then.
    pub until: UnixTime,
}

/// Tells two states of a family apart. Random, so that a store that lost something is never taken for what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub [u8; 8]);

impl Version {
    fn random() -> Result<Self, SealError> {
        let mut version = [0; 8];
        rand::fill(&mut version).map_err(|_unspecified| SealError::Random)?;
        Ok(Self(version))
    }
}

/// A family as it is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its state, and what it is told apart by; `None`: nobody has seen it.
    pub family: Option<(Family, Version)>,
    /// Whether tokens are held for its session.
    pub is_held: bool,
    /// The time by the store's clock; `None`: it has none, and its one user's counts.
    pub now: Option<UnixTime>,
}

/// One transition.
#[derive(Clone, Debug)]
pub struct Change {
    /// Of which family.
    pub id: FamilyId,
    /// What it has to be for this; `None`: nobody has seen it.
    pub from: Option<Version>,
    /// What it becomes.
    pub to: Family,
    /// An answer to keep, and whom for, until the time from when nobody is given it.
    pub keep: Option<(Presented, Tokens, UnixTime)>,
    /// Answers to keep no longer.
    pub forget: Vec<RefreshDigest>,
    /// The tokens to hold for the session from now on, sealed under the key ring alone.
    pub hold: Option<Tokens>,
    /// Whether to answer only once it is as durable as configured. What nothing rests on need not wait.
    pub durably: bool,
}

/// What came of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// It is so now.
    Done(Version),
    /// It was something else, and still is.
    Changed,
}

/// How long the state of a family that was never answered is kept, beyond any lease: what was presented may have been anything.
pub const UNANSWERED: Duration = Duration::from_hours(1);

impl Pointer {
    /// Unique among all pointers of both kinds: the number of the kind first, zero for tokens.
    pub(in crate::store) fn key(&self) -> [u8; 33] {
        let mut key = [0; 33];
        let (kind, name) = match self {
            Self::Token(digest) => (0, &digest.0[..]),
            Self::Session(target) => (target.kind().number(), &target.key()[..]),
        };
        key.iter_mut().zip([kind].iter().chain(name)).for_each(|(to, from)| *to = *from);
        key
    }
}
