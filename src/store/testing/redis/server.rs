//! A server by itself: a primary, a read replica, or a node of a cluster.

use std::path::Path;

use redis::{Cmd, FromRedisValue, RedisResult};

use super::{
    options::Options,
    process::{PASSWORD, Process, USER},
    wait::until,
};

/// A server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct RedisServer(Process);

impl RedisServer {
    /// One that keeps nothing and lets everybody in.
    pub(crate) async fn start() -> Self {
        Self::with(&Options::default()).await
    }

    /// One with these options.
    pub(crate) async fn with(options: &Options) -> Self {
        Self(Process::start(false, |port, directory| configuration(options, port, directory)).await)
    }

    /// Where it listens on 127.0.0.1: with TLS if that is what it was started with.
    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    /// Its address in a configuration.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        self.0.log()
    }

    /// Runs a command, as one who may do everything.
    pub(crate) async fn try_ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        self.0.ask(command).await
    }

    /// The same; fails the test if it does not work.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> T {
        self.try_ask(command).await.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// The same with the words of a command line.
    pub(crate) async fn run<T: FromRedisValue>(&self, words: &str) -> T {
        let mut command = Cmd::new();
        for word in words.split_whitespace() {
            command.arg(word);
        }
        self.ask(&command).await
    }

    /// Runs commands on one connection.
    pub(crate) async fn run_together<T: FromRedisValue>(&self, commands: &redis::Pipeline) -> T {
        self.0.ask_together(commands).await.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// A field of `INFO`.
    pub(crate) async fn info(&self, field: &str) -> Option<String> {
        let info: String = self.run("INFO everything").await;
        let lines = info.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(name, _)| *name == field).map(|(_, value)| value.to_owned()).next()
    }

    /// Ends it at once (SIGKILL), and waits until it is gone.
    pub(crate) async fn kill9(&mut self) {
        self.0.kill9().await;
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub(crate) async fn terminate(&mut self) {
        self.0.terminate().await;
    }

    /// Kills it if it runs, and starts it where it was, with the files it had.
    pub(crate) async fn restart(&mut self) {
        self.0.restart(false).await;
    }

    /// The same, with nothing.
    pub(crate) async fn restart_empty(&mut self) {
        self.0.restart(true).await;
    }

    /// It does nothing any more (SIGSTOP), and keeps its connections.
    pub(crate) async fn stop(&self) {
        self.0.signal("STOP").await;
    }

    /// It goes on (SIGCONT).
    pub(crate) async fn go_on(&self) {
        self.0.signal("CONT").await;
    }

    /// Waits until so many replicas follow it, and acknowledge: one that still loads what it was sent is called online, too.
    pub(crate) async fn replicas(&self, many: usize) {
        until("the replicas to follow", async || {
            let replicas = self.info("connected_slaves").await;
            let online = (0..many).map(|number| format!("slave{number}"));
            let mut all_online = replicas.is_some_and(|it| it == many.to_string());
            for replica in online {
                all_online &= self.info(&replica).await.is_some_and(|it| it.contains("state=online"));
            }
            all_online && self.0.is_acknowledged_by(many).await.unwrap()
        })
        .await;
    }
}

fn configuration(options: &Options, port: u16, directory: &Path) -> String {
    // Replicas say at once what they have, and lost ones are noticed soon.
    let always = format!(
        "save \"\"\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\nmasteruser {USER}\nmasterauth {PASSWORD}\n"
    );
    let port = match &options.authority {
        Some(authority) if options.tls => {
            let (leaf, key) = authority.issue(directory, "server");
            let ca = directory.join("ca.crt");
            authority.write(&ca);
            format!(
                "port 0\ntls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n",
                leaf.display(),
                key.display(),
                ca.display()
            )
        }
        _ => format!("port {port}\n"),
    };
    always + &port + &options.lines
}
