//! Is this token good? One way through all the checks, whoever asks (design: the chain of types in `domain`).

use std::{sync::Arc, time::Duration};

use arc_swap::{ArcSwap, Guard};

use crate::{
    domain::{
        decide::{Permit, Requirements, decide},
        jws::{UnverifiedJws, UnverifiedParts},
        key::Candidates,
        reason::{Reason, Refusal},
        time::{Clock, UnixTime},
        token::RawToken,
        verify::{VerifiedToken, verify},
    },
    issuer::{Issuer, KeySnapshot, Lookup},
    ops::metrics::ValidationMetrics,
    state::{
        cache::{CachedToken, Forged, TokenCache},
        digest::TokenDigest,
    },
};

use super::{fault::Fault, trust::Trust};

/// What a transport keeps with a cached token, so that it is made once.
pub use crate::state::cache::EncodedToken;

/// Longer key ids are nobody's, in bytes.
const LONGEST_KEY_ID: usize = 256;

/// What a request asks.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct Question<'r> {
    /// The presented token.
    pub token: &'r str,
    /// What it has to satisfy for this request.
    pub requirements: Requirements<'r>,
    /// A revision that the answer must know of; empty: none.
    pub min_revision: &'r str,
    /// How old the revocations behind the answer may be.
    pub max_staleness: Option<Duration>,
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

/// Answers questions about tokens.
#[derive(Debug)]
pub struct Validator {
    /// Each call takes what is here when it begins, and keeps it to its end.
    trust: ArcSwap<Trust>,
    cache: TokenCache,
    clock: Arc<dyn Clock>,
    metrics: ValidationMetrics,
}

/// Why there is no pass: a refusal is the token's, a fault is ours.
enum Stop {
    Refused(Refusal),
    Fault(Fault),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Validator {
    /// A validator that trusts so until it is told otherwise.
    pub fn new(trust: Trust, cache: TokenCache, clock: Arc<dyn Clock>, metrics: ValidationMetrics) -> Self {
        Self { trust: ArcSwap::from_pointee(trust), cache, clock, metrics }
    }

    /// Trusts so from now on. Calls that have begun end as they began; what they verify under an issuer that is no longer
    /// among these is not found by later ones.
    pub fn replace_trust(&self, trust: Trust) {
        self.trust.store(Arc::new(trust));
    }

    /// Brings the gauges up to date that change with time alone.
    pub fn update_metrics(&self) {
        for issuer in self.trust.load().issuers() {
            issuer.update_metrics();
        }
        let (tokens, bytes) = self.cache.size();
        self.metrics.cache_holds(tokens, bytes);
    }

    /// Checks a token and hands the pass to `answer`; or says why there is none.
    pub async fn validate<T>(
        &self,
        question: &Question<'_>,
        answer: impl FnOnce(Pass<'_>) -> T + Send,
    ) -> Result<Result<T, Refusal>, Fault> {
        let now = self.clock.now();
        match self.check(question, now, answer).await {
            Ok(answer) => {
                self.metrics.permitted();
                Ok(Ok(answer))
            }
            Err(Stop::Refused(refusal)) => {
                self.metrics.refused(refusal.reason());
                Ok(Err(refusal))
            }
            Err(Stop::Fault(fault)) => {
                self.metrics.fault(fault.reason());
                Err(fault)
            }
        }
    }

    async fn check<T>(
        &self,
        question: &Question<'_>,
        now: UnixTime,
        answer: impl FnOnce(Pass<'_>) -> T + Send,
    ) -> Result<T, Stop> {
        // Nothing is revoked here yet, so nothing here can be as new as a revision or an age that the caller asks for.
        // Saying "good" all the same would be a promise about revocations.
        if !question.min_revision.is_empty() || question.max_staleness.is_some() {
            return Err(Stop::Fault(Fault::RevocationsStale));
        }
        let trust = self.trust.load();
        let token = RawToken::new(question.token, trust.max_token_bytes())?;
        let digest = self.cache.digest(token);
        let (cached, now) = if let Some(cached) = self.recall(&trust, digest, now)? {
            (cached, now)
        } else {
            // What is read cheaply is not held for long.
            let trust = Guard::into_inner(trust);
            // It may have waited for keys: what has expired meanwhile must not pass.
            // Boxed, so that the many requests that hit the cache do not carry the room for verifying around.
            let verified = Box::pin(self.verify(&trust, token, digest, &question.requirements));
            (verified.await?, self.clock.now())
        };
        let verified = cached.token();
        let permit = decide(verified.at(now)?, &question.requirements)?;
        let should_refresh = permit.token().should_refresh(now);
        Ok(answer(Pass { permit, cached: &cached, should_refresh }))
    }

    /// The cached token, if its issuer's settings are still those it was verified under (C1), its key is still published,
    /// and the issuer's keys are usable (C3, K2).
    fn recall(
        &self,
        trust: &Trust,
        digest: TokenDigest,
        now: UnixTime,
    ) -> Result<Option<Arc<CachedToken>>, Stop> {
        let Some(cached) = self.cache.find(digest, now) else {
            return Ok(None);
        };
        let Some(issuer) = trust.with_id(cached.issuer()) else {
            self.cache.forget(digest);
            return Ok(None);
        };
        match issuer.look(|keys| cached.is_signed_by_one_of(keys)) {
            Some(true) => {
                self.metrics.cache_hit();
                Ok(Some(cached))
            }
            Some(false) => {
                self.cache.forget(digest);
                Ok(None)
            }
            None => {
                // Too old to verify with is too old to have verified with; what has expired has expired all the same.
                cached.token().at(now)?;
                Err(unavailable(issuer))
            }
        }
    }

    async fn verify(
        &self,
        trust: &Trust,
        token: RawToken<'_>,
        digest: TokenDigest,
        asked: &Requirements<'_>,
    ) -> Result<Arc<CachedToken>, Stop> {
        self.refuse_known_forgery(trust, digest)?;
        self.metrics.cache_miss();
        let parts = UnverifiedParts::decode(token)?;
        let jws = parts.read()?;
        let unknown = || Refusal::new(Reason::UnknownIssuer, "the token's issuer is not configured here");
        let claimed = jws.unverified_issuer().ok_or_else(unknown)?;
        let issuer = trust.with_name(claimed.as_lookup_key()).ok_or_else(unknown)?;
        // Before anything is done for it: a pinned request must not turn into "cannot tell" because a token names
        // another issuer, whose keys happen to be out of reach.
        if !asked.is_from(claimed.as_lookup_key()) {
            return Err(Refusal::new(
                Reason::IssuerMismatch,
                "the token is from another issuer than the one asked for",
            )
            .into());
        }
        let keys = find_keys(issuer, &jws).await?;
        let (verified, generation) = match verify_with(issuer, &keys, &jws) {
            Ok(verified) => (verified, keys.generation),
            Err(refusal) if refusal.reason() == Reason::BadSignature => {
                self.verify_again(issuer, &keys, &jws, digest).await?
            }
            Err(refusal) => return Err(refusal.into()),
        };
        Ok(self.cache.remember(digest, verified, issuer.id(), generation, self.clock.now()))
    }

    /// Some issuers replace a key and keep its `kid`: one more look, within the issuer's budget, before the signature is
    /// called bad. What stays bad is remembered until the key set changes (C5).
    async fn verify_again(
        &self,
        issuer: &Issuer,
        seen: &KeySnapshot,
        jws: &UnverifiedJws<'_>,
        digest: TokenDigest,
    ) -> Result<(VerifiedToken, u64), Stop> {
        let newer = issuer.after_bad_signature(seen.generation).await;
        let generation = newer.as_ref().map_or(seen.generation, |keys| keys.generation);
        let outcome = newer.map_or_else(
            || Err(Refusal::new(Reason::BadSignature, "the signature does not verify")),
            |keys| verify_with(issuer, &keys, jws),
        );
        match outcome {
            Ok(verified) => Ok((verified, generation)),
            Err(refusal) => {
                if refusal.reason() == Reason::BadSignature {
                    self.cache.remember_forged(digest, Forged { issuer: issuer.id(), generation });
                }
                Err(refusal.into())
            }
        }
    }

    fn refuse_known_forgery(&self, trust: &Trust, digest: TokenDigest) -> Result<(), Stop> {
        let Some(forged) = self.cache.forged(digest) else {
            return Ok(());
        };
        let issuer = trust.with_id(forged.issuer);
        let generation = issuer.and_then(|issuer| issuer.look(|keys| keys.generation));
        if generation == Some(forged.generation) {
            self.metrics.cache_refusal_hit();
            return Err(Refusal::new(Reason::BadSignature, "the signature does not verify").into());
        }
        Ok(())
    }
}

async fn find_keys(issuer: &Issuer, jws: &UnverifiedJws<'_>) -> Result<Arc<KeySnapshot>, Stop> {
    let not_allowed = || {
        Refusal::new(
            Reason::AlgorithmNotAllowed,
            "the token's algorithm is not allowed for this issuer or is not its key's",
        )
    };
    let algorithm = jws
        .header
        .algorithm
        .filter(|algorithm| issuer.policy().algorithms.allows(*algorithm))
        .ok_or_else(not_allowed)?;
    let key_id = jws.header.key_id.as_deref();
    // No issuer names its keys like this; looking for one would only cost the issuer a fetch.
    if key_id.is_some_and(|key_id| key_id.len() > LONGEST_KEY_ID) {
        return Err(unknown_key().into());
    }
    match issuer.lookup(key_id, algorithm).await {
        Lookup::Found(keys) => Ok(keys),
        Lookup::WrongAlgorithm => Err(not_allowed().into()),
        Lookup::Unknown => Err(unknown_key().into()),
        Lookup::Unavailable => Err(unavailable(issuer)),
    }
}

fn verify_with(
    issuer: &Issuer,
    keys: &KeySnapshot,
    jws: &UnverifiedJws<'_>,
) -> Result<VerifiedToken, Refusal> {
    let candidates = match jws.header.algorithm {
        Some(algorithm) => keys.keys.candidates(jws.header.key_id.as_deref(), algorithm),
        None => Candidates::WrongAlgorithm,
    };
    match candidates {
        Candidates::Keys(candidates) => verify(jws, &candidates, issuer.policy()),
        Candidates::WrongAlgorithm | Candidates::Absent => verify(jws, &[], issuer.policy()),
    }
}

fn unknown_key() -> Refusal {
    Refusal::new(Reason::UnknownKey, "the issuer publishes no key for this token")
}

fn unavailable(issuer: &Issuer) -> Stop {
    Stop::Fault(Fault::KeysUnavailable { retry_after: issuer.retry_after() })
}
