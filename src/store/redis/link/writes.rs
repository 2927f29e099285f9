//! Writes that have to be durable: whatever waits goes together, and is confirmed once.

use std::sync::Arc;

use redis::{Cmd, Pipeline, Value};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

use super::{BOUND, conn::Conn, line::Line};
use crate::store::redis::trouble::RedisTrouble;

/// How many are sent as one at most.
const BATCH: usize = 128;

type Outcome = Result<Vec<Value>, RedisTrouble>;

/// One caller's commands, and where the answers go.
struct Write {
    commands: Vec<Cmd>,
    caller: oneshot::Sender<Outcome>,
}

/// The queue of writes, and the task that works on it, which ends when this is dropped.
///
/// They have a connection of their own: a client that waits for replicas holds up what comes behind it on its connection. The
/// confirmation is asked for behind the writes, on the same connection, so that it can be about no others: `WAIT` is about
/// the last write of its connection, and a new one has not written anything.
#[derive(Debug)]
pub(super) struct Writes {
    queue: mpsc::Sender<Write>,
    _worker: JoinSet<()>,
}

impl Writes {
    pub(super) fn over(line: Line) -> Self {
        let (queue, waiting) = mpsc::channel(BATCH);
        let mut worker = JoinSet::new();
        worker.spawn(work(Arc::new(line), waiting));
        Self { queue, _worker: worker }
    }

    /// Runs commands, and answers once what they wrote is durable. A caller who gives up changes nothing.
    pub(super) async fn run(&self, commands: &Pipeline) -> Outcome {
        let (caller, answer) = oneshot::channel();
        let write = Write { commands: commands.cmd_iter().cloned().collect(), caller };
        let answered = timeout(BOUND, async {
            self.queue.send(write).await.map_err(|_no_worker| RedisTrouble::Lost)?;
            answer.await.unwrap_or(Err(RedisTrouble::Lost))
        });
        answered.await.unwrap_or(Err(RedisTrouble::Unanswered { within: BOUND }))
    }
}

async fn work(line: Arc<Line>, mut waiting: mpsc::Receiver<Write>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let together = |conn: &Conn| {
            let mut pipeline = Pipeline::new();
            for command in batch.iter().flat_map(|write: &Write| &write.commands) {
                pipeline.add_command(command.clone());
            }
            if let Some(confirm) = conn.confirm.command() {
                pipeline.add_command(confirm);
            }
            pipeline
        };
        match line.run_on(BOUND, together).await {
            Ok((answers, conn)) => answer(&mut batch, answers, &conn),
            Err(trouble) => batch.drain(..).for_each(|write| tell(write.caller, Err(trouble.clone()))),
        }
    }
}

/// Gives everybody what is theirs. What was not confirmed was not for anybody, but an error of one is nobody else's. Who has both
/// errors and answers has written something, which is confirmed like everybody's.
fn answer(batch: &mut Vec<Write>, answers: Vec<Value>, conn: &Conn) {
    let mut answers = answers.into_iter();
    let shares: Vec<(Write, Vec<Value>)> = batch
        .drain(..)
        .map(|write| {
            let share = answers.by_ref().take(write.commands.len()).collect();
            (write, share)
        })
        .collect();
    let confirmed = conn.confirm.judge(answers.next().as_ref());
    for (write, share) in shares {
        let is_error = |answer: &Value| matches!(answer, Value::ServerError(_));
        let nothing_written = !share.is_empty() && share.iter().all(is_error);
        let outcome = if nothing_written { Ok(()) } else { confirmed.clone() };
        tell(write.caller, outcome.map(|()| share));
    }
}

/// Whoever gave up does not hear it.
fn tell(caller: oneshot::Sender<Outcome>, outcome: Outcome) {
    drop(caller.send(outcome));
}
