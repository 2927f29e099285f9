//! The `store` section of the configuration.

use std::path::PathBuf;

use crate::domain::secret::Secret;

/// Where state is kept, and what seals it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Which store.
    pub kind: StoreKind,
    /// The key ring's file; `None`, which only the embedded store takes: beside the store, made on first start.
    pub key_ring: Option<PathBuf>,
}

/// Which store, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A file of this process.
    Embedded {
        /// The file.
        path: PathBuf,
    },
    /// Redis, which other replicas use, too.
    Redis(Box<RedisSettings>),
}

/// How Redis is reached, and what it has to promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// The server; the sentinels; or some nodes of the cluster.
    pub nodes: Vec<RedisNode>,
    /// Which of these they are.
    pub topology: Topology,
    /// The number of the database; zero in a cluster.
    pub database: u32,
    /// The ACL user; `None`: `default`.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// TLS to every node; `None`: none.
    pub tls: Option<RedisTls>,
    /// What every key begins with: whoever shares it shares everything.
    pub prefix: String,
    /// When something counts as stored (R1).
    pub durability: Durability,
}

/// A node's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisNode {
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// What the nodes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One server, under however many names.
    Single,
    /// Sentinels, which know the primary.
    Sentinel {
        /// What they call it.
        master: String,
        /// The sentinels' own ACL user.
        username: Option<String>,
        /// And its password.
        password: Option<Secret>,
    },
    /// Nodes of a cluster.
    Cluster,
}

/// TLS to Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisTls {
    /// Certificates of the authorities that are believed; `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// Our own certificate and key, where the server asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// When Redis has stored something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the primary's disk.
    Fsync,
    /// When so many replicas have it in memory.
    Replicas(u8),
    /// When the primary has it in memory: its end loses it.
    Memory,
}

impl StoreSettings {
    /// The embedded store in this file, its key ring beside it.
    pub fn embedded(path: impl Into<PathBuf>) -> Self {
        Self { kind: StoreKind::Embedded { path: path.into() }, key_ring: None }
    }
}
