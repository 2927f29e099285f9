//! The verified-token cache (invariants C1 to C6).
//!
//! It remembers what a token's bytes fix for good: that its issuer signed it, and what it says. Time, kind, audience and
//! everything else a request asks for is checked again on every hit, by the types of `domain`: an entry is a
//! [`VerifiedToken`], and nothing passes without a `Permit`.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use moka::sync::Cache;

use crate::{
    domain::{time::UnixTime, token::RawToken, verify::VerifiedToken},
    issuer::IssuerId,
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

/// What an entry takes beside its content: its structs, the allocator's share, moka's own record.
const ENTRY_OVERHEAD_BYTES: usize = 1024;

/// The tokens seen lately, and the forgeries.
pub struct TokenCache {
    verified: Cache<TokenDigest, Arc<CachedToken>>,
    forged: Cache<TokenDigest, Forged>,
    max_age: Duration,
}

/// BLAKE3 of the whole token (C1; the trust settings' part of the key is [`CachedToken::issuer`]). Nothing of the token can
/// be got back from it (C6). BLAKE3 rather than SHA-256, because this is
/// computed for every request, and without SHA instructions in the processor, SHA-256 of a token costs a tenth of the RPC.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_debug_implementations, reason = "a token's digest is nobody's business")]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Digests a token.
    pub fn new(token: RawToken<'_>) -> Self {
        Self(blake3::hash(token.expose().as_bytes()).into())
    }
}

/// A token that verified, and where.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct CachedToken {
    token: VerifiedToken,
    issuer: IssuerId,
    /// The key-set generation under which its key was last seen to be published.
    generation: AtomicU64,
    until: UnixTime,
    encoded: OnceLock<EncodedToken>,
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

impl CachedToken {
    /// A token that was verified just now with a key of this generation.
    pub fn new(token: VerifiedToken, issuer: IssuerId, generation: u64, until: UnixTime) -> Self {
        Self { token, issuer, generation: AtomicU64::new(generation), until, encoded: OnceLock::new() }
    }

    /// The token.
    pub fn token(&self) -> &VerifiedToken {
        &self.token
    }

    /// Under whose settings it was verified.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// The key-set generation in which its key was last found.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Notes that its key is also in this generation. A race between two generations costs one more look, no more.
    pub fn confirm(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// Its encoded answer, made on first use.
    pub fn encoded(&self, encode: impl FnOnce(&VerifiedToken) -> EncodedToken) -> &EncodedToken {
        self.encoded.get_or_init(|| encode(&self.token))
    }

    /// Its share of `cache.max_bytes` (C4): the payload, the claims read from it, and the encoded answer with both.
    fn weight(&self) -> u32 {
        let bytes = (self.token.payload().len() + self.token.claims().bytes()) * 2 + ENTRY_OVERHEAD_BYTES;
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
    /// An empty cache.
    pub fn new(settings: CacheSettings) -> Self {
        Self {
            verified: Cache::builder()
                .max_capacity(settings.max_bytes)
                .weigher(|_, entry: &Arc<CachedToken>| entry.weight())
                .time_to_live(settings.max_age)
                .build(),
            forged: Cache::builder().max_capacity(REMEMBERED_REFUSALS).time_to_live(settings.max_age).build(),
            max_age: settings.max_age,
        }
    }

    /// The entry for these bytes, unless its time in the cache is over. moka's own clock frees the memory; whether an
    /// entry counts is decided here, by the caller's clock.
    pub fn find(&self, digest: TokenDigest, now: UnixTime) -> Option<Arc<CachedToken>> {
        self.verified.get(&digest).filter(|entry| now < entry.until)
    }

    /// Remembers a verified token.
    pub fn remember(
        &self,
        digest: TokenDigest,
        token: VerifiedToken,
        issuer: IssuerId,
        generation: u64,
        now: UnixTime,
    ) -> Arc<CachedToken> {
        let entry = Arc::new(CachedToken::new(token, issuer, generation, now.plus(self.max_age)));
        self.verified.insert(digest, Arc::clone(&entry));
        entry
    }

    /// Forgets a token whose key was withdrawn (C3).
    pub fn forget(&self, digest: TokenDigest) {
        self.verified.invalidate(&digest);
    }

    /// Whether these bytes were found forged, and when.
    pub fn forged(&self, digest: TokenDigest) -> Option<Forged> {
        self.forged.get(&digest)
    }

    /// Remembers a forgery.
    pub fn remember_forged(&self, digest: TokenDigest, forged: Forged) {
        self.forged.insert(digest, forged);
    }

    /// Tokens and bytes held, for metrics.
    pub fn size(&self) -> (u64, u64) {
        // moka counts in the background; a scrape is the moment to catch up.
        self.verified.run_pending_tasks();
        (self.verified.entry_count(), self.verified.weighted_size())
    }
}
