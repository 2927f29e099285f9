//! The one task that records: whatever waits becomes one pipeline and one wait for durability, and each caller is answered after
//! it (R1). So a hundred calls at once wait for one disk, not for each other.

use std::sync::Arc;

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::{
    super::{error::StoreError, records::Revision},
    core::{Core, Task},
    record::revision,
    reply::unexpected,
    scripts::Where,
};

/// The most orders that one pipeline takes, so that their callers do not wait for everybody else's.
const MOST: usize = 256;
/// The most orders that wait. Behind more of them nobody is answered in time, and whoever is turned away keeps its order himself.
pub(super) const QUEUE: usize = 16 * MOST;

/// An order was not taken.
#[derive(Debug, thiserror::Error)]
#[error("more orders wait for Redis than it takes; {QUEUE} at most do")]
pub(super) struct Full;

/// Hands orders to the task, which ends when this is dropped and all that was handed over is done.
#[derive(Clone, Debug)]
pub(super) struct Writer(mpsc::Sender<Job>);

/// An order.
struct Job {
    tasks: Vec<Task>,
    answer: oneshot::Sender<Result<Revision, StoreError>>,
}

impl Writer {
    /// With what the task has to do.
    pub(super) fn new(core: Arc<Core>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, jobs) = mpsc::channel(QUEUE);
        (Self(sender), write(core, jobs))
    }

    /// Records it, whether or not the answer is waited for; an error at once if too many wait already.
    pub(super) async fn record(&self, tasks: Vec<Task>) -> Result<Revision, StoreError> {
        let (answer, recorded) = oneshot::channel();
        if let Err(TrySendError::Full(_job)) = self.0.try_send(Job { tasks, answer }) {
            return Err(StoreError::Redis { code: None, source: Arc::new(Full) });
        }
        // If the task is gone, the answer's sender is, too, which says so.
        recorded.await.unwrap_or_else(|_gone| Err(unexpected()))
    }
}

async fn write(core: Arc<Core>, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, MOST).await > 0 {
        commit(&core, std::mem::take(&mut batch)).await;
    }
}

/// One pipeline; a caller that has given up changes nothing.
async fn commit(core: &Core, batch: Vec<Job>) {
    let (mut tasks, mut waiting) = (Vec::new(), Vec::with_capacity(batch.len()));
    for job in batch {
        waiting.push((job.tasks.len(), job.answer));
        tasks.extend(job.tasks);
    }
    match core.run(Where::HomeDurably, &tasks).await {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            for (calls, answer) in waiting {
                drop(answer.send(one_of(answers.by_ref().take(calls))));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for (_calls, answer) in waiting {
                drop(answer.send(Err(StoreError::Together(Arc::clone(&error)))));
            }
        }
    }
}

/// The last revision of an order's calls, unless one of them failed.
fn one_of(answers: impl Iterator<Item = Result<redis::Value, StoreError>>) -> Result<Revision, StoreError> {
    let mut last = Err(unexpected());
    for answer in answers {
        last = Ok(revision(answer?)?);
    }
    last
}
