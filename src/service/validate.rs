//! Is this token good? One way through all the checks, whoever asks (design: the chain of types in `domain`).

mod identify;
mod opaque;
mod question;
mod recall;
mod standing;
mod verification;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};

use crate::{
    domain::{
        decide::Requirements,
        reason::Refusal,
        refresh::RefreshSettings,
        revocation::check::LastCheck,
        time::{Clock, UnixTime},
        token::{BoundedText, RawToken},
        verify::Verified,
    },
    issuer::Issuer,
    ops::metrics::ValidationMetrics,
    state::{
        cache::{CachedToken, TokenCache},
        digest::TokenDigest,
        headers::Headers,
        revocations::OnStale,
    },
};

pub(super) use self::identify::{Identified, Unidentified};
pub use self::question::{Knowledge, Moment, Pass, Question, RevocationSources, Verdict};
use self::{
    opaque::Introspections,
    standing::{Missing, Standing},
    verification::{Presentation, Tried},
};
use super::{fault::Fault, trust::Trust};

/// Sweeping the cache more often than this frees little.
const LEAST_SWEEP: Duration = Duration::from_secs(1);

/// What a transport keeps with a cached token, so that it is made once.
pub use crate::state::cache::EncodedToken;
/// What a request hands back to have an answer that knows of it.
pub use crate::store::Revision;

/// Makes it, once for each token.
pub type Encode = fn(&Verified<'_>) -> EncodedToken;

/// Answers questions about tokens.
#[derive(Debug)]
pub struct Validator {
    /// Each call takes what is here when it begins, and keeps it to its end.
    trust: ArcSwap<Trust>,
    sources: RevocationSources,
    /// `revocation.on_stale`.
    on_stale: ArcSwap<OnStale>,
    /// `refresh.early`, in milliseconds.
    early: AtomicU64,
    cache: TokenCache,
    headers: Headers,
    introspections: Arc<Introspections>,
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
    answer: F,
    for_what: WaitsFor,
}

enum WaitsFor {
    /// A key, maybe, or what its issuer says about the token.
    Issuer(Tried),
    /// What the store knows of the token's session (S5).
    Session(Arc<CachedToken>),
    /// Revocations that are not here yet (R7, R8).
    Revocations(Missing),
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
        sources: RevocationSources,
        cache: TokenCache,
        encode: Encode,
        clock: Arc<dyn Clock>,
        metrics: ValidationMetrics,
    ) -> Self {
        let introspections = Arc::new(Introspections::new(encode, Arc::clone(&clock)));
        let (trust, on_stale) = (ArcSwap::from_pointee(trust), ArcSwap::from_pointee(sources.on_stale));
        let early = AtomicU64::default();
        let validator = Self {
            trust,
            sources,
            on_stale,
            early,
            cache,
            headers: Headers::default(),
            introspections,
            encode,
            clock,
            metrics,
        };
        validator.replace_early(RefreshSettings::default().early);
        validator
    }

    /// Trusts so from now on. Calls that have begun end as they began; what they verify under an issuer that is no longer
    /// among these is not found by later ones.
    pub fn replace_trust(&self, trust: Trust) {
        self.trust.store(Arc::new(trust));
    }

    /// From now on this happens to a token whose session the store says nothing about.
    pub fn replace_on_stale(&self, on_stale: OnStale) {
        self.on_stale.store(Arc::new(on_stale));
    }

    /// From now on tokens say so long before their end that they should be refreshed.
    pub fn replace_early(&self, early: Duration) {
        self.early.store(u64::try_from(early.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn early(&self) -> Duration {
        Duration::from_millis(self.early.load(Ordering::Relaxed))
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
            self.introspections.sweep(self.clock.now());
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

    /// Whether there is an issuer with this `iss` now.
    pub fn knows_issuer(&self, issuer: &str) -> bool {
        self.trust.load().with_name(issuer).is_some()
    }

    /// This moment, for [`Validator::validate_at_once`].
    pub fn moment(&self) -> Moment {
        let now = self.clock.now();
        Moment { now, knowledge: self.knowledge(now), left: Moment::QUESTIONS }
    }

    /// Checks a token and hands the pass to `answer`; or says why there is none.
    pub async fn validate<T>(
        &self,
        question: &Question<'_>,
        answer: impl FnOnce(Pass<'_>) -> T + Send,
    ) -> Result<Verdict<T>, Fault> {
        let now = self.clock.now();
        let missing = self.missing(question);
        let knowledge = self.knowledge(now);
        match self.check_at_once(question, missing, now, answer) {
            Ok(AtOnce::Done(answer)) => self.verdict(Ok(answer), knowledge),
            // Boxed, so that the many requests that need not wait do not carry the room for that around.
            Ok(AtOnce::Waits(waits)) => {
                let (checked, knowledge) = Box::pin(self.check_after(question, waits, knowledge)).await;
                self.verdict(checked, knowledge)
            }
            Err(stop) => self.verdict(Err(stop), knowledge),
        }
    }

    /// The same without waiting for anything; `None` if it would have to, and then nothing was done. The moment becomes another one
    /// where this one has served for long enough, or the question wants to know more.
    pub fn validate_at_once<T>(
        &self,
        question: &Question<'_>,
        moment: &mut Moment,
        answer: impl FnOnce(Pass<'_>, &Knowledge) -> T + Send,
    ) -> Option<Result<Result<T, Refusal>, Fault>> {
        let missing = self.missing(question);
        if moment.left == 0 || question.wants_to_know() {
            *moment = self.moment();
        }
        moment.left -= 1;
        let Moment { now, knowledge, .. } = moment;
        match self.check_at_once(question, missing, *now, |pass| answer(pass, knowledge)) {
            Ok(AtOnce::Done(answer)) => Some(self.counted(Ok(answer))),
            Ok(AtOnce::Waits(_)) => None,
            Err(stop) => Some(self.counted(Err(stop))),
        }
    }

    /// To be taken before looking: what comes in between is known, and not said. But after what the request wants to be known was
    /// found to be (R8): that is to be in it.
    fn knowledge(&self, now: UnixTime) -> Knowledge {
        // Nobody else writes to the embedded store, so what is here is always all there is.
        let as_of = self.sources.contact.as_ref().map_or(now, |contact| contact.as_of());
        Knowledge { revision: self.sources.revocations.written_revision(), as_of }
    }

    fn verdict<T>(&self, checked: Result<T, Stop>, knowledge: Knowledge) -> Result<Verdict<T>, Fault> {
        self.counted(checked).map(|outcome| Verdict { outcome, knowledge })
    }

    fn counted<T>(&self, checked: Result<T, Stop>) -> Result<Result<T, Refusal>, Fault> {
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
        missing: Result<Option<Missing>, Stop>,
        now: UnixTime,
        answer: F,
    ) -> Result<AtOnce<T, F>, Stop> {
        let trust = self.trust.load();
        let text = BoundedText::new(question.token, trust.max_token_bytes())?;
        let digest = self.cache.digest(text);
        let waits = |trust, answer, for_what| {
            // What is read cheaply is not held for long.
            Ok(AtOnce::Waits(Waits { trust: Guard::into_inner(trust), digest, answer, for_what }))
        };
        if let Some(missing) = missing? {
            text.token()?;
            return waits(trust, answer, WaitsFor::Revocations(missing));
        }
        // Only a token can have been cached, so its characters are not looked at again unless it is to be read.
        let cached = if let Some(cached) = self.recall(&trust, (text, digest), now)? {
            cached
        } else {
            let token = text.token()?;
            self.refuse_known_forgery(&trust, digest)?;
            let presented = Presentation { token, digest, asked: &question.requirements, at: now };
            match self.verify_now(&trust, presented) {
                Ok(Tried::Verified(cached)) => {
                    self.metrics.cache_miss();
                    cached
                }
                Ok(Tried::Known(known)) => known?,
                Ok(tried @ (Tried::Forged { .. } | Tried::NoKey | Tried::Opaque(_))) => {
                    return waits(trust, answer, WaitsFor::Issuer(tried));
                }
                Err(stop) => {
                    self.metrics.cache_miss();
                    return Err(stop);
                }
            }
        };
        match self.standing(&cached, now) {
            Standing::Known(session) => {
                let known = (session, cached.last_check());
                self.pass(&cached, known, &question.requirements, now, answer).map(AtOnce::Done)
            }
            Standing::Unknown => {
                // What is refused anyway needs no look into the store.
                self.pass(&cached, (None, &LastCheck::default()), &question.requirements, now, |_pass| ())?;
                waits(trust, answer, WaitsFor::Session(cached))
            }
        }
    }

    async fn check_after<T, F: FnOnce(Pass<'_>) -> T>(
        &self,
        question: &Question<'_>,
        waits: Waits<F>,
        knowledge: Knowledge,
    ) -> (Result<T, Stop>, Knowledge) {
        let Waits { trust, digest, answer, for_what } = waits;
        let (tried, knowledge) = match for_what {
            WaitsFor::Issuer(tried) => {
                self.metrics.cache_miss();
                (Some(tried), knowledge)
            }
            WaitsFor::Session(cached) => (Some(Tried::Verified(cached)), knowledge),
            WaitsFor::Revocations(missing) => match self.wait_for(missing).await {
                Ok(()) => (None, self.knowledge(self.clock.now())),
                Err(stop) => return (Err(stop), knowledge),
            },
        };
        (self.check_slowly(question, &trust, digest, tried, answer).await, knowledge)
    }

    async fn check_slowly<T, F: FnOnce(Pass<'_>) -> T>(
        &self,
        question: &Question<'_>,
        trust: &Trust,
        digest: TokenDigest,
        tried: Option<Tried>,
        answer: F,
    ) -> Result<T, Stop> {
        let token = BoundedText::new(question.token, trust.max_token_bytes())?.token()?;
        let asked = &question.requirements;
        let tried = match tried {
            Some(tried) => tried,
            None => self.recall_or_verify(trust, token, digest, asked)?,
        };
        let cached = self.verify_after_fetch(trust, token, digest, asked, tried).await?;
        let standing = self.look_up_session(&cached).await?;
        // It may have waited for keys or the store: what has expired meanwhile must not pass.
        let now = self.clock.now();
        match standing {
            Standing::Known(session) => {
                self.pass(&cached, (session, cached.last_check()), asked, now, answer)
            }
            // Whatever is found out about the session later has to be asked about then.
            Standing::Unknown => {
                let remembered = self.sources.sessions.remembered(cached.token());
                self.pass(&cached, (remembered, &LastCheck::default()), asked, now, answer)
            }
        }
    }

    fn recall_or_verify(
        &self,
        trust: &Trust,
        token: RawToken<'_>,
        digest: TokenDigest,
        asked: &Requirements<'_>,
    ) -> Result<Tried, Stop> {
        let at = self.clock.now();
        if let Some(cached) = self.recall(trust, (token.bounded(), digest), at)? {
            return Ok(Tried::Verified(cached));
        }
        self.refuse_known_forgery(trust, digest)?;
        let tried = self.verify_now(trust, Presentation { token, digest, asked, at });
        if !matches!(tried, Ok(Tried::Known(_))) {
            self.metrics.cache_miss();
        }
        tried
    }
}

fn unavailable(issuer: &Issuer) -> Stop {
    Stop::Fault(Fault::KeysUnavailable { retry_after: issuer.retry_after() })
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
