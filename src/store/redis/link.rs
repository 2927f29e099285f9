//! The connections to Redis, however it is set up: one server, sentinels, or a cluster.
//!
//! Each connection is kept by a task of its own (`line`), which finds the primary anew whenever it has to connect (`places`), and
//! uses no node that says it is none. Requests are bounded; while nothing is there, they fail at once.

mod address;
mod attempt;
mod backoff;
mod checks;
mod cluster;
mod conn;
mod connect;
mod durability;
mod line;
mod node_writes;
mod nodes;
mod places;
mod sentinel;
mod slot;
#[cfg(test)]
mod tests;
mod tls;
mod watch;
mod writes;

use std::{
    fmt,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use redis::{Cmd, Pipeline, Value};
use tokio::time::timeout;

pub use self::checks::{Found, Kept};
use self::{
    address::Address,
    attempt::{Common, Target},
    connect::{Connector, Login},
    line::Line,
    node_writes::NodeWrites,
    nodes::Nodes,
    places::Places,
    slot::slot,
    writes::Writes,
};
use super::trouble::RedisTrouble;
use crate::store::{error::StoreError, settings::RedisSettings};

/// How long a request may take, with waiting for a connection.
const BOUND: Duration = Duration::from_secs(2);

/// The connections.
pub(super) struct Link {
    common: Arc<Common>,
    home: Line,
    writes: Writes,
    feed: Feed,
    nodes: Nodes,
    node_writes: NodeWrites,
}

/// The connection on which somebody waits for news: one at a time.
struct Feed {
    line: Line,
    turn: tokio::sync::Mutex<()>,
}

impl Link {
    /// Connects, and looks whether it is a Redis that a store can rest on: an error if it is not. One that cannot be reached is
    /// no error, and is tried again and again; once it is there, it is not used before it was found fit.
    pub(super) async fn open(settings: &RedisSettings) -> Result<Self, StoreError> {
        let common = Arc::new(common(settings));
        let home = Line::open(Arc::clone(&common), Target::HomeChecked);
        if let Err(trouble) = home.first_attempt().await
            && trouble.is_lasting()
        {
            return Err(trouble.into());
        }
        let another = |target| Line::open(Arc::clone(&common), target);
        Ok(Self {
            home,
            writes: Writes::over(another(Target::HomeDurable)),
            feed: Feed { line: another(Target::Home), turn: tokio::sync::Mutex::new(()) },
            nodes: Nodes::new(Arc::clone(&common)),
            node_writes: NodeWrites::new(Arc::clone(&common)),
            common,
        })
    }

    /// All of these on the home slot's primary, in order, on one connection. There is an answer to each, which can be the server's
    /// error. The pipeline is not `atomic`.
    pub(super) async fn home(&self, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        Ok(self.home.run(commands, BOUND).await?)
    }

    /// The same, answered once it is as durable as configured. They must write something: what confirms it is about what was
    /// written last. If one of the answers is an error, that is all that is said.
    pub(super) async fn home_durably(&self, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        Ok(self.writes.run(commands).await?)
    }

    /// The same as `home` on the primary that has this key's slot.
    pub(super) async fn at(&self, key: &[u8], commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let ran = timeout(BOUND, self.nodes.run(&self.home, slot(key), commands)).await;
        Ok(ran.unwrap_or(Err(RedisTrouble::Unanswered { within: BOUND }))?)
    }

    /// The same as `home_durably` on the primary that has this key's slot.
    pub(super) async fn at_durably(&self, key: &[u8], commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let ran = timeout(BOUND, self.node_writes.run(&self.writes, slot(key), commands)).await;
        Ok(ran.unwrap_or(Err(RedisTrouble::Unanswered { within: BOUND }))?)
    }

    /// One command on a connection of its own, which may wait so long for its answer. Only one at a time: others wait for it.
    pub(super) async fn blocking(&self, command: &Cmd, wait: Duration) -> Result<Value, StoreError> {
        let Feed { line, turn } = &self.feed;
        let _turn = turn.lock().await;
        // Whoever gives up leaves a connection behind on which the server still waits.
        let abandoned = Abandoned(Some(line));
        let mut one = Pipeline::new();
        one.add_command(command.clone());
        let answers = line.run(&one, wait.saturating_add(BOUND)).await;
        abandoned.not();
        Ok(answers?.into_iter().next().ok_or(RedisTrouble::Lost)?)
    }

    /// The keys that match, of every primary. For exports: it reads the whole key space.
    pub(super) async fn scan(&self, pattern: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let lines = self.nodes.all().await?;
        let mut keys = Vec::new();
        if lines.is_empty() {
            nodes::scan(&self.home, pattern, &mut keys).await?;
        }
        for line in lines {
            nodes::scan(&line, pattern, &mut keys).await?;
        }
        // A scan may name a key more than once.
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    /// What every key begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.common.prefix
    }

    /// What the last look at the primary found.
    pub(super) fn found(&self) -> Found {
        self.common.change_found(|found| found.clone())
    }
}

/// Nothing of the settings, which hold passwords.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("prefix", &self.common.prefix).finish_non_exhaustive()
    }
}

/// The feed's connection, unless its caller heard the answer.
struct Abandoned<'l>(Option<&'l Line>);

impl Abandoned<'_> {
    fn not(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(line) = self.0 {
            line.doubt();
        }
    }
}

fn common(settings: &RedisSettings) -> Common {
    let nodes: Vec<Address> = settings.nodes.iter().map(Address::from).collect();
    let connector = Connector {
        tls: settings.tls.clone(),
        login_is: "user and password in `store.url`",
        login: Login {
            username: settings.username.clone(),
            password: settings.password.clone(),
            database: settings.database,
        },
    };
    Common {
        places: Places::new(nodes, &settings.topology, &connector),
        connector,
        topology: settings.topology.clone(),
        durability: settings.durability,
        home: slot(format!("{{{}}}:meta", settings.prefix).as_bytes()),
        prefix: settings.prefix.clone(),
        was_fit: AtomicBool::new(false),
        found: Mutex::default(),
        doubts: Mutex::default(),
    }
}
