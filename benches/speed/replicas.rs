//! Replicas on one Redis on loopback: how soon a revocation counts on the others, and what it takes to join.

mod joining;
mod propagation;
#[allow(dead_code, unused_imports, reason = "the kit of the tests: some of it is for them alone")]
#[path = "../../src/store/testing/redis.rs"]
mod redis;

pub(crate) use self::{joining::joining, propagation::propagation, redis::RedisServer};

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Instant,
};

use countersign::store::{Durability, KeyRing, RedisNode, RedisSettings, StoreKind, StoreSettings, Topology};

use crate::{
    process::{Process, free_address},
    scenes::ready,
    tokens::{AUDIENCE, ISSUER},
};

/// A Redis that keeps nothing on a disk, and the replicas on it: what is measured is not the disk.
struct Deployment {
    redis: RedisServer,
    directory: PathBuf,
    ring: PathBuf,
}

struct Replica {
    process: Process,
    admin: SocketAddr,
}

impl Deployment {
    async fn start(directory: &Path) -> Self {
        let ring = directory.join("redis.keys");
        if !ring.exists() {
            KeyRing::create(&ring).unwrap();
        }
        Self { redis: RedisServer::start().await, directory: directory.to_owned(), ring }
    }

    /// What a replica's configuration says of the store.
    fn store(&self) -> StoreSettings {
        StoreSettings {
            kind: StoreKind::Redis(Box::new(RedisSettings {
                nodes: vec![RedisNode { host: "127.0.0.1".to_owned(), port: self.redis.port() }],
                topology: Topology::Single,
                database: 0,
                username: None,
                password: None,
                tls: None,
                prefix: "countersign".to_owned(),
                durability: Durability::Memory,
            })),
            key_ring: Some(self.ring.clone()),
        }
    }

    /// Starts one. It is not ready yet.
    fn begin(&self, name: &str) -> Replica {
        let (address, admin) = (free_address(), free_address());
        let (jwks, ring) = (self.directory.join("jwks.json"), &self.ring);
        let text = format!(
            "listen: {address}\nadmin: {{ listen: {admin} }}\nissuers:\n  - name: bench\n    issuer: {ISSUER}\n    \
             audiences: [{AUDIENCE}]\n    jwks_file: {}\nkey_ring: {{ file: {} }}\n\
             store: {{ kind: redis, url: 'redis://{}', durability: memory }}\ntelemetry: {{ log: error }}\n",
            jwks.display(),
            ring.display(),
            self.redis.address(),
        );
        let path = self.directory.join(format!("{name}.yaml"));
        std::fs::write(&path, text).unwrap();
        Replica { process: Process::countersign(&path, address), admin }
    }

    /// Starts one, and waits until it is ready.
    async fn replica(&self, name: &str) -> Replica {
        let since = Instant::now();
        let mut replica = self.begin(name);
        ready(replica.admin, since).await;
        replica.process.accepting(since);
        replica
    }

    /// CPU time that Redis has used so far, in seconds.
    async fn redis_cpu(&self) -> f64 {
        let mut used = 0.0;
        for field in ["used_cpu_user", "used_cpu_sys"] {
            used += self.redis.info(field).await.unwrap().trim().parse::<f64>().unwrap();
        }
        used
    }
}
