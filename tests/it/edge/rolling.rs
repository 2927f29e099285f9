//! Every replica behind one Envoy is replaced, one after another, under load: no request fails, and no revocation is lost.
//!
//! Requests are checked at Envoy's edge by whichever replica it chooses, and gRPC callers reach the replicas through it, too; it
//! knows them by active health checks. `ROLLING_UPDATES` says how often all of them are replaced.

mod fleet;
mod load;

use std::sync::Arc;

use fleet::Fleet;
pub(super) use fleet::Retries;
use load::{Load, Shared};

use super::{
    replicas::shared,
    scene::{AUDIENCE, ISSUER, Signers},
    upstream::Upstream,
};
use crate::{
    revocation::{asked, victims::Reads},
    support::{ports, redis::RedisServer, service::Service, tokens::key_set},
};

const REPLICAS: usize = 3;

/// The replicas' common part.
struct Deployment {
    yaml: String,
    files: [(&'static str, Vec<u8>); 2],
    _redis: RedisServer,
}

impl Deployment {
    async fn new(signers: &Signers) -> Self {
        let redis = RedisServer::start().await;
        let (shared, ring) = shared(&redis, "");
        let issuer = format!("{{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}");
        let keys = key_set(&[&signers.first]).to_string().into_bytes();
        let files = [("keys.json", keys), ("ring.keys", ring)];
        Self { yaml: format!("issuers: [{issuer}]\n{shared}"), files, _redis: redis }
    }

    /// One more replica, which is ready.
    async fn replica(&self) -> Replica {
        let port = ports::reserve();
        // The socket is for what the drill asks by itself.
        let yaml = format!("listen: ['unix:@directory@/grpc.sock', '127.0.0.1:{port}']\n{}", self.yaml);
        let files: Vec<_> = self.files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
        Replica { service: Service::start_with_files(&yaml, &files).await, port }
    }
}

struct Replica {
    service: Service,
    port: u16,
}

impl Replica {
    /// Asks it to end, which it does without cutting a call.
    async fn end(&mut self) {
        self.service.sigterm().await;
        let status = self.service.wait_exit().await;
        assert!(status.success(), "{status}:\n{}", self.service.output());
    }
}

/// A deployment under load.
struct Drill {
    /// First, so that it ends before whom it asks.
    load: Load,
    fleet: Fleet,
    upstream: Upstream,
    replicas: Vec<Replica>,
    deployment: Deployment,
}

impl Drill {
    async fn start(retries: Retries) -> Self {
        let (signers, upstream) = (Signers::new(), Upstream::start().await);
        let deployment = Deployment::new(&signers).await;
        let mut replicas = Vec::new();
        for _ in 0..REPLICAS {
            replicas.push(deployment.replica().await);
        }
        let fleet = Fleet::start(&upstream, &ports_of(&replicas), retries).await;
        let load = Load::start(signers, &fleet).await;
        let drill = Self { load, fleet, upstream, replicas, deployment };
        drill.all_refused().await;
        drill
    }

    /// As a Deployment with `maxSurge` does it: the new one takes calls before the old one is taken off the list, which ends once
    /// nobody sends it new calls.
    async fn replace(&mut self) {
        let new = self.deployment.replica().await;
        self.replicas.push(new);
        self.told().await;
        self.load.more().await;
        let mut old = self.replicas.remove(0);
        self.told().await;
        // Envoy says so before its workers know.
        self.load.more().await;
        old.end().await;
    }

    /// As it is without Kubernetes: the old one ends while it gets calls, and the new one has its address.
    async fn restart(&mut self, which: usize) {
        self.replicas[which].end().await;
        let mut others = ports_of(&self.replicas);
        others.remove(which);
        self.fleet.healthy(&others).await;
        self.load.more().await;
        self.replicas[which].service.restart().await;
        self.fleet.healthy(&ports_of(&self.replicas)).await;
    }

    /// Envoy is told who is there, and has taken it.
    async fn told(&self) {
        let ports = ports_of(&self.replicas);
        self.fleet.tell(&ports);
        self.fleet.healthy(&ports).await;
    }

    /// Every revocation that was answered, through whichever replica, counts on each one that there is now.
    async fn all_refused(&self) {
        self.load.more().await;
        let known = self.load.revoked();
        refused_by(&self.replicas, &self.load.shared).await;
        // Whoever starts later has read them before it is ready.
        self.load.known(known);
        self.load.more().await;
        // What came there is of no interest here.
        drop(self.upstream.take());
    }

    /// Ends the load, and looks for all that was revoked once more.
    async fn end(self, what: &str) {
        let shared = Arc::clone(&self.load.shared);
        let sum = self.load.stop().await;
        refused_by(&self.replicas, &shared).await;
        println!("{what}: {sum}");
    }
}

/// Fails the test unless each revocation that was answered counts on each of these.
async fn refused_by(replicas: &[Replica], shared: &Shared) {
    for (number, replica) in replicas.iter().enumerate() {
        let context = format!("all is refused on replica {number}");
        let Shared { answered, signers, .. } = shared;
        answered.all_refused(&replica.service, &signers.first, Reads::YourWrites, &context).await;
    }
}

fn ports_of(replicas: &[Replica]) -> Vec<u16> {
    replicas.iter().map(|replica| replica.port).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_fails_no_request_and_loses_no_revocation() {
    let mut drill = Drill::start(Retries::None).await;
    for _ in 0..asked("ROLLING_UPDATES", 1) {
        for _ in 0..REPLICAS {
            drill.replace().await;
            drill.all_refused().await;
        }
    }
    drill.end("rolling update").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_envoy_asks_another_one_replicas_may_end_while_they_get_calls() {
    let mut drill = Drill::start(Retries::Elsewhere).await;
    for _ in 0..asked("ROLLING_UPDATES", 1) {
        for which in 0..REPLICAS {
            drill.restart(which).await;
            drill.all_refused().await;
        }
    }
    drill.end("restarts in place").await;
}
