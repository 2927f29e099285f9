//! What a revocation says: whom it is about, up to when it reaches, and how long it has to be remembered (R3, R5, R11).

pub mod check;

use std::{
    fmt,
    hash::{Hash, Hasher},
    time::Duration,
};

use aws_lc_rs::digest;
use smallvec::SmallVec;

use super::{time::UnixTime, token::RawToken};

/// How far a clock may be set back without anything being forgotten: what covers tokens that are valid again then is kept for
/// so much longer than it counts, in memory and in the store.
pub const CLOCK_SET_BACK: Duration = Duration::from_hours(1);

/// What a revocation is about. The numbers are stored, and part of every key: none is ever used for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetKind {
    /// A token by its id (`jti`, or what the issuer calls it).
    TokenId,
    /// A token without an id, by the digest of its signing input: one token has several byte forms, all of which have the
    /// same signing input. One that only its issuer can read, by the digest of all of it.
    SigningInput,
    /// A session.
    Session,
    /// Everything of one subject.
    Subject,
    /// Everything that was issued to one client.
    Client,
    /// Everything from one issuer.
    Issuer,
    /// A session of a subject that the subject's cut-off spares.
    Exception,
}

/// What is hashed for most targets.
const USUAL_BYTES: usize = 192;

/// Whom a revocation is about, as it is remembered: which of an issuer's ids is behind it cannot be read from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    kind: TargetKind,
    key: [u8; Self::KEY_BYTES],
}

/// How far a revocation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// To what was issued, and to sessions that began, no later than this: a cut-off, or an exception from one.
    UpTo(UnixTime),
    /// To everything that matches: tokens and sessions do not come back.
    All,
}

/// One revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Whom it is about.
    pub target: Target,
    /// How far it reaches.
    pub reach: Reach,
    /// When it was made.
    pub made_at: UnixTime,
    /// Its first life, in every replica's memory: until nothing that it can match is valid any more.
    pub until: UnixTime,
    /// Its second life, in the store: until no session that it can match could be refreshed any more. Never before `until`.
    pub kept_until: UnixTime,
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::TokenId,
        Self::SigningInput,
        Self::Session,
        Self::Subject,
        Self::Client,
        Self::Issuer,
        Self::Exception,
    ];

    /// Its number in keys and records.
    pub fn number(self) -> u8 {
        match self {
            Self::TokenId => 1,
            Self::SigningInput => 2,
            Self::Session => 3,
            Self::Subject => 4,
            Self::Client => 5,
            Self::Issuer => 6,
            Self::Exception => 7,
        }
    }

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Whether one token at most is meant, which nothing can prolong.
    pub fn is_of_one_token(self) -> bool {
        matches!(self, Self::TokenId | Self::SigningInput)
    }

    /// Whether somebody has to name each: what a full set turns away. A session that ends with its subject's cut-off is not
    /// asked for by name.
    pub fn is_single(self) -> bool {
        self.is_of_one_token() || matches!(self, Self::Session)
    }

    /// Whether it may be a cut-off that exceptions spare a session from: whoever takes both takes those first.
    pub fn may_have_exceptions(self) -> bool {
        matches!(self, Self::Subject)
    }

    /// The stable name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TokenId => "token_id",
            Self::SigningInput => "signing_input",
            Self::Session => "session",
            Self::Subject => "subject",
            Self::Client => "client",
            Self::Issuer => "issuer",
            Self::Exception => "exception",
        }
    }
}

impl Target {
    /// Bytes of a key. 128 bits: nobody finds an id of somebody else's key (2^128), and who makes two own ids with one key
    /// (2^64) revokes both of them by revoking one.
    pub const KEY_BYTES: usize = 16;

    /// A token by its id.
    pub fn token_id(issuer: &str, token_id: &str) -> Self {
        Self::new(TargetKind::TokenId, issuer, &[token_id.as_bytes()])
    }

    /// A token without an id, by the bytes that its signature is over (RFC 7515 section 5.1).
    pub fn signing_input(issuer: &str, signing_input: &[u8]) -> Self {
        Self::new(TargetKind::SigningInput, issuer, &[signing_input])
    }

    /// A token that only its issuer can read, by all of it: it has one form, and nothing in it but what the issuer says.
    pub fn whole_token(issuer: &str, token: RawToken<'_>) -> Self {
        Self::signing_input(issuer, token.expose().as_bytes())
    }

    /// A session.
    pub fn session(issuer: &str, session_id: &str) -> Self {
        Self::new(TargetKind::Session, issuer, &[session_id.as_bytes()])
    }

    /// A subject.
    pub fn subject(issuer: &str, subject: &str) -> Self {
        Self::new(TargetKind::Subject, issuer, &[subject.as_bytes()])
    }

    /// A client.
    pub fn client(issuer: &str, client_id: &str) -> Self {
        Self::new(TargetKind::Client, issuer, &[client_id.as_bytes()])
    }

    /// All of an issuer.
    pub fn issuer(issuer: &str) -> Self {
        Self::new(TargetKind::Issuer, issuer, &[])
    }

    /// One session of a subject, spared by the subject's cut-off.
    pub fn exception(issuer: &str, subject: &str, session_id: &str) -> Self {
        Self::new(TargetKind::Exception, issuer, &[subject.as_bytes(), session_id.as_bytes()])
    }

    /// SHA-256 over the kind and each part behind its length, cut to 128 bits. It has no key: replicas, exports and a store
    /// that outlives a key ring must all come to the same, and a revocation that is not found is a token that passes.
    fn new(kind: TargetKind, issuer: &str, parts: &[&[u8]]) -> Self {
        // Put together first: for a text as short as this, a context costs more than the hash.
        let mut hashed = SmallVec::<[u8; USUAL_BYTES]>::new();
        hashed.extend_from_slice(b"countersign revocation v1");
        hashed.push(kind.number());
        for part in [issuer.as_bytes()].iter().chain(parts) {
            hashed.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hashed.extend_from_slice(part);
        }
        let hash = digest::digest(&digest::SHA256, &hashed);
        let mut key = [0; Self::KEY_BYTES];
        key.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        Self { kind, key }
    }

    /// What a store kept.
    pub fn from_stored(kind: TargetKind, key: [u8; Self::KEY_BYTES]) -> Self {
        Self { kind, key }
    }

    /// What it is about.
    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    /// Its key, unique among all kinds and issuers.
    pub fn key(&self) -> &[u8; Self::KEY_BYTES] {
        &self.key
    }
}

/// Half of the key tells almost all of them apart, and is hashed in one step. Tables need a hasher with a secret all the same: who
/// makes ids can make many whose keys have some bits in common.
impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let half: [u8; Self::KEY_BYTES / 2] = *self.key.first_chunk().unwrap_or(&[0; _]);
        state.write_u64(u64::from_ne_bytes(half));
    }
}

/// In hexadecimal, for tests and logs.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}", self.kind.as_str(), u128::from_be_bytes(self.key))
    }
}

impl Reach {
    /// Whether what began at `begin` is within it; what does not say when it began is.
    pub fn reaches(self, begin: Option<UnixTime>) -> bool {
        match (self, begin) {
            (Self::All, _) | (Self::UpTo(_), None) => true,
            (Self::UpTo(cut_off), Some(begin)) => begin <= cut_off,
        }
    }
}

impl Revocation {
    /// Both, as one: the later of each time, so that the order in which they come, and how often, changes nothing (R11).
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            target: self.target,
            reach: self.reach.max(other.reach),
            made_at: self.made_at.max(other.made_at),
            until: self.until.max(other.until),
            kept_until: self.kept_until.max(other.kept_until),
        }
    }

    /// The same with this much more life in memory and in the store.
    #[must_use]
    pub fn plus(self, life: Duration) -> Self {
        Self { until: self.until.plus(life), kept_until: self.kept_until.plus(life), ..self }
    }
}

#[cfg(test)]
mod tests;
