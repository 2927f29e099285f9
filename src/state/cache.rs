//! The verified-token cache (invariants C1 to C6).
//!
//! It remembers what a token's bytes fix for good: that its issuer signed it, and what it says. Time, kind, audience and
//! everything else a request asks for is checked again on every hit, by the types of `domain`: an entry is a
//! [`VerifiedToken`], and nothing passes without a `Permit`.

mod expiring;
mod seen;

use std::{
    fmt,
    num::NonZeroU64,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use moka::{policy::EvictionPolicy, sync::Cache};

pub use self::seen::Seen;
use self::{expiring::Expiring, seen::SeenTokens};
use super::{
    digest::{DigestHasher, Digester, NoRandomness, TokenDigest},
    sessions::Tracked,
};
use crate::{
    domain::{revocation::check::LastCheck, time::UnixTime, token::BoundedText, verify::VerifiedToken},
    issuer::{IssuerId, KeySnapshot},
};

/// The `cache` section of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Bytes that the cached tokens may take together, refusals not counted.
    pub max_bytes: u64,
    /// How long a verified token is remembered at most.
    pub max_age: Duration,
}

/// How many bad signatures are remembered. They have a budget of their own, so that a flood of forgeries cannot push
/// good tokens out.
const REMEMBERED_REFUSALS: u64 = 10_000;

/// Room that the table begins with, so that it is not laid out anew again and again while it fills.
const EXPECTED_TOKENS: usize = 1024;

/// What an entry takes beside its content: its structs, the allocator's share, moka's own record.
const ENTRY_OVERHEAD_BYTES: usize = 1024;

/// What is to be remembered for so much longer than anything should be was added before the clock was set back. What is added now
/// may be about a clock that was read a little earlier or later.
const CLOCK_SLACK: Duration = Duration::from_secs(30);

/// There is a place for a token that came once for so many bytes of the budget: about as many as could be cached whole.
const BYTES_FOR_A_PLACE: u64 = 2048;

/// The tokens seen lately, and the forgeries.
pub struct TokenCache {
    digester: Digester,
    verified: Cache<TokenDigest, Arc<CachedToken>, DigestHasher>,
    expiring: Expiring,
    seen: SeenTokens,
    forged: Cache<TokenDigest, Forged, DigestHasher>,
    /// Whether `forged` may hold something: of almost every new token there is nothing to ask it, and asking costs as much as
    /// reading the token's JSON.
    any_forged: AtomicBool,
    max_age: Duration,
}

/// A token that verified, and where.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct CachedToken {
    /// No other entry has, or had, this number. One that nobody will find here again has none.
    number: Option<NonZeroU64>,
    token: VerifiedToken,
    issuer: IssuerId,
    /// The key-set generation under which its key was last seen to be published.
    generation: AtomicU64,
    /// When it was last found not to be revoked.
    last_check: LastCheck,
    /// Its session, once that is known.
    session: OnceLock<Arc<Tracked>>,
    until: UnixTime,
    encoded: EncodedToken,
}

/// A token's answer, encoded once by the transport: only what the token itself fixes (C2).
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct EncodedToken {
    /// The whole answer.
    pub bytes: Bytes,
    /// How many bytes at its beginning are the verbatim claims.
    pub claims_prefix: usize,
    /// How many bytes at its end say that the token should be refreshed.
    pub refresh_suffix: usize,
}

/// A signature that did not verify under one key-set generation of one issuer (C5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged {
    /// The issuer.
    pub issuer: IssuerId,
    /// The generation.
    pub generation: u64,
}

/// Of the next entry. From one on: zero is no token's.
fn next_number() -> Option<NonZeroU64> {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    NonZeroU64::new(NUMBERS.fetch_add(1, Ordering::Relaxed))
}

impl CachedToken {
    fn new(
        number: Option<NonZeroU64>,
        (token, encoded): (VerifiedToken, EncodedToken),
        (issuer, generation): (IssuerId, u64),
        until: UnixTime,
    ) -> Self {
        let generation = AtomicU64::new(generation);
        let (last_check, session) = (LastCheck::default(), OnceLock::new());
        Self { number, token, issuer, generation, last_check, session, until, encoded }
    }

    /// A token that its issuer said to be good, which is remembered until then. No key decides about it.
    pub fn introspected(content: (VerifiedToken, EncodedToken), issuer: IssuerId, until: UnixTime) -> Self {
        Self::new(next_number(), content, (issuer, 0), until)
    }

    /// What tells it from every other entry, for what is kept of it elsewhere; `None` if nothing should be.
    pub fn number(&self) -> Option<NonZeroU64> {
        self.number
    }

    /// Whether it is still remembered.
    pub(super) fn counts(&self, now: UnixTime) -> bool {
        now < self.until
    }

    /// The token.
    pub fn token(&self) -> &VerifiedToken {
        &self.token
    }

    /// Under whose settings it was verified.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// Whether its key is still among these (C3). Looks only when the set has changed since the last time; a race between
    /// two generations costs one more look, no more.
    pub fn is_signed_by_one_of(&self, keys: &KeySnapshot) -> bool {
        if self.generation.load(Ordering::Relaxed) == keys.generation {
            return true;
        }
        let is_published = self.token.key().is_some_and(|key| keys.keys.contains(key));
        if is_published {
            self.generation.store(keys.generation, Ordering::Relaxed);
        }
        is_published
    }

    /// When it was last found not to be revoked.
    pub fn last_check(&self) -> &LastCheck {
        &self.last_check
    }

    /// Its session, if that is known.
    pub fn session(&self) -> Option<&Arc<Tracked>> {
        self.session.get()
    }

    /// What is known of its session, from now on.
    pub fn in_session(&self, session: Arc<Tracked>) {
        // Of two that look it up at once, the first is as good.
        drop(self.session.set(session));
    }

    /// Its encoded answer.
    pub fn encoded(&self) -> &EncodedToken {
        &self.encoded
    }

    /// Its share of `cache.max_bytes` (C4): the claims that were read, and the encoded answer with the payload.
    pub(super) fn weight(&self) -> u32 {
        let bytes = self.encoded.bytes.len() + self.token.claims().bytes() + ENTRY_OVERHEAD_BYTES;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// moka's own `Debug` would print every entry.
impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("max_age", &self.max_age).finish_non_exhaustive()
    }
}

impl TokenCache {
    /// An empty cache, which makes digests that no other does.
    pub fn new(settings: CacheSettings) -> Result<Self, NoRandomness> {
        let count = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        // More the cache cannot hold.
        let most_tokens = count(settings.max_bytes) / ENTRY_OVERHEAD_BYTES;
        let seen = SeenTokens::new(count(settings.max_bytes / BYTES_FOR_A_PLACE));
        let for_places = u64::try_from(seen.places() * SeenTokens::BYTES).unwrap_or(u64::MAX);
        Ok(Self {
            digester: Digester::draw()?,
            // The least recently asked go first. moka's own policy keeps what is asked often and turns newcomers away, but a
            // token that was asked often yesterday is no better than that of a new login. Nobody can fill it with tokens
            // that no issuer signed.
            verified: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .initial_capacity(EXPECTED_TOKENS)
                .max_capacity(settings.max_bytes.saturating_sub(for_places))
                .weigher(|_, entry: &Arc<CachedToken>| entry.weight())
                .build_with_hasher(DigestHasher::default()),
            expiring: Expiring::new(settings.max_age, most_tokens),
            seen,
            forged: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(REMEMBERED_REFUSALS)
                .time_to_live(settings.max_age)
                .build_with_hasher(DigestHasher::default()),
            any_forged: AtomicBool::new(false),
            max_age: settings.max_age,
        })
    }

    /// What this cache knows a token by.
    pub fn digest(&self, token: BoundedText<'_>) -> TokenDigest {
        self.digester.digest(token)
    }

    /// The entry for these bytes, unless its time in the cache is over.
    pub fn find(&self, digest: TokenDigest, now: UnixTime) -> Option<Arc<CachedToken>> {
        self.verified.get(&digest).filter(|entry| now < entry.until)
    }

    /// What is known of these bytes if they came once, unless that time is over.
    pub fn seen(&self, digest: TokenDigest, now: UnixTime) -> Option<Seen> {
        self.seen.find(digest, now)
    }

    /// Remembers a token that was verified just now, at `now`, with a key of this generation: all of it only if it must be, or has no
    /// place for itself.
    pub fn remember(
        &self,
        digest: TokenDigest,
        (token, encoded): (VerifiedToken, EncodedToken),
        (issuer, generation): (IssuerId, u64),
        must_be_whole: bool,
        now: UnixTime,
    ) -> Arc<CachedToken> {
        let until = now.plus(self.max_age);
        let is_put = |signed| self.seen.put(digest, Seen { issuer, signed, generation, until }, self.max_age);
        if !must_be_whole && token.signed().is_some_and(is_put) {
            Arc::new(CachedToken::new(None, (token, encoded), (issuer, generation), until))
        } else {
            self.keep_whole(digest, (token, encoded), (issuer, generation), until)
        }
    }

    /// Keeps a token that came again, for as long as it would have been remembered.
    pub fn keep(
        &self,
        digest: TokenDigest,
        content: (VerifiedToken, EncodedToken),
        seen: Seen,
    ) -> Arc<CachedToken> {
        let Seen { issuer, generation, until, .. } = seen;
        let entry = self.keep_whole(digest, content, (issuer, generation), until);
        // Last, so that it is found all the time.
        self.seen.remove(digest);
        entry
    }

    fn keep_whole(
        &self,
        digest: TokenDigest,
        content: (VerifiedToken, EncodedToken),
        verified_by: (IssuerId, u64),
        until: UnixTime,
    ) -> Arc<CachedToken> {
        let entry = Arc::new(CachedToken::new(next_number(), content, verified_by, until));
        self.verified.insert(digest, Arc::clone(&entry));
        self.expiring.push(until, digest);
        entry
    }

    /// Forgets a token whose key was withdrawn (C3).
    pub fn forget(&self, digest: TokenDigest) {
        self.verified.invalidate(&digest);
        self.seen.remove(digest);
    }

    /// Whether these bytes were found forged, and when.
    pub fn forged(&self, digest: TokenDigest) -> Option<Forged> {
        if self.any_forged.load(Ordering::Relaxed) { self.forged.get(&digest) } else { None }
    }

    /// Remembers a forgery.
    pub fn remember_forged(&self, digest: TokenDigest, forged: Forged) {
        self.forged.insert(digest, forged);
        self.any_forged.store(true, Ordering::Relaxed);
    }

    /// Frees what is not found any more. To be called every `max_age` or so: moka could do it by itself, but it would link every
    /// entry into one more list, and look at it on every look-up.
    pub fn sweep(&self, now: UnixTime) {
        loop {
            let over = self.expiring.take_over(now);
            if over.is_empty() {
                break;
            }
            for digest in over {
                let gone = self.verified.remove(&digest);
                // It may have been verified anew since then. Whoever does not find it now verifies it once more.
                let latest = now.plus(self.max_age).plus(CLOCK_SLACK);
                let counts = |entry: &Arc<CachedToken>| now < entry.until && entry.until <= latest;
                if let Some(entry) = gone.filter(counts) {
                    self.verified.insert(digest, entry);
                }
            }
        }
        self.verified.run_pending_tasks();
        let latest = now.plus(self.max_age).plus(CLOCK_SLACK);
        self.seen.sweep(|seen| seen.until <= now || latest < seen.until);
    }

    /// How long a token is remembered.
    pub fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Tokens and bytes held, for metrics.
    pub fn size(&self) -> (u64, u64) {
        // moka counts in the background; a scrape is the moment to catch up.
        self.verified.run_pending_tasks();
        self.forged.run_pending_tasks();
        if self.forged.entry_count() == 0 {
            // One that is remembered just now may be overlooked for that, and is verified once more.
            self.any_forged.store(false, Ordering::Relaxed);
        }
        let seen = self.seen.count();
        let size = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        (
            self.verified.entry_count() + size(seen),
            self.verified.weighted_size() + size(seen * SeenTokens::BYTES),
        )
    }
}

#[cfg(test)]
mod tests;
