//! The one thread that writes revocations: whatever waits becomes one transaction and one fsync, and each caller is answered
//! after it (R1). So a hundred calls at once wait for one disk, not for each other.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use redb::{Database, Durability, WriteTransaction};
use tokio::sync::oneshot;

use super::{failure::Failure, file::StoreFile};

/// The most that one transaction takes, so that its callers do not wait for everybody else's.
const MOST: usize = 1024;

/// Hands work to the thread, which ends when this is dropped and all work is done.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

/// Work to be done in a transaction with others' work. It may be done again, if that transaction failed.
trait Job: Send {
    fn run(&mut self, transaction: &WriteTransaction) -> Result<(), Failure>;

    /// Once the transaction is on disk, or will never be.
    fn answer(self: Box<Self>, outcome: Result<(), Failure>);
}

struct Task<T, F> {
    work: F,
    done: Option<T>,
    caller: oneshot::Sender<Result<T, Failure>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&WriteTransaction) -> Result<T, Failure> + Send,
{
    fn run(&mut self, transaction: &WriteTransaction) -> Result<(), Failure> {
        self.done = Some((self.work)(transaction)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { done, caller, .. } = *self;
        // A caller that has given up changes nothing.
        drop(caller.send(outcome.and_then(|()| done.ok_or(Failure::Lost))));
    }
}

impl Writer {
    pub(super) fn start(file: Arc<StoreFile>) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || write(&file, &jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Takes work at once, whether or not the answer is waited for.
    pub(super) fn take<T, F>(&self, work: F) -> oneshot::Receiver<Result<T, Failure>>
    where
        T: Send + 'static,
        F: FnMut(&WriteTransaction) -> Result<T, Failure> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // Refused only if the thread is gone; then the answer's sender is, too, which says so.
            drop(queue.send(Box::new(Task { work, done: None, caller })));
        }
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // Its panics are caught where they happen.
            drop(thread.join());
        }
    }
}

fn write(file: &StoreFile, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(MOST - 1));
        // Who waited for what panicked sees the answer's sender gone.
        if catch_unwind(AssertUnwindSafe(|| commit(file, batch))).is_err() {
            file.distrust();
        }
    }
}

/// Commits all of it, without what cannot be done, and answers everybody.
fn commit(file: &StoreFile, mut batch: Vec<Box<dyn Job>>) {
    while !batch.is_empty() {
        match attempt_twice(file, &mut batch) {
            Ok(None) => return batch.into_iter().for_each(|job| job.answer(Ok(()))),
            Ok(Some((at, failure))) => batch.remove(at).answer(Err(failure)),
            Err(failure) => return batch.into_iter().for_each(|job| job.answer(Err(failure.clone()))),
        }
    }
}

/// Once more if the file was found failed from before, so that its recovery costs nobody an error.
fn attempt_twice(file: &StoreFile, batch: &mut [Box<dyn Job>]) -> Result<Option<(usize, Failure)>, Failure> {
    let done = match file.with(|database| attempt(database, batch)) {
        Err(failure) if failure.is_of_before() => file.with(|database| attempt(database, batch)),
        done => done,
    };
    if matches!(done, Ok(None)) {
        file.committed();
    }
    done
}

/// One transaction. A job that cannot be done is named, and nothing was written: the others go again without it.
fn attempt(database: &Database, batch: &mut [Box<dyn Job>]) -> Result<Option<(usize, Failure)>, Failure> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(redb::Error::from)?;
    for (at, job) in batch.iter_mut().enumerate() {
        match job.run(&transaction) {
            Ok(()) => {}
            Err(failure) if failure.needs_reopening() => return Err(failure),
            Err(failure) => {
                transaction.abort()?;
                return Ok(Some((at, failure)));
            }
        }
    }
    transaction.commit()?;
    Ok(None)
}
