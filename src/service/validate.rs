//! Is this token good? One way through all the checks, whoever asks (design: the chain of types in `domain`).

mod identify;
mod verification;

use std::{sync::Arc, time::Duration};

use arc_swap::{ArcSwap, Guard};

use crate::{
    domain::{
        decide::{Permit, Requirements, decide},
        reason::{Reason, Refusal},
        time::{Clock, UnixTime},
        token::RawToken,
        verify::Verified,
    },
    issuer::Issuer,
    ops::metrics::ValidationMetrics,
    state::{
        cache::{CachedToken, TokenCache},
        digest::TokenDigest,
    },
};

pub(super) use self::identify::{Identified, Unidentified};
use self::verification::{Presentation, Tried};
use super::{fault::Fault, trust::Trust};

/// Sweeping the cache more often than this frees little.
const LEAST_SWEEP: Duration = Duration::from_secs(1);

/// What a transport keeps with a cached token, so that it is made once.
pub use crate::state::cache::EncodedToken;

/// Makes it, once for each token.
pub type Encode = fn(&Verified<'_>) -> EncodedToken;

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
    encode: Encode,
    clock: Arc<dyn Clock>,
    metrics: ValidationMetrics,
}

/// Why there is no pass: a refusal is the token's, a fault is ours.
enum Stop {
    Refused(Refusal),
    Fault(Fault),
}

/// How far a check comes without waiting.
enum AtOnce<T, F> {
    Done(T),
    Waits(Waits<F>),
}

/// What goes on after a fetch.
struct Waits<F> {
    trust: Arc<Trust>,
    digest: TokenDigest,
    tried: Tried,
    answer: F,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Validator {
    /// A validator that trusts so until it is told otherwise. `encode` makes what the transport keeps with a token.
    pub fn new(
        trust: Trust,
        cache: TokenCache,
        encode: Encode,
        clock: Arc<dyn Clock>,
        metrics: ValidationMetrics,
    ) -> Self {
        Self { trust: ArcSwap::from_pointee(trust), cache, encode, clock, metrics }
    }

    /// Trusts so from now on. Calls that have begun end as they began; what they verify under an issuer that is no longer
    /// among these is not found by later ones.
    pub fn replace_trust(&self, trust: Trust) {
        self.trust.store(Arc::new(trust));
    }

    /// What is trusted now.
    pub(super) fn trust(&self) -> Arc<Trust> {
        self.trust.load_full()
    }

    /// Frees the memory of tokens that the cache has done with, for as long as it is polled.
    pub async fn sweep_cache(&self) {
        let mut tick = tokio::time::interval(self.cache.max_age().max(LEAST_SWEEP));
        loop {
            tick.tick().await;
            self.cache.sweep(self.clock.now());
        }
    }

    /// Brings the gauges up to date that change with time alone.
    pub fn update_metrics(&self) {
        for issuer in self.trust.load().issuers() {
            issuer.update_metrics();
        }
        let (tokens, bytes) = self.cache.size();
        self.metrics.cache_holds(tokens, bytes);
    }

    /// The time, for [`Validator::validate_at_once`].
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Checks a token and hands the pass to `answer`; or says why there is none.
    pub async fn validate<T>(
        &self,
        question: &Question<'_>,
        answer: impl FnOnce(Pass<'_>) -> T + Send,
    ) -> Result<Result<T, Refusal>, Fault> {
        let now = self.clock.now();
        let checked = match self.check_at_once(question, now, answer) {
            Ok(AtOnce::Done(answer)) => Ok(answer),
            // Boxed, so that the many requests that need not wait do not carry the room for that around.
            Ok(AtOnce::Waits(waits)) => Box::pin(self.check_after_fetch(question, waits)).await,
            Err(stop) => Err(stop),
        };
        self.count(checked)
    }

    /// The same without waiting for anything; `None` if it would have to, and then nothing was done.
    pub fn validate_at_once<T>(
        &self,
        question: &Question<'_>,
        now: UnixTime,
        answer: impl FnOnce(Pass<'_>) -> T + Send,
    ) -> Option<Result<Result<T, Refusal>, Fault>> {
        match self.check_at_once(question, now, answer) {
            Ok(AtOnce::Done(answer)) => Some(self.count(Ok(answer))),
            Ok(AtOnce::Waits(_)) => None,
            Err(stop) => Some(self.count(Err(stop))),
        }
    }

    fn count<T>(&self, checked: Result<T, Stop>) -> Result<Result<T, Refusal>, Fault> {
        match checked {
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

    fn check_at_once<T, F: FnOnce(Pass<'_>) -> T>(
        &self,
        question: &Question<'_>,
        now: UnixTime,
        answer: F,
    ) -> Result<AtOnce<T, F>, Stop> {
        // Nothing is revoked here yet, so nothing here can be as new as a revision or an age that the caller asks for.
        // Saying "good" all the same would be a promise about revocations.
        if !question.min_revision.is_empty() || question.max_staleness.is_some() {
            return Err(Stop::Fault(Fault::RevocationsStale));
        }
        let trust = self.trust.load();
        let token = RawToken::new(question.token, trust.max_token_bytes())?;
        let digest = self.cache.digest(token);
        let cached = if let Some(cached) = self.recall(&trust, digest, now)? {
            cached
        } else {
            self.refuse_known_forgery(&trust, digest)?;
            let presented = Presentation { token, digest, asked: &question.requirements, at: now };
            match self.verify_now(&trust, presented) {
                Ok(Tried::Verified(cached)) => {
                    self.metrics.cache_miss();
                    cached
                }
                Ok(tried @ (Tried::Forged { .. } | Tried::NoKey)) => {
                    // What is read cheaply is not held for long.
                    let trust = Guard::into_inner(trust);
                    return Ok(AtOnce::Waits(Waits { trust, digest, tried, answer }));
                }
                Err(stop) => {
                    self.metrics.cache_miss();
                    return Err(stop);
                }
            }
        };
        pass(&cached, &question.requirements, now, answer).map(AtOnce::Done)
    }

    async fn check_after_fetch<T, F: FnOnce(Pass<'_>) -> T>(
        &self,
        question: &Question<'_>,
        Waits { trust, digest, tried, answer }: Waits<F>,
    ) -> Result<T, Stop> {
        self.metrics.cache_miss();
        let token = RawToken::new(question.token, trust.max_token_bytes())?;
        let asked = &question.requirements;
        let cached = self.verify_after_fetch(&trust, token, digest, asked, tried).await?;
        // It may have waited for keys: what has expired meanwhile must not pass.
        pass(&cached, asked, self.clock.now(), answer)
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

/// The checks of this request on a token that its issuer signed.
fn pass<T>(
    cached: &CachedToken,
    requirements: &Requirements<'_>,
    now: UnixTime,
    answer: impl FnOnce(Pass<'_>) -> T,
) -> Result<T, Stop> {
    let permit = decide(cached.token().at(now)?, requirements)?;
    let should_refresh = permit.token().should_refresh(now);
    Ok(answer(Pass { permit, cached, should_refresh }))
}

fn unavailable(issuer: &Issuer) -> Stop {
    Stop::Fault(Fault::KeysUnavailable { retry_after: issuer.retry_after() })
}
