//! The store that replicas share.

use super::*;
use crate::{
    domain::secret::Secret,
    store::{Durability, RedisNode, RedisSettings, RedisTls, StoreKind, Topology},
};

/// What line this is a list of keys of; the issuer begins at line 3.
fn text(lines: &str) -> String {
    format!("store: {{kind: redis, {lines}}}\nkey_ring: {{file: Cargo.toml}}\n{ISSUER}")
}

fn environment() -> Environment {
    Environment::from_iter([
        ("URL", "rediss://me:hunter2@a.example:1,[::1]/3"),
        ("PLAIN", "redis://:hunter2@127.0.0.1"),
        ("WRONG", "redis://me:hunter2@a b"),
        ("OTHER", "hunter2"),
    ])
}

fn settings(lines: &str) -> RedisSettings {
    let loaded = load_here(&text(lines), &environment()).unwrap();
    let StoreKind::Redis(settings) = loaded.config.store.kind else { panic!("{lines}") };
    *settings
}

fn node(host: &str, port: u16) -> RedisNode {
    RedisNode { host: host.to_owned(), port }
}

/// The only problem of these keys.
fn check(lines: &str, expected: &str) {
    let problems = load_here(&text(lines), &environment()).map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(problems, [format!("countersign.yaml:1: {expected}")], "{lines}");
}

fn warnings(lines: &str) -> Vec<String> {
    let warnings = load_here(&text(lines), &environment()).unwrap().warnings;
    warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_of_redis_are_those_of_the_design() {
    assert_eq!(
        settings("url: {env: PLAIN}"),
        RedisSettings {
            nodes: vec![node("127.0.0.1", 6_379)],
            topology: Topology::Single,
            database: 0,
            username: None,
            password: Some(Secret::new(b"hunter2".to_vec())),
            tls: None,
            prefix: "countersign".to_owned(),
            durability: Durability::Fsync,
        }
    );
    let key_ring = load_here(&text("url: {env: PLAIN}"), &environment()).unwrap().config.store.key_ring;
    assert_eq!(key_ring, Some(here().join("Cargo.toml")));
}

#[test]
fn everything_that_can_be_said_of_redis_is_heard() {
    let loaded = load_here(SHARED, &full_environment()).unwrap();
    let StoreKind::Redis(settings) = loaded.config.store.kind else { panic!() };
    let file = here().join("Cargo.toml");
    assert_eq!(
        *settings,
        RedisSettings {
            nodes: vec![node("a.example", 1), node("::1", 26_379)],
            topology: Topology::Sentinel {
                master: "primary".to_owned(),
                username: Some("watcher".to_owned()),
                password: Some(Secret::new(b"x".to_vec())),
            },
            database: 3,
            username: Some("me".to_owned()),
            password: Some(Secret::new(b"hunter2".to_vec())),
            tls: Some(RedisTls { ca: Some(file.clone()), client: Some((file.clone(), file)) }),
            prefix: "a:b".to_owned(),
            durability: Durability::Replicas(2),
        }
    );
}

#[test]
fn with_rediss_alone_the_systems_authorities_are_believed() {
    assert_eq!(settings("url: rediss://a").tls, Some(RedisTls { ca: None, client: None }));
    assert_eq!(settings("url: redis://a").tls, None);
}

#[test]
fn a_cluster_is_one_when_it_is_said_so() {
    let settings = settings("url: 'rediss://a,b:2', cluster: true");
    assert_eq!(settings.topology, Topology::Cluster);
    assert_eq!(settings.nodes, [node("a", 6_379), node("b", 2)]);
}

#[test]
fn rules_of_redis() {
    for (lines, expected) in [
        (
            "prefix: a",
            "store.url: is needed with `kind: redis`: `{file: path}` or `{env: NAME}`, or `rediss://host:port`",
        ),
        (
            "url: a.example",
            "store.url: expected an address that begins with `redis://`, or with `rediss://` for TLS",
        ),
        (
            "url: 'redis://:hunter2@a.example'",
            "store.url: with a password is not written here: name it with `{file: path}` or `{env: NAME}`",
        ),
        (
            "url: {env: WRONG}",
            "store.url: expected `host:port` after the scheme or the `@`, or several with commas between them; write \
             `%2F` for a `/` in the password, and an IPv6 address in brackets",
        ),
        ("url: {env: NONE}", "store.url.env: the environment variable NONE is not set"),
        (
            "url: rediss://a, path: x",
            "store.path: is the embedded store's; with `kind: redis`, `url` says where it is",
        ),
        (
            "url: rediss://a/1, cluster: true",
            "store.url: names a database, and a cluster has only number 0; remove it",
        ),
        (
            "url: rediss://a, cluster: true, sentinel: {master: x}",
            "store.sentinel: and `cluster: true` exclude each other; a cluster has no sentinels",
        ),
        (
            "url: rediss://a, sentinel: {}",
            "store.sentinel.master: is needed: what the sentinels call the primary, as in `sentinel monitor NAME ...`",
        ),
        (
            "url: rediss://a, sentinel: {master: x, username: y}",
            "store.sentinel.username: is of no use without `password`; add it, or remove this",
        ),
        (
            "url: rediss://a, sentinel: {master: x, password: hunter2}",
            "store.sentinel.password: secrets are not written here: name one with `{file: path}` or `{env: NAME}`",
        ),
        (
            "url: {env: PLAIN}, tls: {ca: Cargo.toml}",
            "store.tls: is of no use with a `url` that begins with `redis://`; write `rediss://` there, or remove `tls`",
        ),
        ("url: rediss://a, tls: {certificate: Cargo.toml}", "store.tls.certificate: needs `key`, too"),
        ("url: rediss://a, tls: {key: Cargo.toml}", "store.tls.key: needs `certificate`, too"),
        (
            "url: rediss://a, prefix: 'a{b}'",
            "store.prefix: expected 1 to 64 visible ASCII characters without `{` and `}`",
        ),
        (
            "url: rediss://a, prefix: 'a b'",
            "store.prefix: expected 1 to 64 visible ASCII characters without `{` and `}`",
        ),
        ("url: rediss://a, prefix: ''", "store.prefix: must not be empty"),
        (
            "url: rediss://a, durability: always",
            "store.durability: expected `fsync`, `memory` or `{replicas: n}`, found `always`",
        ),
        (
            "url: rediss://a, durability: {replicas: 0}",
            "store.durability: replicas: must be between 1 and 16",
        ),
        (
            "url: rediss://a, durability: {replicas: 17}",
            "store.durability: replicas: must be between 1 and 16",
        ),
        (
            "url: rediss://a, durability: {replicas: all}",
            "store.durability: replicas: expected a whole number, found `all`",
        ),
    ] {
        check(lines, expected);
    }
    let missing = format!("store.tls.ca: there is no file {}", here().join("missing").display());
    check("url: rediss://a, tls: {ca: missing}", &missing);
}

#[test]
fn all_replicas_have_one_key_ring_so_it_has_to_be_said_which() {
    let problems = load(&format!("store: {{kind: redis, url: rediss://a}}\n{ISSUER}"));
    assert_eq!(
        problems.map(|loaded| loaded.effective).unwrap_err(),
        [
            "countersign.yaml:1: key_ring.file: is needed with `kind: redis`, because all replicas share one: make it \
             with `countersign keygen --out FILE`"
        ]
    );
}

#[test]
fn what_only_redis_has_is_refused_by_name_without_it() {
    for key in [
        "url: rediss://a",
        "cluster: true",
        "prefix: a",
        "durability: fsync",
        "sentinel: {master: a}",
        "tls: {ca: a}",
    ] {
        let name = key.split_once(':').unwrap().0;
        for kind in ["", "kind: embedded, "] {
            let problems = load(&format!("store: {{{kind}{key}}}\n{ISSUER}")).map(|loaded| loaded.effective);
            let expected = format!(
                "countersign.yaml:1: store.{name}: is for `kind: redis`; the embedded store has only `path`"
            );
            assert_eq!(problems.unwrap_err(), [expected], "{key}");
        }
    }
}

#[test]
fn what_is_allowed_and_not_safe_is_a_warning() {
    assert_eq!(warnings("url: {env: PLAIN}"), [""; 0]);
    assert_eq!(warnings("url: {env: URL}"), [""; 0]);
    assert_eq!(
        warnings("url: redis://a.example"),
        [
            "countersign.yaml:1: store.url: leads beyond this machine without TLS: whoever can read or change what is sent \
          there can undo revocations; use `rediss://`"
        ]
    );
    assert_eq!(
        warnings("url: rediss://a, durability: memory"),
        [
            "countersign.yaml:1: store.durability: revocations that were answered OK are lost when Redis ends before it has \
          written them down"
        ]
    );
}

#[test]
fn the_effective_store_shows_no_secret() {
    let loaded = load_here(SHARED, &full_environment()).unwrap();
    let (_, store) = loaded.effective.split_once("store:\n").unwrap();
    let (store, _) = store.split_once("ext_authz:").unwrap();
    insta::assert_snapshot!(store);
    let shown = format!("{:?} {}", loaded.config, loaded.effective);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_environment_can_say_where_redis_is() {
    let env = Environment::from_iter([
        ("COUNTERSIGN__STORE__KIND", "redis"),
        ("COUNTERSIGN__STORE__URL__ENV", "URL"),
        ("COUNTERSIGN__STORE__DURABILITY__REPLICAS", "2"),
        ("URL", "rediss://:hunter2@a"),
    ]);
    let loaded = load_here(&format!("key_ring: {{file: Cargo.toml}}\n{ISSUER}"), &env).unwrap();
    let StoreKind::Redis(settings) = loaded.config.store.kind else { panic!() };
    assert_eq!((settings.nodes, settings.durability), (vec![node("a", 6_379)], Durability::Replicas(2)));
}
