//! How a server is started: lines of its configuration.

use std::fmt::{Display, Write};

use super::{server::RedisServer, tls::Authority};

/// When the append-only file is on the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fsync {
    Always,
    EverySecond,
    No,
}

/// What differs from a server that keeps nothing and lets everybody in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(super) lines: String,
    pub(super) tls: bool,
    pub(super) authority: Option<Authority>,
}

impl Options {
    /// A line of `redis.conf`.
    pub(crate) fn line(mut self, line: impl Display) -> Self {
        writeln!(self.lines, "{line}").unwrap();
        self
    }

    /// With an append-only file.
    pub(crate) fn append_only(self, fsync: Fsync) -> Self {
        let when = match fsync {
            Fsync::Always => "always",
            Fsync::EverySecond => "everysec",
            Fsync::No => "no",
        };
        self.line("appendonly yes").line(format_args!("appendfsync {when}"))
    }

    /// The default user has a password.
    pub(crate) fn password(self, password: &str) -> Self {
        self.line(format_args!("requirepass {password}"))
    }

    /// Another user, with rules as in `ACL SETUSER`.
    pub(crate) fn user(self, name: &str, rules: &str) -> Self {
        self.line(format_args!("user {name} on {rules}"))
    }

    /// Nobody comes in as the default user.
    pub(crate) fn no_default_user(self) -> Self {
        self.line("user default off")
    }

    /// What is removed once `bytes` are used, and how it is chosen.
    pub(crate) fn memory(self, bytes: u64, policy: &str) -> Self {
        self.line(format_args!("maxmemory {bytes}")).line(format_args!("maxmemory-policy {policy}"))
    }

    /// A read replica of a server (that speaks no TLS).
    pub(crate) fn replica_of(self, primary: &RedisServer) -> Self {
        self.line(format_args!("replicaof 127.0.0.1 {}", primary.port()))
    }

    /// Nothing but TLS, with a certificate for `localhost` and 127.0.0.1.
    pub(crate) fn tls(mut self, authority: &Authority) -> Self {
        self.tls = true;
        self.authority = Some(authority.clone());
        self.line("tls-auth-clients no")
    }

    /// The same, and clients have to show a certificate of the same authority.
    pub(crate) fn mutual_tls(mut self, authority: &Authority) -> Self {
        self.tls = true;
        self.authority = Some(authority.clone());
        self.line("tls-auth-clients yes")
    }
}
