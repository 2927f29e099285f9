//! Three sentinels that watch a primary and its replicas.

use super::{
    options::Options,
    process::{PASSWORD, Process, USER},
    server::RedisServer,
    wait::until,
};

/// What the sentinels call the primary.
pub(crate) const MASTER: &str = "countersign";

const SENTINELS: usize = 3;

/// The servers, the first of which is the primary at first, and the sentinels.
#[derive(Debug)]
pub(crate) struct RedisSentinels {
    pub(crate) servers: Vec<RedisServer>,
    sentinels: Vec<Process>,
}

impl RedisSentinels {
    /// A primary with so many replicas, all with these options; sentinels with these lines in their configuration.
    pub(crate) async fn start(replicas: usize, options: &Options, sentinel_lines: &str) -> Self {
        let mut servers = vec![RedisServer::with(options).await];
        for _ in 0..replicas {
            let options = options.clone().replica_of(&servers[0]);
            servers.push(RedisServer::with(&options).await);
        }
        servers[0].replicas(replicas).await;
        let primary = servers[0].port();
        let mut sentinels = Vec::new();
        for _ in 0..SENTINELS {
            let configure = |port: u16, _: &std::path::Path| {
                format!(
                    "port {port}\nsentinel monitor {MASTER} 127.0.0.1 {primary} 2\n\
                     sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 3000\n\
                     sentinel auth-user {MASTER} {USER}\nsentinel auth-pass {MASTER} {PASSWORD}\n\
                     sentinel sentinel-user {USER}\nsentinel sentinel-pass {PASSWORD}\n{sentinel_lines}\n"
                )
            };
            sentinels.push(Process::start(true, configure).await);
        }
        let started = Self { servers, sentinels };
        started.met(replicas).await;
        started
    }

    /// Where the sentinels listen on 127.0.0.1.
    pub(crate) fn ports(&self) -> Vec<u16> {
        self.sentinels.iter().map(Process::port).collect()
    }

    /// One of them does nothing any more (SIGSTOP), and keeps its connections.
    pub(crate) async fn stop_sentinel(&self, number: usize) {
        self.sentinels[number].signal("STOP").await;
    }

    /// It goes on (SIGCONT).
    pub(crate) async fn sentinel_goes_on(&self, number: usize) {
        self.sentinels[number].signal("CONT").await;
    }

    /// One of them takes this server for the primary from now on.
    pub(crate) async fn sentinel_names(&self, number: usize, primary: &RedisServer) {
        let sentinel = &self.sentinels[number];
        let mut commands = redis::pipe();
        commands.cmd("SENTINEL").arg("REMOVE").arg(MASTER).ignore();
        let monitor = commands.cmd("SENTINEL").arg("MONITOR").arg(MASTER);
        monitor.arg("127.0.0.1").arg(primary.port()).arg(SENTINELS).ignore();
        sentinel.ask_together::<()>(&commands).await.unwrap();
    }

    /// The index of the server that all sentinels take for the primary.
    pub(crate) async fn primary(&self) -> Option<usize> {
        let mut said = Vec::new();
        for sentinel in &self.sentinels {
            let command = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER).clone();
            let (_, port): (String, u16) = sentinel.ask(&command).await.ok()?;
            said.push(self.servers.iter().position(|server| server.port() == port)?);
        }
        let first = *said.first()?;
        said.iter().all(|other| *other == first).then_some(first)
    }

    async fn met(&self, replicas: usize) {
        let know = format!("slaves={replicas},sentinels={SENTINELS}");
        for sentinel in &self.sentinels {
            until("the sentinels to know each other and the replicas", async || {
                let info: String = sentinel.ask(redis::cmd("INFO").arg("sentinel")).await.unwrap();
                info.contains(&know)
            })
            .await;
        }
    }
}
