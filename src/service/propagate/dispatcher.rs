//! The one task that tells identity providers. It alone knows what is still to be told, so nothing here is locked.
//!
//! Each thing to tell is in its issuer's [`Lane`] until it is taken, then in flight, and then settled or back in the lane.

use std::{
    collections::{BTreeSet, HashMap},
    future::{Future, pending},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Id, Upstream, content,
    lane::Lane,
    metrics::PropagationMetrics,
    notes::Notes,
    orphans::{Found, Orphans},
    pause,
    report::Report,
};
use crate::{
    domain::time::{Clock, UnixTime},
    issuer::NotTold,
    ops::trace::{Cause, InSpan, Span},
    service::draws::Draws,
    store::Delivery,
};

/// Attempts at once, over all issuers.
const AT_ONCE: usize = 32;
/// What attempts under way get when the process drains. What is cut is told again after the next start.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Tells an issuer, some time.
pub(super) type Tell = Arc<dyn Fn(Delivery) -> BoxFuture<'static, Result<(), NotTold>> + Send + Sync>;

/// Something new to tell.
pub(super) struct Errand {
    pub(super) delivery: Delivery,
    /// Who waits for the first attempt.
    pub(super) waiter: Option<oneshot::Sender<Upstream>>,
    /// The traced call that it comes from.
    pub(super) cause: Option<Cause>,
}

/// The task's state.
pub(super) struct Dispatcher {
    pub(super) tell: Tell,
    pub(super) inbox: mpsc::UnboundedReceiver<Errand>,
    pub(super) notes: Notes,
    pub(super) is_shared: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) draws: Arc<Draws>,
    pub(super) metrics: PropagationMetrics,
    pub(super) report: Report,
    pub(super) state: State,
}

/// What is still to be told.
#[derive(Default)]
pub(super) struct State {
    entries: HashMap<Id, Entry>,
    lanes: HashMap<String, Lane>,
    /// By age.
    ages: BTreeSet<(UnixTime, Id)>,
    telling: usize,
    jobs: FuturesUnordered<BoxFuture<'static, Finished>>,
    /// What the store has to tell: one search at a time. Nobody waits for it at the end.
    search: FuturesUnordered<BoxFuture<'static, Found>>,
}

struct Entry {
    errand: Errand,
    made_at: UnixTime,
    /// The store took no note of when it will be tried again.
    unnoted: bool,
}

/// A job that is done.
enum Finished {
    Told(Id, Result<(), NotTold>),
    /// Of these the store took no note.
    Noted(Vec<Id>),
}

/// What woke the task.
enum Woken {
    New(Errand),
    Found(Found),
    Finished(Finished),
    Time,
    /// Nobody can bring anything new.
    Closed,
}

impl Dispatcher {
    /// Runs until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.work()).await;
        drop(timeout(LAST_WORDS, self.finish()).await);
    }

    async fn work(&mut self) {
        let notes = self.notes.clone();
        self.state.search.push(if self.is_shared {
            self.orphans().now().boxed()
        } else {
            async move { Found { deliveries: notes.all().await, store_was_away: false } }.boxed()
        });
        loop {
            self.start_due();
            match self.wait().await {
                Woken::New(errand) => self.accept(errand),
                Woken::Found(found) => self.found(found),
                Woken::Finished(finished) => self.finished(finished),
                Woken::Time => {}
                Woken::Closed => return,
            }
        }
    }

    /// Lets what is under way come to its end, and begins nothing.
    async fn finish(&mut self) {
        while let Some(finished) = self.state.jobs.next().await {
            if let Finished::Told(..) = finished {
                self.finished(finished);
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        let next = if self.state.telling < AT_ONCE {
            self.state.lanes.values().filter_map(Lane::next).min()
        } else {
            None
        };
        let due = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            errand = self.inbox.recv() => errand.map_or(Woken::Closed, Woken::New),
            Some(finished) = self.state.jobs.next() => Woken::Finished(finished),
            Some(found) = self.state.search.next() => Woken::Found(found),
            () = due => Woken::Time,
        }
    }

    fn job(&mut self, job: impl Future<Output = Finished> + Send + 'static) {
        self.state.jobs.push(job.boxed());
    }

    /// Takes something to tell, unless it is known: what was handed over may be in the store already.
    fn accept(&mut self, errand: Errand) {
        let delivery = &errand.delivery;
        let id = delivery.id;
        let (now, wall) = (Instant::now(), self.clock.now());
        if let Some(known) = self.state.entries.get_mut(&id) {
            if errand.waiter.is_some() {
                known.errand.waiter = errand.waiter;
            }
            return;
        }
        let due = now + delivery.due_at.since(wall).min(pause::longest());
        let made_at = content::read(&delivery.content).map_or(wall, |content| content.made_at);
        let lane = self.state.lanes.entry(delivery.issuer.clone()).or_default();
        lane.put(due, id);
        let mut errand = errand;
        if !lane.is_open(now) {
            answer(&mut errand.waiter, Upstream::Queued);
        }
        self.state.ages.insert((made_at, id));
        self.state.entries.insert(id, Entry { errand, made_at, unnoted: false });
        self.count();
    }

    /// What the store had is told from now on, and in a shared one, what is to be told by us stays ours.
    fn found(&mut self, found: Found) {
        let Found { deliveries, store_was_away } = found;
        for delivery in deliveries {
            self.accept(Errand { delivery, waiter: None, cause: None });
        }
        if !self.is_shared {
            return;
        }
        self.state.search.push(self.orphans().later(store_was_away).boxed());
        let wall = self.clock.now();
        let mut waiting = Vec::new();
        for Entry { errand, unnoted, .. } in self.state.entries.values_mut() {
            // It was due, and its provider is not asked now; or the store thinks that it was.
            if std::mem::take(unnoted) || errand.delivery.due_at < wall {
                errand.delivery.due_at = errand.delivery.due_at.max(wall);
                waiting.push(errand.delivery.clone());
            }
        }
        let notes = self.notes.clone();
        self.job(async move { Finished::Noted(notes.postpone_all(waiting).await) });
    }

    fn orphans(&self) -> Orphans {
        Orphans { notes: self.notes.clone(), clock: Arc::clone(&self.clock), draws: Arc::clone(&self.draws) }
    }

    fn finished(&mut self, finished: Finished) {
        match finished {
            Finished::Told(id, told) => {
                self.state.telling = self.state.telling.saturating_sub(1);
                self.told(id, told);
            }
            Finished::Noted(but) => {
                for id in but {
                    if let Some(entry) = self.state.entries.get_mut(&id) {
                        entry.unnoted = true;
                    }
                }
            }
        }
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        let wall = self.clock.now();
        let mut taken: Vec<Id> = Vec::new();
        for lane in self.state.lanes.values_mut() {
            while self.state.telling < AT_ONCE
                && let Some(id) = lane.take(now)
            {
                self.state.telling += 1;
                taken.push(id);
            }
        }
        for id in taken {
            self.start(id, wall);
        }
    }

    /// Tells it, or gives it up if its time is over.
    fn start(&mut self, id: Id, wall: UnixTime) {
        let Some(entry) = self.state.entries.get_mut(&id) else { return };
        let delivery = entry.errand.delivery.clone();
        if delivery.not_after <= wall {
            self.state.telling = self.state.telling.saturating_sub(1);
            self.lane(&delivery.issuer).put_down();
            self.metrics.expired.inc();
            self.report.gave_up(&delivery);
            self.settle(id, Upstream::Queued);
            return;
        }
        let span = Span::background("tell identity provider", entry.errand.cause.take());
        let telling = InSpan::new(span, (self.tell)(delivery));
        self.job(async move {
            // A panic is a failed attempt: all others go on.
            let told = AssertUnwindSafe(telling).catch_unwind().await;
            Finished::Told(id, told.unwrap_or_else(|_said| Err(NotTold::here("panic", "a bug panicked"))))
        });
    }

    fn told(&mut self, id: Id, told: Result<(), NotTold>) {
        let Some(entry) = self.state.entries.get(&id) else { return };
        let issuer = entry.errand.delivery.issuer.clone();
        match told {
            Ok(()) => {
                self.metrics.done.inc();
                self.report.answered(&issuer);
                self.lane(&issuer).answered();
                self.settle(id, Upstream::Done);
            }
            Err(why @ (NotTold::Unsupported(_) | NotTold::Refused(_))) => {
                self.metrics.refused.inc();
                self.report.answered(&issuer);
                self.report.not_told(&entry.errand.delivery, &why);
                self.lane(&issuer).answered();
                self.settle(id, Upstream::Unsupported);
            }
            Err(why @ (NotTold::Misconfigured(_) | NotTold::Unavailable { .. })) => {
                self.metrics.failed.inc();
                self.report.not_told(&entry.errand.delivery, &why);
                self.put_back(id, &why);
            }
        }
    }

    fn put_back(&mut self, id: Id, why: &NotTold) {
        let (now, wall) = (Instant::now(), self.clock.now());
        let Some(Entry { errand, .. }) = self.state.entries.get_mut(&id) else { return };
        answer(&mut errand.waiter, Upstream::Queued);
        let delivery = &mut errand.delivery;
        delivery.attempts = delivery.attempts.saturating_add(1);
        let pause = pause::after(delivery.attempts, why, self.draws.jitter());
        // At its end it is given up, and no later.
        let pause = pause.min(delivery.not_after.since(wall));
        delivery.due_at = wall.plus(pause);
        let delivery = delivery.clone();
        let asked = match why {
            NotTold::Unavailable { retry_after, .. } => *retry_after,
            NotTold::Misconfigured(_) | NotTold::Unsupported(_) | NotTold::Refused(_) => None,
        };
        let jitter = self.draws.jitter();
        let lane = self.lane(&delivery.issuer);
        lane.failed(now, asked, jitter);
        lane.put(now + pause, id);
        let notes = self.notes.clone();
        self.job(async move { Finished::Noted(notes.postpone_all(vec![delivery]).await) });
    }

    /// Nothing more to do about it.
    fn settle(&mut self, id: Id, upstream: Upstream) {
        if let Some(mut entry) = self.state.entries.remove(&id) {
            answer(&mut entry.errand.waiter, upstream);
            self.state.ages.remove(&(entry.made_at, id));
            let issuer = &entry.errand.delivery.issuer;
            if self.state.lanes.get(issuer).is_some_and(Lane::is_idle) {
                self.state.lanes.remove(issuer);
            }
        }
        self.count();
        let notes = self.notes.clone();
        self.job(async move {
            notes.settle(id).await;
            Finished::Noted(Vec::new())
        });
    }

    fn lane(&mut self, issuer: &str) -> &mut Lane {
        self.state.lanes.entry(issuer.to_owned()).or_default()
    }

    fn count(&self) {
        let pending = i64::try_from(self.state.entries.len()).unwrap_or(i64::MAX);
        let oldest = self.state.ages.first().map(|(made_at, _)| *made_at);
        self.metrics.pending(pending, oldest);
    }
}

/// Tells whoever waits, once. One who has gone away does not matter.
fn answer(waiter: &mut Option<oneshot::Sender<Upstream>>, upstream: Upstream) {
    if let Some(waiter) = waiter.take() {
        waiter.send(upstream).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
