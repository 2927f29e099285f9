//! An open connection, as those who use it see it.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::{
    Pipeline, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio_util::sync::CancellationToken;

use super::{address::Address, durability::Confirm};
use crate::store::redis::trouble::RedisTrouble;

/// Errors of a node that is not, or not any more, a primary: whatever goes there goes to the wrong one.
const NO_PRIMARY: [&str; 4] = ["READONLY", "UNBLOCKED", "MASTERDOWN", "LOADING"];
/// Errors that say that a connection is no good for what it was asked.
const ELSEWHERE: [&str; 3] = ["MOVED", "CLUSTERDOWN", "NOAUTH"];

/// A connection. Requests of many go over it in turn, and whoever gives up waiting for an answer changes nothing: redis-rs lets
/// the answer pass.
#[derive(Clone, Debug)]
pub(super) struct Conn {
    multiplexed: MultiplexedConnection,
    doubted: CancellationToken,
    /// Doubts about the node, which all connections to it have in common.
    node: CancellationToken,
    /// No other connection has it.
    pub(super) id: u64,
    pub(super) address: Address,
    /// What makes a write durable there.
    pub(super) confirm: Confirm,
}

impl Conn {
    pub(super) fn new(multiplexed: MultiplexedConnection, address: Address) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let node = CancellationToken::new();
        let doubted = node.child_token();
        Self { multiplexed, doubted, node, id, address, confirm: Confirm::default() }
    }

    /// Shares doubts about the node with its other connections.
    pub(super) fn share(&mut self, node: CancellationToken) {
        self.doubted = node.child_token();
        self.node = node;
    }

    /// The answers, the server's errors among them.
    pub(super) async fn run(&self, commands: &Pipeline) -> Result<Vec<Value>, RedisTrouble> {
        // A clone for each: they share the connection.
        let mut connection = self.multiplexed.clone();
        let answers = connection.req_packed_commands(commands, 0, commands.len()).await;
        let answers = answers.map_err(|error| match error.code() {
            Some(code) => RedisTrouble::refused(code, error.detail()),
            None => RedisTrouble::Lost,
        });
        match &answers {
            Ok(values) if says_any(values, &NO_PRIMARY) => self.node.cancel(),
            Ok(values) if says_any(values, &ELSEWHERE) => self.doubt(),
            Err(_) => self.doubt(),
            Ok(_) => {}
        }
        answers
    }

    /// Something is wrong with it: whoever keeps it makes another.
    pub(super) fn doubt(&self) {
        self.doubted.cancel();
    }

    /// Returns once somebody doubts.
    pub(super) async fn doubted(&self) {
        self.doubted.cancelled().await;
    }

    /// Whether somebody does: who comes now waits for the other one.
    pub(super) fn is_doubted(&self) -> bool {
        self.doubted.is_cancelled()
    }
}

fn says_any(values: &[Value], codes: &[&str]) -> bool {
    let says = |value: &Value| matches!(value, Value::ServerError(error) if codes.contains(&error.code()));
    values.iter().any(says)
}

/// The answers, if none of them is an error.
pub(super) fn all_good(answers: Vec<Value>) -> Result<Vec<Value>, RedisTrouble> {
    let error = answers
        .iter()
        .find_map(|answer| if let Value::ServerError(error) = answer { Some(error) } else { None });
    match error {
        Some(error) => Err(RedisTrouble::refused(error.code(), error.details())),
        None => Ok(answers),
    }
}
