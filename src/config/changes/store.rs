//! What a reload cannot change of the store, which is all of it.

use crate::store::{RedisSettings, RedisTls, StoreKind, Topology};

/// Each key, and whether its change takes a restart.
pub(super) fn needing_restart(running: &StoreKind, wanted: &StoreKind) -> Vec<(&'static str, bool)> {
    match (running, wanted) {
        (StoreKind::Embedded { path }, StoreKind::Embedded { path: wanted }) => {
            vec![("store.path", path != wanted)]
        }
        (StoreKind::Redis(running), StoreKind::Redis(wanted)) => redis(running, wanted),
        (StoreKind::Embedded { .. }, StoreKind::Redis(_))
        | (StoreKind::Redis(_), StoreKind::Embedded { .. }) => {
            vec![("store.kind", true)]
        }
    }
}

fn redis(running: &RedisSettings, wanted: &RedisSettings) -> Vec<(&'static str, bool)> {
    let RedisSettings { nodes, topology, database, username, password, tls, prefix, durability } = running;
    let is_other_address = *nodes != wanted.nodes
        || *database != wanted.database
        || *username != wanted.username
        || *password != wanted.password
        || tls.is_some() != wanted.tls.is_some();
    let is_cluster = |topology: &Topology| *topology == Topology::Cluster;
    let mut keys = vec![
        ("store.url", is_other_address),
        ("store.cluster", is_cluster(topology) != is_cluster(&wanted.topology)),
        ("store.prefix", *prefix != wanted.prefix),
        ("store.durability", *durability != wanted.durability),
    ];
    keys.extend(sentinel(topology, &wanted.topology));
    keys.extend(files(tls.as_ref(), wanted.tls.as_ref()));
    keys
}

fn sentinel(running: &Topology, wanted: &Topology) -> [(&'static str, bool); 3] {
    let parts = |topology: &Topology| match topology {
        Topology::Sentinel { master, username, password } => {
            (Some(master.clone()), username.clone(), password.clone())
        }
        Topology::Single | Topology::Cluster => (None, None, None),
    };
    let ((master, username, password), wanted) = (parts(running), parts(wanted));
    [
        ("store.sentinel.master", master != wanted.0),
        ("store.sentinel.username", username != wanted.1),
        ("store.sentinel.password", password != wanted.2),
    ]
}

fn files(running: Option<&RedisTls>, wanted: Option<&RedisTls>) -> [(&'static str, bool); 3] {
    let ca = |tls: Option<&RedisTls>| tls.and_then(|tls| tls.ca.clone());
    let client = |tls: Option<&RedisTls>| tls.and_then(|tls| tls.client.clone()).unzip();
    let ((certificate, key), (wanted_certificate, wanted_key)) = (client(running), client(wanted));
    [
        ("store.tls.ca", ca(running) != ca(wanted)),
        ("store.tls.certificate", certificate != wanted_certificate),
        ("store.tls.key", key != wanted_key),
    ]
}
