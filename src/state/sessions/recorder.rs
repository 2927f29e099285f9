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
/// Before what the store did not take is tried again.
const PAUSE: Duration = Duration::from_secs(1);

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
        if !sessions.is_empty() {
            save(&*store, sessions, &stopping).await;
        }
        for done in flushes {
            // Whoever waited may have given up.
            let _waits = done.send(());
        }
    }
}

/// Tries once more, later: what a short trouble of the store costs is a moment. After that the sessions are let go; they are
/// looked up, and written, when the next replica or restart sees them.
async fn save(store: &dyn Store, sessions: Vec<SessionRecord>, stopping: &CancellationToken) {
    if store.remember_sessions(sessions.clone()).await.is_ok() {
        return;
    }
    stopping.run_until_cancelled(sleep(PAUSE)).await;
    if let Err(error) = store.remember_sessions(sessions).await {
        tracing::warn!(
            error.message = %error,
            "the store did not take what sessions were seen; it is asked about them again after a restart"
        );
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
