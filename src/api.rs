//! The only server code: gRPC services, the admin port, and checks over HTTP.

pub mod connection;
pub mod grpc;
pub mod http;
pub mod listener;
mod socket_file;

use std::{fmt, net::SocketAddr, path::PathBuf};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// `127.0.0.1:50051`.
    Tcp(SocketAddr),
    /// `unix:/run/countersign/grpc.sock`.
    Unix(PathBuf),
}

/// As in the configuration.
impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The process-wide limits (`limits` in the configuration).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Longer tokens are refused unread.
    pub max_token_bytes: usize,
    /// Calls at work at once; more are answered OVERLOADED.
    pub max_concurrent: usize,
    /// How long calls in flight may take to finish once the process drains.
    pub drain: std::time::Duration,
}

/// The `server` section of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Whether `grpc.reflection` answers.
    pub reflection: bool,
    /// Connections older than this are asked to go elsewhere; calls on them finish. `None`: never.
    pub max_connection_age: Option<std::time::Duration>,
    /// Interval of HTTP/2 pings. `None`: none.
    pub keepalive: Option<std::time::Duration>,
    /// Limit for a request's headers together, in bytes.
    pub max_header_bytes: u32,
}
