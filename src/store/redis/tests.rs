mod bad;
mod batches;
mod contract;
mod epochs;
mod families;
mod follow;
mod merging;
mod rings;
mod topologies;
mod transfers;

use std::{
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

use ::redis::{Cmd, Value};
use futures_util::future::BoxFuture;

use super::{
    super::testing::{
        contract::{Everything, Subject},
        redis::{Fsync, Options, RedisServer},
    },
    *,
};
use crate::{
    domain::revocation::{Reach, Revocation},
    store::{Durability, RedisNode, Topology},
};

/// What one deployment has in Redis: a prefix and a key ring. `K` keeps its servers for as long as somebody uses them.
struct Place<K = RedisServer> {
    settings: RedisSettings,
    ring: Arc<KeyRing>,
    kept: Arc<K>,
}

/// A store, and its servers.
struct Opened<K> {
    store: RedisStore,
    _kept: Arc<K>,
}

impl Place {
    /// On a server of its own, which keeps what it answers.
    async fn new() -> Self {
        let server = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
        let settings = RedisSettings { durability: Durability::Fsync, ..reached_at(&[server.port()]) };
        Self::at(settings, Arc::new(server))
    }

    /// Kills the server and starts it again on what was on its disk.
    async fn restart(&mut self) {
        Arc::get_mut(&mut self.kept).expect("no store is open").restart().await;
    }
}

impl<K: Send + Sync> Place<K> {
    /// On these servers, under a prefix that nobody else has.
    fn at(settings: RedisSettings, kept: Arc<K>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self { settings: RedisSettings { prefix, ..settings }, ring: ring(), kept }
    }

    /// The same data with the key ring of another deployment.
    fn of_a_stranger(&self) -> Self {
        Self { settings: self.settings.clone(), ring: ring(), kept: Arc::clone(&self.kept) }
    }

    async fn store(&self) -> Opened<K> {
        let store = RedisStore::open(&self.settings, Arc::clone(&self.ring)).await.unwrap();
        Opened { store, _kept: Arc::clone(&self.kept) }
    }
}

impl<K> Deref for Opened<K> {
    type Target = RedisStore;

    fn deref(&self) -> &RedisStore {
        &self.store
    }
}

impl<K: Send + Sync> Subject for Place<K> {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Everything>> {
        Box::pin(async {
            let store: Arc<dyn Everything> = Arc::new(self.store().await.store);
            store
        })
    }
}

fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::generate().unwrap())
}

/// Servers at these ports that let everybody in and have to keep nothing.
pub(super) fn reached_at(ports: &[u16]) -> RedisSettings {
    RedisSettings {
        nodes: ports.iter().map(|port| RedisNode { host: "127.0.0.1".to_owned(), port: *port }).collect(),
        topology: Topology::Single,
        database: 0,
        username: None,
        password: None,
        tls: None,
        prefix: String::new(),
        durability: Durability::Memory,
    }
}

/// A command to this store's server, past the store.
async fn past(store: &RedisStore, name: &str, args: &[&[u8]]) -> Value {
    let mut command = Cmd::new();
    command.arg(name);
    for arg in args {
        command.arg(*arg);
    }
    store.core.ask(command).await.unwrap()
}

/// The name of a key in the home slot.
fn home(store: &RedisStore, which: keys::Home) -> Vec<u8> {
    store.core.keys.home(which)
}

/// A revocation that can be told by its number.
fn revocation(number: u64) -> Revocation {
    Revocation {
        target: Target::token_id("https://issuer.example", &number.to_string()),
        reach: Reach::All,
        made_at: UnixTime::from_secs(1),
        until: UnixTime::from_secs(2),
        kept_until: UnixTime::from_secs(3),
    }
}

fn order(numbers: impl IntoIterator<Item = u64>) -> Order {
    Order { revocations: numbers.into_iter().map(revocation).collect(), ..Order::default() }
}
