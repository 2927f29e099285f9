//! What issuers said lately about tokens that only they can read (RFC 7662 section 4: for how long is a trade-off).
//!
//! Apart from the cache of verified tokens: what an issuer says lasts seconds, and no key withdraws it. Everything else is the
//! same: time, revocation and what a request asks for are checked on each hit (C2), entries are bounded in bytes (C4), refusals have
//! a budget of their own (C5), faults are never kept, and neither is a token (C6).

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use moka::{policy::EvictionPolicy, sync::Cache};

use super::{
    cache::{CachedToken, EncodedToken},
    digest::{DigestHasher, TokenDigest},
};
use crate::{
    domain::{reason::Refusal, time::UnixTime, verify::VerifiedToken},
    issuer::IssuerId,
};

/// How long it is remembered that a token is no good.
const REFUSED: Duration = Duration::from_secs(10);
/// What answers may take together.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// How many refusals are remembered. Anybody can make up tokens; they push out nothing else.
const REMEMBERED_REFUSALS: u64 = 10_000;

/// Which token, and under which settings it was asked about (C1).
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "a token's digest is nobody's business")]
pub struct Asked {
    /// Who was asked. One with changed settings is another.
    pub issuer: IssuerId,
    /// About which token.
    pub digest: TokenDigest,
}

/// The answers.
pub struct AnswerCache {
    active: Cache<Asked, Arc<CachedToken>, DigestHasher>,
    refused: Cache<Asked, Refused, DigestHasher>,
}

#[derive(Clone, Copy)]
struct Refused {
    refusal: Refusal,
    until: UnixTime,
}

impl Hash for Asked {
    /// The digest alone is as good as random; one token is rarely asked about twice.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl fmt::Debug for AnswerCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerCache").finish_non_exhaustive()
    }
}

impl Default for AnswerCache {
    fn default() -> Self {
        Self {
            active: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(MAX_BYTES)
                .weigher(|_, entry: &Arc<CachedToken>| entry.weight())
                .build_with_hasher(DigestHasher::default()),
            refused: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(REMEMBERED_REFUSALS)
                .build_with_hasher(DigestHasher::default()),
        }
    }
}

impl AnswerCache {
    /// What is remembered, be it good or not.
    pub fn find(&self, asked: Asked, now: UnixTime) -> Option<Result<Arc<CachedToken>, Refusal>> {
        if let Some(active) = self.active.get(&asked).filter(|entry| entry.counts(now)) {
            return Some(Ok(active));
        }
        self.refused.get(&asked).filter(|entry| now < entry.until).map(|entry| Err(entry.refusal))
    }

    /// Remembers a token that its issuer said at `now` to be active, for `at_most` and not beyond its end.
    pub fn remember(
        &self,
        asked: Asked,
        (token, encoded): (VerifiedToken, EncodedToken),
        at_most: Duration,
        now: UnixTime,
    ) -> Arc<CachedToken> {
        let until = now.plus(at_most).min(token.claims().expires_at);
        let entry = Arc::new(CachedToken::introspected((token, encoded), asked.issuer, until));
        self.active.insert(asked, Arc::clone(&entry));
        entry
    }

    /// Remembers that a token is no good.
    pub fn refuse(&self, asked: Asked, refusal: Refusal, now: UnixTime) {
        self.refused.insert(asked, Refused { refusal, until: now.plus(REFUSED) });
    }

    /// Frees what is not found any more.
    pub fn sweep(&self, now: UnixTime) {
        for (asked, entry) in &self.active {
            if !entry.counts(now) {
                self.active.invalidate(asked.as_ref());
            }
        }
        for (asked, entry) in &self.refused {
            if entry.until <= now {
                self.refused.invalidate(asked.as_ref());
            }
        }
        self.active.run_pending_tasks();
        self.refused.run_pending_tasks();
    }
}
