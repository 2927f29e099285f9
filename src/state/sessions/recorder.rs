//! Writes sessions to the store in the background.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ops::{drain::Tasks, metrics::SightMetrics},
    store::{SessionRecord, Store},
};

/// How many sessions may wait to be written. What comes on top is counted and written when the session is looked up again.
const WAITING: usize = 50_000;
/// How many are written at once.
const AT_ONCE: usize = 1000;
/// Before what the store did not take is tried again; each further pause is twice as long...
const PAUSE: Duration = Duration::from_secs(1);
/// ...up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

enum Note {
    Session(Box<SessionRecord>),
    Flush(oneshot::Sender<()>),
}

pub(super) struct Recorder {
    notes: mpsc::Sender<Note>,
    metrics: SightMetrics,
}

impl Recorder {
    pub(super) fn start(store: Arc<dyn Store>, metrics: SightMetrics, tasks: &Tasks) -> Self {
        let (notes, waiting) = mpsc::channel(WAITING);
        let stopping = tasks.stopping().clone();
        tasks.spawn(write(store, waiting, stopping));
        Self { notes, metrics }
    }

    pub(super) fn remember(&self, session: SessionRecord) {
        if self.notes.try_send(Note::Session(Box::new(session))).is_err() {
            self.metrics.dropped();
        }
    }

    pub(super) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.notes.send(Note::Flush(done)).await.is_ok() {
            // An error is a writer that has ended: there is nothing to wait for.
            drop(wait.await);
        }
    }
}

/// Until the process stops, and then the rest.
async fn write(store: Arc<dyn Store>, mut waiting: mpsc::Receiver<Note>, stopping: CancellationToken) {
    let mut notes = Vec::new();
    loop {
        let received = stopping.run_until_cancelled(waiting.recv_many(&mut notes, AT_ONCE)).await;
        if received.is_none() {
            waiting.close();
            waiting.recv_many(&mut notes, WAITING).await;
        }
        if notes.is_empty() {
            return;
        }
        let (sessions, flushes) = split(&mut notes);
        let saved = sessions.is_empty() || store.remember_sessions(sessions.clone()).await.is_ok();
        for done in flushes {
            // Whoever waited may have given up; and nobody waits for a store that fails.
            let _waits = done.send(());
        }
        if !saved {
            save_later(&*store, sessions, &stopping).await;
        }
    }
}

/// Until the store takes them, or the process stops: then they are looked up, and written, after the restart.
async fn save_later(store: &dyn Store, sessions: Vec<SessionRecord>, stopping: &CancellationToken) {
    let mut pause = PAUSE;
    loop {
        let stops = stopping.run_until_cancelled(sleep(pause)).await.is_none();
        pause = (pause * 2).min(LONGEST_PAUSE);
        match store.remember_sessions(sessions.clone()).await {
            Ok(()) => return,
            Err(error) if stops => {
                tracing::warn!(
                    error.message = %error,
                    "the store did not take what sessions were seen; it is asked about them again after a restart"
                );
                return;
            }
            Err(_fails_still) => {}
        }
    }
}

fn split(notes: &mut Vec<Note>) -> (Vec<SessionRecord>, Vec<oneshot::Sender<()>>) {
    let (mut sessions, mut flushes) = (Vec::with_capacity(notes.len()), Vec::new());
    for note in notes.drain(..) {
        match note {
            Note::Session(session) => sessions.push(*session),
            Note::Flush(done) => flushes.push(done),
        }
    }
    (sessions, flushes)
}
