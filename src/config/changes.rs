//! What a reload cannot change.

mod store;

use super::Config;
use crate::{
    api::{ServerSettings, http::HttpSettings},
    ops::telemetry::{OtlpSettings, TelemetrySettings},
    state::cache::CacheSettings,
    store::StoreSettings,
};

/// The keys whose change takes effect with a restart only, of those that differ, as docs/configuration.md names them.
pub fn needing_restart(running: &Config, wanted: &Config) -> Vec<&'static str> {
    // Whoever adds a section, or a key to one of these, decides here which of the two it is.
    let Config {
        listen,
        server,
        admin,
        metrics,
        http,
        issuers: _,
        cache,
        revocation: _,
        refresh: _,
        store,
        ext_authz: _,
        limits: _,
        telemetry,
    } = running;
    let HttpSettings { listen: http_listen, forwarded } = http;
    let ServerSettings { reflection, max_connection_age, keepalive, max_header_bytes } = server;
    let CacheSettings { max_bytes, max_age } = cache;
    let StoreSettings { kind, key_ring } = store;
    let TelemetrySettings { log, format, otlp } = telemetry;
    let (endpoint, sample_ratio) = of_traces(otlp.as_ref(), wanted.telemetry.otlp.as_ref());
    let is_other = [
        ("listen", *listen != wanted.listen),
        ("admin.listen", *admin != wanted.admin),
        ("admin.metrics", *metrics != wanted.metrics),
        ("http.listen", *http_listen != wanted.http.listen),
        ("http.forwarded", *forwarded != wanted.http.forwarded),
        ("server.reflection", *reflection != wanted.server.reflection),
        ("server.max_connection_age", *max_connection_age != wanted.server.max_connection_age),
        ("server.keepalive", *keepalive != wanted.server.keepalive),
        ("server.max_header_bytes", *max_header_bytes != wanted.server.max_header_bytes),
        ("cache.max_bytes", *max_bytes != wanted.cache.max_bytes),
        ("cache.max_age", *max_age != wanted.cache.max_age),
        ("key_ring.file", *key_ring != wanted.store.key_ring),
        ("telemetry.log", *log != wanted.telemetry.log),
        ("telemetry.format", *format != wanted.telemetry.format),
        ("telemetry.otlp_endpoint", endpoint),
        ("telemetry.sample_ratio", sample_ratio),
    ];
    let is_other = is_other.into_iter().chain(store::needing_restart(kind, &wanted.store.kind));
    is_other.filter_map(|(key, is_other)| is_other.then_some(key)).collect()
}

/// Whether the endpoint differs, and whether the ratio does, which is nothing without an endpoint.
fn of_traces(running: Option<&OtlpSettings>, wanted: Option<&OtlpSettings>) -> (bool, bool) {
    match (running, wanted) {
        (Some(OtlpSettings { endpoint, sample_ratio }), Some(wanted)) => {
            (*endpoint != wanted.endpoint, *sample_ratio != wanted.sample_ratio)
        }
        (None, None) => (false, false),
        (None, Some(_)) | (Some(_), None) => (true, false),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;
    use crate::config::{
        Environment,
        key::Change,
        survey::{self, Shape},
    };

    const ISSUER: &str = "issuers: [{ issuer: https://a.example, audiences: [api] }]\n";
    /// Another value for each key outside `issuers`.
    const CHANGES: [&str; 35] = [
        "listen: 127.0.0.1:1",
        "admin: { listen: off }",
        "admin: { metrics: network }",
        "http: { listen: 127.0.0.1:1 }",
        "http: { forwarded: x_original }",
        "server: { reflection: true }",
        "server: { max_connection_age: 1m }",
        "server: { keepalive: 1m }",
        "server: { max_header_bytes: 8KiB }",
        "cache: { max_bytes: 1MiB }",
        "cache: { max_age: 1m }",
        "revocation: { max_staleness: 10s }",
        "revocation: { on_stale: refuse }",
        "revocation: { issuer_clock_ahead: 1s }",
        "revocation: { max_entries: 1000 }",
        "refresh: { early: 30s }",
        "refresh: { limit: { burst: 1 } }",
        "store: { path: other.redb }",
        "key_ring: { file: Cargo.toml }",
        "telemetry: { log: debug }",
        "telemetry: { format: pretty }",
        "telemetry: { otlp_endpoint: http://127.0.0.1:4317 }",
        "ext_authz: { cannot_tell: rpc_error }",
        "ext_authz: { sources: [header:x-token] }",
        "ext_authz: { upstream_authorization: access_token }",
        "ext_authz: { headers: { subject: x-user } }",
        "ext_authz: { lists: json }",
        "ext_authz: { max_identity_bytes: 1KiB }",
        "ext_authz: { dynamic_metadata: off }",
        "ext_authz: { realm: api }",
        "ext_authz: { resource_metadata: https://a.example }",
        "ext_authz: { login: { url: https://a.example } }",
        "limits: { max_token_bytes: 1KiB }",
        "limits: { max_concurrent: 1 }",
        "limits: { drain: 1s }",
    ];

    /// The same for Redis, as lines to add.
    const REDIS: &str = "url: {env: URL}";
    const REDIS_CHANGES: [(&str, &[&str]); 13] = [
        ("url: {env: OTHER}", &["store.url"]),
        ("url: {env: DATABASE}", &["store.url"]),
        ("url: rediss://a", &["store.url"]),
        ("url: {env: URL}, cluster: true", &["store.cluster"]),
        ("url: {env: URL}, prefix: other", &["store.prefix"]),
        ("url: {env: URL}, durability: memory", &["store.durability"]),
        ("url: {env: URL}, durability: {replicas: 1}", &["store.durability"]),
        ("url: {env: URL}, sentinel: {master: a}", &["store.sentinel.master"]),
        (
            "url: {env: URL}, sentinel: {master: a, username: b, password: {env: OTHER}}",
            &["store.sentinel.master", "store.sentinel.username", "store.sentinel.password"],
        ),
        ("url: {env: TLS}, tls: {ca: Cargo.toml}", &["store.url", "store.tls.ca"]),
        (
            "url: {env: TLS}, tls: {certificate: Cargo.toml, key: Cargo.toml}",
            &["store.url", "store.tls.certificate", "store.tls.key"],
        ),
        ("kind: embedded", &["store.kind"]),
        (REDIS, &[]),
    ];

    fn config(lines: &str) -> Config {
        let base_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let env = Environment::from_iter([
            ("URL", "redis://:password@127.0.0.1:6379"),
            ("OTHER", "redis://:other@127.0.0.1:6379"),
            ("DATABASE", "redis://:password@127.0.0.1:6379/1"),
            ("TLS", "rediss://:password@127.0.0.1:6379"),
        ]);
        Config::parse(&format!("{ISSUER}{lines}\n"), &env, base_dir).unwrap().config
    }

    fn redis(lines: &str) -> Config {
        let kind = if lines.contains("kind") { "" } else { "kind: redis, " };
        config(&format!("key_ring: {{file: Cargo.toml}}\nstore: {{{kind}{lines}}}"))
    }

    #[test]
    fn each_key_of_redis_that_changes_is_named() {
        for (lines, expected) in REDIS_CHANGES {
            assert_eq!(needing_restart(&redis(REDIS), &redis(lines)), expected, "{lines}");
            assert_eq!(needing_restart(&redis(lines), &redis(REDIS)), expected, "{lines}");
        }
    }

    #[test]
    fn each_key_that_needs_a_restart_is_named_and_only_where_it_changes() {
        let running = config("");
        assert!(needing_restart(&running, &config("")).is_empty());
        assert!(needing_restart(&running, &config("insecure_allow_any_caller: true")).is_empty());
        for line in CHANGES {
            let keys = needing_restart(&running, &config(line));
            let (section, rest) = line.split_once(": ").unwrap();
            let key = rest.trim_start_matches("{ ").split_once(": ").map(|(key, _)| key);
            let key = key.map_or_else(|| section.to_owned(), |key| format!("{section}.{key}"));
            let expected = if ["ext_authz", "limits", "refresh", "revocation"].contains(&section) {
                vec![]
            } else {
                vec![key.as_str()]
            };
            assert_eq!(keys, expected, "{line}");
        }
    }

    #[test]
    fn the_ratio_of_traces_matters_with_a_collector() {
        let with_ratio = |ratio: &str| {
            config(&format!(
                "telemetry: {{ otlp_endpoint: 'https://a.example:4317', sample_ratio: {ratio} }}"
            ))
        };
        let running = with_ratio("0.5");
        assert_eq!(needing_restart(&running, &with_ratio("0.6")), ["telemetry.sample_ratio"]);
        assert_eq!(needing_restart(&running, &config("")), ["telemetry.otlp_endpoint"]);
        assert!(needing_restart(&running, &with_ratio("0.5")).is_empty());
    }

    #[test]
    fn each_key_says_whether_it_needs_a_restart() {
        let rows = survey::rows();
        let values = rows.iter().filter(|row| matches!(row.shape, Shape::Value { .. }));
        let said: BTreeSet<String> = values
            .filter(|row| row.key.change == Change::Restart)
            // A secret is named as what it is for, wherever it is.
            .map(|row| row.path().trim_end_matches(".file").to_owned())
            .filter(|path| !["env", "encoding"].contains(&path.rsplit('.').next().unwrap()))
            .collect();
        let running = config("");
        let named = CHANGES.iter().flat_map(|line| needing_restart(&running, &config(line)));
        let of_redis =
            REDIS_CHANGES.iter().flat_map(|(lines, _)| needing_restart(&redis(REDIS), &redis(lines)));
        let named = named.chain(of_redis).map(|key| key.trim_end_matches(".file").to_owned());
        let mut expected: BTreeSet<_> = named.collect();
        // Tested above.
        expected.insert("telemetry.sample_ratio".to_owned());
        assert_eq!(said, expected);
    }
}
