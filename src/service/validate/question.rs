//! What is asked about a token, what is asked about revocations, and what is answered.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    domain::{
        decide::{Permit, Requirements},
        reason::Refusal,
        time::UnixTime,
    },
    state::{
        cache::CachedToken,
        contact::Contact,
        revocations::{OnStale, Revocations},
        sessions::Sessions,
    },
    store::Revision,
};

/// What a request asks.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct Question<'r> {
    /// The presented token.
    pub token: &'r [u8],
    /// What it has to satisfy for this request.
    pub requirements: Requirements<'r>,
    /// A revision that the answer must know of.
    pub min_revision: Option<Revision>,
    /// How old the revocations behind the answer may be.
    pub max_staleness: Option<Duration>,
}

impl Question<'_> {
    /// Whether something has to be known that may not have been at an earlier moment.
    pub(super) fn wants_to_know(&self) -> bool {
        self.min_revision.is_some() || self.max_staleness.is_some()
    }
}

/// A token that may pass, with what the transport needs to say so.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct Pass<'t> {
    /// The proof.
    pub permit: Permit<'t>,
    /// Where the answer's encoding is kept.
    pub cached: &'t CachedToken,
    /// Whether the client should refresh soon.
    pub should_refresh: bool,
}

/// What an answer knows of revocations (R8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// The revision as text.
    pub revision: Bytes,
    /// When that was all there was.
    pub as_of: UnixTime,
}

/// A time, and what was known at it: one for several tokens that are asked about one after another.
#[derive(Clone, Debug)]
pub struct Moment {
    pub(super) now: UnixTime,
    /// Taken before looking: what comes in between is known, and not said.
    pub(super) knowledge: Knowledge,
    /// How many more it is for.
    pub(super) left: usize,
}

impl Moment {
    /// So many questions are answered as at one moment.
    pub const QUESTIONS: usize = 32;

    /// What was known at it.
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Whoever asks had to wait: the next question is asked at another one.
    pub fn end(&mut self) {
        self.left = 0;
    }
}

/// An answer about a token, and up to where it knows what is revoked.
#[derive(Debug)]
pub struct Verdict<T> {
    /// Whether it may pass.
    pub outcome: Result<T, Refusal>,
    /// What it knew.
    pub knowledge: Knowledge,
}

/// What a validator asks about revocations.
#[derive(Clone, Debug)]
pub struct RevocationSources {
    /// Everything that can concern a token valid now.
    pub revocations: Arc<Revocations>,
    /// How old what is known of them is; `None`: nobody else writes to the store, so it is never old.
    pub contact: Option<Arc<Contact>>,
    /// When sessions began, and which have ended.
    pub sessions: Arc<Sessions>,
    /// What happens to a token whose session the store says nothing about, until that is replaced.
    pub on_stale: OnStale,
}
