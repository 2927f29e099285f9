mod bad;
mod batches;
mod epochs;
mod follow;
mod merging;
mod rings;
mod server;

use std::sync::atomic::{AtomicU32, Ordering};

use ::redis::{Cmd, Value};
use futures_util::future::BoxFuture;

use super::{super::testing::contract::Subject, *};
use crate::{
    domain::revocation::{Reach, Revocation},
    store::{Durability, RedisNode, Topology},
};

/// What one deployment has in Redis: a prefix and a key ring.
struct Place {
    settings: RedisSettings,
    ring: Arc<KeyRing>,
}

impl Place {
    /// On the server that tests share.
    fn new() -> Self {
        Self::on(server::shared())
    }

    fn on(server: &server::Server) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let settings = RedisSettings {
            nodes: vec![RedisNode { host: "127.0.0.1".to_owned(), port: server.port }],
            topology: Topology::Single,
            database: 0,
            username: None,
            password: None,
            tls: None,
            prefix: format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
            durability: Durability::Fsync,
        };
        Self { settings, ring: Arc::new(KeyRing::generate().unwrap()) }
    }

    async fn store(&self) -> RedisStore {
        RedisStore::open(&self.settings, Arc::clone(&self.ring)).await.unwrap()
    }
}

impl Subject for Place {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async {
            let store: Arc<dyn Store> = Arc::new(self.store().await);
            store
        })
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

mod contract {
    use super::{super::super::testing::contract::check_contract, Place};

    check_contract!(Place::new());
}
