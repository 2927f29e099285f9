//! Where a node is.

use std::fmt;

use crate::store::settings::RedisNode;

/// A node's address, that can be shown and compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl From<&RedisNode> for Address {
    fn from(node: &RedisNode) -> Self {
        Self { host: node.host.clone(), port: node.port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}
