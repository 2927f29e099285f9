//! What `store` holds with `kind: redis`.

mod sentinel;
mod tls;

use super::url::{Host, RedisUrl};
use crate::{
    config::{
        effective::Shown,
        key::Key,
        notation::Notation,
        scalar::Setting,
        secret,
        section::Section,
        tree::{Node, Value},
    },
    store::{Durability, RedisNode, RedisSettings, RedisTls, Topology},
};

const URL: Key = Key::restart(
    "url",
    "Where Redis is: `redis://`, or `rediss://` with TLS, `user:password@`, `host:port` (several with commas between them: \
     nodes of a cluster, or sentinels), `/` and the database's number. Percent-encode what is special in the user and the \
     password. Written here only if it has neither; else `{file: path}` or `{env: NAME}`. The port is 6379 if left out, \
     with `sentinel` 26379.",
)
.or("needed with `redis`");
const CLUSTER: Key = Key::restart("cluster", "Whether the hosts are nodes of a Redis Cluster.");
const PREFIX: Key = Key::restart(
    "prefix",
    "What every key in Redis begins with. Replicas that share it share everything; another deployment needs another. \
     Visible ASCII without braces, at most 64 characters.",
);
const DURABILITY: Key = Key::restart(
    "durability",
    "When something is stored, so that a call can be answered OK: on the primary's disk (`fsync`), in so many replicas' memory \
     (`{replicas: n}`), or in the primary's memory (`memory`, whose end loses what was answered).",
);

/// The port that is registered for Redis.
const PORT: u16 = 6_379;
/// Where sentinels listen unless they are told otherwise.
const SENTINEL_PORT: u16 = 26_379;

/// Refuses by name what only Redis has. That it is no cluster is true of the embedded store, too.
pub(super) fn refuse(store: &mut Section<'_, '_>) {
    for key in [URL, CLUSTER, PREFIX, DURABILITY, sentinel::SENTINEL, tls::TLS] {
        let is_said =
            store.raw(key.name).is_some_and(|node| key.name != CLUSTER.name || !node.value.is_none());
        if is_said {
            store.problem(key.name, "is for `kind: redis`; the embedded store has only `path`");
        }
    }
}

/// Reads it all.
pub(super) fn read(store: &mut Section<'_, '_>) -> RedisSettings {
    let url = url(store);
    let is_cluster = store.value(CLUSTER, false);
    let prefix = store.value(PREFIX, Prefix("countersign".to_owned())).0;
    let durability = store.value(DURABILITY, Durability::Fsync);
    let sentinel = sentinel::read(store);
    let tls = tls::read(store);
    let topology = match (sentinel, is_cluster) {
        (Some(_), true) => {
            store.problem("sentinel", "and `cluster: true` exclude each other; a cluster has no sentinels");
            Topology::Cluster
        }
        (Some(sentinel), false) => sentinel,
        (None, true) => Topology::Cluster,
        (None, false) => Topology::Single,
    };
    if let Some(url) = &url {
        check(store, url, tls.is_some(), is_cluster);
    }
    if durability == Durability::Memory {
        let message =
            "revocations that were answered OK are lost when Redis ends before it has written them down";
        store.warning("durability", message);
    }
    settings(url, topology, tls, prefix, durability)
}

/// What the address and the other keys say together.
fn check(store: &mut Section<'_, '_>, url: &RedisUrl, has_tls: bool, is_cluster: bool) {
    if has_tls && !url.is_tls {
        let message =
            "is of no use with a `url` that begins with `redis://`; write `rediss://` there, or remove `tls`";
        store.problem("tls", message);
    }
    if is_cluster && url.database != 0 {
        store.problem("url", "names a database, and a cluster has only number 0; remove it");
    }
    if !url.is_tls && !url.is_loopback() {
        let message = "leads beyond this machine without TLS: whoever can read or change what is sent there can undo \
             revocations; use `rediss://`";
        store.warning("url", message);
    }
}

/// Without an address only together with a problem.
fn settings(
    url: Option<RedisUrl>,
    topology: Topology,
    tls: Option<RedisTls>,
    prefix: String,
    durability: Durability,
) -> RedisSettings {
    let port = if matches!(topology, Topology::Sentinel { .. }) { SENTINEL_PORT } else { PORT };
    let node = |Host { name, port: written }| RedisNode { host: name, port: written.unwrap_or(port) };
    let system_roots = RedisTls { ca: None, client: None };
    let (is_tls, username, password, nodes, database) = url.map_or_else(Default::default, |url| {
        (url.is_tls, url.username, url.password, url.nodes, url.database)
    });
    RedisSettings {
        nodes: nodes.into_iter().map(node).collect(),
        topology,
        database,
        username,
        password,
        tls: is_tls.then(|| tls.unwrap_or(system_roots)),
        prefix,
        durability,
    }
}

/// Reads `url`: text, or where it is.
fn url(store: &mut Section<'_, '_>) -> Option<RedisUrl> {
    let parsed = match store.raw(URL.name) {
        None => {
            if !store.reader().is_surveying() {
                store.problem(
                    "url",
                    "is needed with `kind: redis`: `{file: path}` or `{env: NAME}`, or `rediss://host:port`",
                );
            }
            secret::instead_of_address(store, URL);
            return None;
        }
        Some(Node { value: Value::Text(text), .. }) => {
            let parsed = RedisUrl::parse(text.as_bytes());
            match &parsed {
                Ok(url) if url.password.is_some() => {
                    let message =
                        "with a password is not written here: name it with `{file: path}` or `{env: NAME}`";
                    store.problem("url", message);
                    return None;
                }
                Ok(_) => store.show("url", Shown::text(text.as_str())),
                Err(_) => {}
            }
            parsed
        }
        Some(_) => RedisUrl::of_secret(&secret::instead_of_address(store, URL)?),
    };
    parsed.map_err(|problem| store.problem("url", problem.to_string())).ok()
}

/// What every key begins with.
struct Prefix(String);

impl Setting for Prefix {
    fn notation() -> Notation {
        // What is visible, less `{` and `}`, which say what a cluster hashes.
        Notation::pattern("text", "^[!-z|~]{1,64}$")
    }

    fn read(value: &Value) -> Result<Self, String> {
        let text = String::read(value)?;
        let is_good = |char: char| char.is_ascii_graphic() && !"{}".contains(char);
        if text.len() <= 64 && text.chars().all(is_good) {
            Ok(Self(text))
        } else {
            Err("expected 1 to 64 visible ASCII characters without `{` and `}`".to_owned())
        }
    }

    fn show(&self) -> Shown {
        self.0.show()
    }
}
