//! Keeps one issuer's keys: a task that fetches when [`freshness`](super::freshness) says so, and does what it says.
//!
//! It is the only writer of the issuer's place on the shelf. After each attempt it swaps the snapshot, then changes the
//! state, then wakes who waits, then writes the log and the store: a lookup that sees the attempt finished sees its keys.
//!
//! A panic is a failed attempt, not the end of the task: without it, keys would grow old and withdrawn ones stay (K2).

mod report;

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        policy::IssuerPolicy,
        time::{Clock, UnixTime},
    },
    ops::trace::{self, InSpan, Span},
};

use super::{
    desk::{Announcer, Desk, Standing},
    fetch::{FetchError, KeyFetch},
    freshness::{Jitter, Tick, Trigger},
    http::{Answer, Validators},
    jwks::{self, DocumentError, Parsed, Rules},
    metrics::{IssuerKeyMetrics, Outcome, count},
    saved::{Restored, SavedKeys},
    settings::KeySettings,
    snapshot::{KeySnapshot, ShelfPlace},
};
pub(super) use report::Report;

/// The task's state.
pub(super) struct Keeper<F> {
    pub(super) fetch: F,
    pub(super) policy: Arc<IssuerPolicy>,
    pub(super) keys: KeySettings,
    pub(super) desk: Arc<Desk>,
    pub(super) announcer: Announcer,
    pub(super) place: ShelfPlace,
    pub(super) saved: Option<SavedKeys>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: IssuerKeyMetrics,
    pub(super) draw: fn() -> Jitter,
    pub(super) held: Option<Held>,
    pub(super) report: Report,
}

/// What the last good attempt of this process brought.
pub(super) struct Held {
    document: Vec<u8>,
    validators: Option<Validators>,
}

/// When an attempt began, on both clocks.
#[derive(Clone, Copy)]
struct Started {
    tick: Tick,
    wall: UnixTime,
}

impl<F: KeyFetch> Keeper<F> {
    /// Runs until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        // What is held stays on the shelf: requests that are still being answered need it.
        stop.run_until_cancelled(self.keep()).await;
    }

    async fn keep(&mut self) -> Infallible {
        if survive(self.restore()).await.is_err() {
            self.report.panicked("restoring the stored key set");
        }
        loop {
            let trigger = self.desk.next_fetch().await;
            self.attempt(trigger).await;
        }
    }

    /// Takes the stored set, until the first good fetch, unless there is one that an issuer before this one left.
    async fn restore(&mut self) {
        let (Some(saved), None) = (&self.saved, self.place.held()) else { return };
        let max_age = self.keys.freshness.max_age();
        let Some(Restored { age, document }) = saved.load(self.clock.now(), max_age).await else { return };
        match self.parse(&document) {
            Ok(parsed) => {
                let confirmed_at = self.desk.now().minus(age);
                self.swap(parsed, confirmed_at);
                self.desk.restored(confirmed_at);
                self.announcer.announce_restored();
                self.report.restored(age);
            }
            Err(error) => self.report.not_restored(error),
        }
    }

    async fn attempt(&mut self, trigger: Trigger) {
        let started = Started { tick: self.desk.now(), wall: self.clock.now() };
        let span = Span::background("fetch keys", self.desk.take_cause());
        let outcome = InSpan::new(span, self.bring_noted(trigger, started)).await;
        let standing = match &outcome {
            Ok(accepted) => self.desk.succeeded(started.tick, accepted.lifetime, (self.draw)()),
            Err(_) => self.desk.failed((self.draw)()),
        };
        self.announcer.announce(standing);
        self.account(trigger, &outcome, standing);
        if outcome.is_ok() && survive(self.save(started.wall)).await.is_err() {
            self.report.panicked("storing the key set");
        }
    }

    /// Says in the span how it went.
    async fn bring_noted(&mut self, trigger: Trigger, started: Started) -> Result<Accepted, FetchError> {
        trace::note(|span| {
            span.name("token.issuer", &self.policy.name);
            span.word("countersign.trigger", trigger.name());
        });
        let outcome = survive(self.bring(trigger, started)).await.unwrap_or(Err(FetchError::Panicked));
        if let Err(error) = &outcome {
            trace::note(|span| {
                span.word("error.type", error.kind());
                span.failed();
            });
        }
        outcome
    }

    async fn bring(&mut self, trigger: Trigger, started: Started) -> Result<Accepted, FetchError> {
        let known = self.held.as_ref().and_then(|held| held.validators.as_ref());
        let answer = self.fetch.fetch(trigger, known).await?;
        self.accept(answer, started)
    }

    /// Parses all, then swaps (K7).
    fn accept(&mut self, answer: Answer, started: Started) -> Result<Accepted, FetchError> {
        match answer {
            Answer::NotModified { lifetime } => {
                let (Some(_), Some(snapshot)) = (&self.held, self.place.held()) else {
                    return Err(FetchError::NothingBefore);
                };
                self.place.put(Arc::new(snapshot.confirmed(started.tick)));
                Ok(Accepted { outcome: Outcome::NotModified, lifetime })
            }
            Answer::Document { bytes, validators, lifetime } => {
                let parsed = self.parse(&bytes)?;
                self.swap(parsed, started.tick);
                self.held = Some(Held { document: bytes, validators });
                Ok(Accepted { outcome: Outcome::Ok, lifetime })
            }
        }
    }

    fn parse(&self, document: &[u8]) -> Result<Parsed, DocumentError> {
        let IssuerPolicy { issuer, algorithms, .. } = &*self.policy;
        jwks::parse(document, Rules { issuer, allowed: algorithms, max_keys: self.keys.max_keys })
    }

    fn swap(&mut self, parsed: Parsed, confirmed_at: Tick) {
        let previous = self.place.held();
        let snapshot = Arc::new(KeySnapshot::following(previous.as_deref(), parsed.keys, confirmed_at));
        self.place.put(Arc::clone(&snapshot));
        self.metrics.keys.set(count(snapshot.keys.len()));
        self.metrics.unusable.set(count(parsed.unusable.len()));
        self.report.swapped(previous.as_deref(), &snapshot, parsed.unusable);
    }

    fn account(&mut self, trigger: Trigger, outcome: &Result<Accepted, FetchError>, standing: Standing) {
        match outcome {
            Ok(accepted) => {
                self.metrics.fetched(trigger, accepted.outcome);
                self.report.succeeded();
            }
            Err(error) => {
                self.metrics.fetched(trigger, Outcome::Failed);
                self.report.failed(error);
            }
        }
        let keys = self.place.held().map_or(0, |snapshot| snapshot.keys.len());
        self.report.standing(standing, outcome.is_ok(), keys);
    }

    async fn save(&mut self, fetched_at: UnixTime) {
        if let (Some(saved), Some(held)) = (&mut self.saved, &self.held) {
            saved.save(fetched_at, held.document.clone()).await;
        }
    }
}

/// It panicked. What it says is with the panic hook: it may hold anything.
struct Panicked;

/// Runs one step to its end, be that a panic. Nothing is torn by one: snapshots are swapped whole (K7), and the rest of the
/// keeper is set after all that could fail.
async fn survive<T>(step: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(step).catch_unwind().await.map_err(|_said| Panicked)
}

/// What a good attempt brought.
struct Accepted {
    outcome: Outcome,
    lifetime: Option<Duration>,
}
