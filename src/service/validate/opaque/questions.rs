//! Questions to issuers about tokens: one for all who ask about the same token at the same time, in a task of its own, so that whoever
//! gives up takes it from nobody (as K10), and an answer that comes too late for one is there for the next.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::Opaque;
use crate::{
    domain::{
        introspection::{Introspection, UnverifiedAnswer},
        reason::{Reason, Refusal},
        time::{Clock, UnixTime},
        token::{OwnedToken, RawToken},
        verify::introspected,
    },
    issuer::{Introspector, NotIntrospected},
    ops::trace::{Cause, InSpan, Span},
    service::{
        fault::Fault,
        validate::{Encode, Stop},
    },
    state::{
        cache::CachedToken,
        digest::TokenDigest,
        introspections::{AnswerCache, Asked},
    },
};

/// What came of a question.
type Answered = Result<Result<Arc<CachedToken>, Refusal>, Fault>;
/// The same, once it is there.
type Landing = watch::Receiver<Option<Answered>>;

/// Asks, and remembers the answers.
pub(in crate::service::validate) struct Introspections {
    answers: AnswerCache,
    /// Those that are open. Never held across an await.
    open: Mutex<HashMap<Asked, Landing>>,
    encode: Encode,
    clock: Arc<dyn Clock>,
}

/// An open question, which is none any more when this is dropped, however it ended.
struct Open {
    introspections: Arc<Introspections>,
    asked: Asked,
}

/// Without what tokens say.
impl fmt::Debug for Introspections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspections").field("answers", &self.answers).finish_non_exhaustive()
    }
}

impl Introspections {
    /// Nothing was asked yet.
    pub(in crate::service::validate) fn new(encode: Encode, clock: Arc<dyn Clock>) -> Self {
        Self { answers: AnswerCache::default(), open: Mutex::default(), encode, clock }
    }

    /// What an issuer said lately.
    pub(super) fn recall(&self, asked: Asked, now: UnixTime) -> Option<Result<Arc<CachedToken>, Refusal>> {
        self.answers.find(asked, now)
    }

    /// Frees what is not found any more.
    pub(in crate::service::validate) fn sweep(&self, now: UnixTime) {
        self.answers.sweep(now);
    }

    /// What the issuer says about the token. Waits for a question that is open already.
    pub(in crate::service::validate) async fn ask(
        self: &Arc<Self>,
        opaque: &Opaque,
        token: RawToken<'_>,
        digest: TokenDigest,
    ) -> Result<Arc<CachedToken>, Stop> {
        let asked = Asked { issuer: opaque.issuer, digest };
        let answered = match self.join(asked, &opaque.introspector, token) {
            Ok(known) => Ok(known),
            Err(mut landing) => match landing.wait_for(Option::is_some).await {
                Ok(landed) => landed.clone().unwrap_or_else(lost),
                Err(_it_panicked) => lost(),
            },
        };
        Ok(answered.map_err(Stop::Fault)??)
    }

    fn join(
        self: &Arc<Self>,
        asked: Asked,
        introspector: &Arc<Introspector>,
        token: RawToken<'_>,
    ) -> Result<Result<Arc<CachedToken>, Refusal>, Landing> {
        let mut open = self.open();
        if let Some(landing) = open.get(&asked) {
            return Err(landing.clone());
        }
        // It may have been answered since the caller looked: an answer is remembered before its question is closed.
        if let Some(known) = self.answers.find(asked, self.clock.now()) {
            return Ok(known);
        }
        let (landed, landing) = watch::channel(None);
        open.insert(asked, landing.clone());
        drop(open);
        let question = Open { introspections: Arc::clone(self), asked };
        let (asking, token) = (Arc::clone(introspector), token.to_owned_token());
        let span = Span::background("introspect token", Cause::current());
        introspector.tasks().spawn(InSpan::new(span, async move {
            let stopping = asking.tasks().stopping().clone();
            let answered = stopping.run_until_cancelled(question.answer(&asking, &token)).await;
            landed.send_replace(Some(answered.unwrap_or_else(lost)));
            drop((question, token));
            stopping.run_until_cancelled(asking.refresh_endpoint()).await;
        }));
        Err(landing)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Asked, Landing>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    async fn answer(&self, introspector: &Introspector, token: &OwnedToken) -> Answered {
        let Introspections { answers, clock, .. } = &*self.introspections;
        let judged =
            match introspector.introspect(token.as_raw(), clock.now()).await.map_err(|why| fault(&why))? {
                Introspection::Active(answer) => self.judge(introspector, &answer, token.as_raw()),
                Introspection::Inactive => {
                    Err(Refusal::new(Reason::Inactive, "the token's issuer says that it is not active"))
                }
            };
        if let Err(refusal) = judged {
            answers.refuse(self.asked, refusal, clock.now());
        }
        Ok(judged)
    }

    fn judge(
        &self,
        introspector: &Introspector,
        answer: &UnverifiedAnswer,
        token: RawToken<'_>,
    ) -> Result<Arc<CachedToken>, Refusal> {
        let Introspections { answers, clock, encode, .. } = &*self.introspections;
        let now = clock.now();
        let verified = introspected(answer, token, introspector.policy(), now)?;
        let encoded = encode(&verified);
        let parts = (verified.into_token(), encoded);
        Ok(if answer.repeats(token) {
            // For those who asked, and nobody after them.
            Arc::new(CachedToken::introspected(parts, self.asked.issuer, now))
        } else {
            answers.remember(self.asked, parts, introspector.settings().cache, now)
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.introspections.open().remove(&self.asked);
    }
}

/// The question ended without an answer: the process ends, or a bug.
fn lost() -> Answered {
    Err(Fault::UpstreamUnavailable { retry_after: Some(Duration::from_secs(1)) })
}

fn fault(why: &NotIntrospected) -> Fault {
    match why {
        NotIntrospected::Unavailable { retry_after } => {
            Fault::UpstreamUnavailable { retry_after: *retry_after }
        }
        NotIntrospected::ClientRejected => Fault::ClientRejected,
        NotIntrospected::NoEndpoint => Fault::ClientNotConfigured,
    }
}
