//! What can be wrong between this process and Redis.

use std::{error::Error, sync::Arc, time::Duration};

/// Why Redis did not do what it was asked. It may have done it all the same, unless it refused. No message holds a password, a
/// key or an argument.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RedisTrouble {
    /// There is no connection, and none could be made.
    #[error("Redis cannot be reached at {node} ({cause}); check `store.url`, the network and the server")]
    Unreachable {
        /// Where it should be.
        node: String,
        /// What the system or the library said.
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// The answer did not come in time; the connection is not used any more.
    #[error("Redis did not answer within {within:?}")]
    Unanswered {
        /// How long was waited.
        within: Duration,
    },
    /// The connection ended before the answer came.
    #[error("the connection to Redis ended before it answered")]
    Lost,
    /// Too few sentinels name the same primary, so that nobody can tell which it is.
    #[error(
        "{named} of {of} sentinels name the same primary of Redis, which is no majority; check them, and that `store.url` names all"
    )]
    NoMajority {
        /// By how many one is named.
        named: usize,
        /// How many there are.
        of: usize,
    },
    /// It was done, but is not as durable as `durability` says.
    #[error("Redis has not stored it as durably as `store.durability` says: {missing}")]
    NotDurable {
        /// What was waited for and did not come.
        missing: String,
    },
    /// The server's error.
    #[error("Redis refused a command: {code} {detail}")]
    Refused {
        /// Its first word: `NOSCRIPT`, `OOM`, `READONLY`, `NOPERM`, `ERR`.
        code: String,
        /// What it said, without arguments.
        detail: String,
    },
    /// It answers, and is not what a store can rest on.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// What about a Redis makes it unfit, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis at {node} is not fit to be the store: {what}; {advice}")]
pub struct Unfit {
    /// Which node.
    pub node: String,
    /// What kind of trouble it is.
    pub kind: UnfitKind,
    /// What was found.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// What kind of trouble an unfit Redis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfitKind {
    /// User name or password are wrong, or missing.
    Login,
    /// The user may not do what is needed.
    Permission,
    /// TLS fails.
    Tls,
    /// There is no such database.
    Database,
    /// A node of a cluster, or the reverse.
    Topology,
    /// A read replica.
    Replica,
    /// Keys can be evicted.
    Eviction,
    /// Less durable than configured.
    Durability,
    /// Too old.
    Version,
}

impl UnfitKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Login,
        Self::Permission,
        Self::Tls,
        Self::Database,
        Self::Topology,
        Self::Replica,
        Self::Eviction,
        Self::Durability,
        Self::Version,
    ];

    /// A word to count by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Permission => "permission",
            Self::Tls => "tls",
            Self::Database => "database",
            Self::Topology => "topology",
            Self::Replica => "replica",
            Self::Eviction => "eviction",
            Self::Durability => "durability",
            Self::Version => "version",
        }
    }
}

impl RedisTrouble {
    /// The server's error, by its first word.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Unreachable { .. }
            | Self::Unanswered { .. }
            | Self::Lost
            | Self::NoMajority { .. }
            | Self::NotDurable { .. }
            | Self::Unfit(_) => None,
        }
    }

    /// Whether waiting cannot mend it, so that a start is refused.
    pub(super) fn is_lasting(&self) -> bool {
        matches!(self, Self::Unfit(_))
    }

    /// Whether it is about a server that is no primary.
    pub(super) fn is_replica(&self) -> bool {
        matches!(self, Self::Unfit(Unfit { kind: UnfitKind::Replica, .. }))
    }

    /// A server's error, without what a caller has sent: an unknown command is quoted with its arguments.
    pub(super) fn refused(code: &str, detail: Option<&str>) -> Self {
        let detail = detail.unwrap_or_default();
        let detail = detail.split(", with args").next().unwrap_or_default();
        Self::Refused { code: code.to_owned(), detail: detail.chars().take(LONGEST_DETAIL).collect() }
    }
}

const LONGEST_DETAIL: usize = 300;
