//! Real Redis servers for tests, each in a process and a directory of its own that end with the test.
//!
//! It names nothing of this crate, because the integration tests include it by its path.

#[path = "redis/cluster.rs"]
mod cluster;
#[path = "redis/options.rs"]
mod options;
#[path = "redis/ports.rs"]
mod ports;
#[path = "redis/process.rs"]
mod process;
#[path = "redis/sentinel.rs"]
mod sentinel;
#[path = "redis/server.rs"]
mod server;
#[path = "redis/tls.rs"]
mod tls;
#[path = "redis/wait.rs"]
mod wait;

pub(crate) use self::{
    cluster::RedisCluster,
    options::{Fsync, Options},
    sentinel::{MASTER, RedisSentinels},
    server::RedisServer,
    tls::Authority,
    wait::until,
};
