//! One connection that is kept: lost, it is made again.

use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    attempt::{SharedCommon, Target},
    backoff::{backoff, chance},
    conn::Conn,
};
use crate::store::redis::trouble::RedisTrouble;

/// A connection that lived so long was a good one: the next attempt is made at once.
const STEADY: Duration = Duration::from_secs(5);

/// How often a request goes to where its slot has moved.
pub(super) const MOVES: usize = 3;

/// What is known of the connection.
#[derive(Clone, Debug)]
enum State {
    /// An attempt is made, and it is not known to be in vain: callers wait for it.
    Connecting,
    /// It is there.
    Up(Conn),
    /// The last attempt failed: callers hear so at once, until one succeeds.
    Down(RedisTrouble),
}

/// A connection that is kept by a task of its own, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Line {
    state: watch::Receiver<State>,
    /// Whether it goes where the slot is, and not to one node.
    follows: bool,
    _keeper: JoinSet<()>,
}

impl Line {
    /// Begins to connect.
    pub(super) fn open(common: SharedCommon, target: Target) -> Self {
        let (sender, state) = watch::channel(State::Connecting);
        let follows = !matches!(target, Target::Node(_));
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(common, target, sender));
        Self { state, follows, _keeper: keeper }
    }

    /// Returns once the first attempt has succeeded or failed.
    pub(super) async fn first_attempt(&self) -> Result<(), RedisTrouble> {
        self.up(None).await.map(drop)
    }

    /// Runs commands in their order. Every answer is there, the server's errors among them, unless the connection fails.
    pub(super) async fn run(
        &self,
        commands: &Pipeline,
        within: Duration,
    ) -> Result<Vec<Value>, RedisTrouble> {
        self.run_on(within, |_conn| commands.clone()).await.map(|(answers, _conn)| answers)
    }

    /// The same with commands that depend on the connection, which is returned, too.
    pub(super) async fn run_on(
        &self,
        within: Duration,
        commands: impl Fn(&Conn) -> Pipeline + Send + Sync,
    ) -> Result<(Vec<Value>, Conn), RedisTrouble> {
        let mut used: Option<Conn> = None;
        let ran = timeout(within, async {
            let mut moves = 0;
            loop {
                let conn = self.up(used.as_ref().map(|conn| conn.id)).await?;
                used = Some(conn.clone());
                let answers = conn.run(&commands(&conn)).await?;
                // Nothing of it has been done there.
                moves += 1;
                if !self.follows || !has_moved(&answers) || moves > MOVES {
                    return Ok((answers, conn));
                }
            }
        })
        .await;
        ran.unwrap_or_else(|_elapsed| {
            // Nobody knows what a connection that does not answer is good for.
            if let Some(conn) = used {
                conn.doubt();
            }
            Err(RedisTrouble::Unanswered { within })
        })
    }

    /// The connection, once it is another than this.
    async fn up(&self, but: Option<u64>) -> Result<Conn, RedisTrouble> {
        let mut state = self.state.clone();
        let settled = |state: &State| match state {
            State::Connecting => false,
            State::Up(conn) => Some(conn.id) != but && !conn.is_doubted(),
            State::Down(_) => true,
        };
        let settled = state.wait_for(settled).await.map_err(|_no_keeper| RedisTrouble::Lost)?;
        match &*settled {
            State::Up(conn) => Ok(conn.clone()),
            State::Down(trouble) => Err(trouble.clone()),
            State::Connecting => Err(RedisTrouble::Lost),
        }
    }

    /// Makes another connection.
    pub(super) fn doubt(&self) {
        if let State::Up(conn) = &*self.state.borrow() {
            conn.doubt();
        }
    }
}

/// Whether the first of them says that its slot is elsewhere; then all of them do.
pub(super) fn has_moved(answers: &[Value]) -> bool {
    matches!(answers.first(), Some(Value::ServerError(error)) if error.code() == "MOVED")
}

/// Makes the connection, and makes it again, without end.
async fn keep(common: SharedCommon, target: Target, state: watch::Sender<State>) {
    let mut pauses = backoff();
    let mut voice = Voice::new(&target);
    loop {
        match common.attempt(&target).await {
            Ok((conn, driver)) => {
                voice.up(&conn);
                let since = Instant::now();
                state.send_replace(State::Up(conn.clone()));
                tokio::select! {
                    () = driver => {}
                    () = conn.doubted() => {}
                    () = common.watch(&conn, &target) => conn.doubt(),
                }
                state.send_replace(State::Connecting);
                if since.elapsed() > STEADY {
                    pauses = backoff();
                } else {
                    sleep(pauses.next(chance())).await;
                }
            }
            Err(trouble) => {
                voice.down(&trouble);
                state.send_replace(State::Down(trouble));
                sleep(pauses.next(chance())).await;
            }
        }
    }
}

/// Says when Redis is lost and found: one connection for all.
#[derive(Debug)]
struct Voice {
    speaks: bool,
    /// What was said, since it is lost.
    down: Option<RedisTrouble>,
}

impl Voice {
    fn new(target: &Target) -> Self {
        Self { speaks: matches!(target, Target::HomeChecked), down: None }
    }

    fn up(&mut self, conn: &Conn) {
        if self.down.take().is_some() && self.speaks {
            tracing::info!(server.address = %conn.address, "Redis is reached again");
        }
    }

    fn down(&mut self, trouble: &RedisTrouble) {
        // That it is there by now and must not be used is news.
        let is_news = self.down.as_ref().is_none_or(|said| trouble.is_lasting() && !said.is_lasting());
        if is_news && self.speaks {
            tracing::error!(error.message = %trouble, "Redis cannot be used");
        }
        self.down = Some(trouble.clone());
    }
}
