//! What a reload cannot change.

use super::Config;
use crate::{api::ServerSettings, ops::telemetry::TelemetrySettings};

/// The keys whose change takes effect with a restart only, of those that differ, as docs/configuration.md names them.
pub fn needing_restart(running: &Config, wanted: &Config) -> Vec<&'static str> {
    // Whoever adds a section decides here which of the two it is.
    let Config { listen, server, admin, issuers: _, cache, store, limits: _, telemetry } = running;
    let ServerSettings { reflection, max_connection_age, keepalive, max_header_bytes } = server;
    let TelemetrySettings { log, format, otlp } = telemetry;
    let wanted_otlp = &wanted.telemetry.otlp;
    // Where traces go nowhere, the ratio has no effect that could change.
    let is_other_ratio =
        otlp.as_ref().zip(wanted_otlp.as_ref()).is_some_and(|(a, b)| a.sample_ratio != b.sample_ratio);
    let is_other_collector =
        otlp.as_ref().map(|otlp| &otlp.endpoint) != wanted_otlp.as_ref().map(|otlp| &otlp.endpoint);
    let is_other = [
        ("listen", *listen != wanted.listen),
        ("admin.listen", *admin != wanted.admin),
        ("server.reflection", *reflection != wanted.server.reflection),
        ("server.max_connection_age", *max_connection_age != wanted.server.max_connection_age),
        ("server.keepalive", *keepalive != wanted.server.keepalive),
        ("server.max_header_bytes", *max_header_bytes != wanted.server.max_header_bytes),
        ("cache.max_bytes", cache.max_bytes != wanted.cache.max_bytes),
        ("cache.max_age", cache.max_age != wanted.cache.max_age),
        ("store.path", store.path != wanted.store.path),
        ("key_ring.file", store.key_ring != wanted.store.key_ring),
        ("telemetry.log", *log != wanted.telemetry.log),
        ("telemetry.format", *format != wanted.telemetry.format),
        ("telemetry.otlp_endpoint", is_other_collector),
        ("telemetry.sample_ratio", is_other_ratio),
    ];
    is_other.into_iter().filter_map(|(key, is_other)| is_other.then_some(key)).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;
    use crate::config::Environment;

    const ISSUER: &str = "issuers: [{ issuer: https://a.example, audiences: [api] }]\n";
    /// Another value for each key outside `issuers`.
    const CHANGES: [&str; 16] = [
        "listen: 127.0.0.1:1",
        "admin: { listen: off }",
        "server: { reflection: true }",
        "server: { max_connection_age: 1m }",
        "server: { keepalive: 1m }",
        "server: { max_header_bytes: 8KiB }",
        "cache: { max_bytes: 1MiB }",
        "cache: { max_age: 1m }",
        "store: { path: other.redb }",
        "key_ring: { file: Cargo.toml }",
        "telemetry: { log: debug }",
        "telemetry: { format: pretty }",
        "telemetry: { otlp_endpoint: 'http://127.0.0.1:1' }",
        "limits: { max_token_bytes: 1KiB }",
        "limits: { max_concurrent: 1 }",
        "limits: { drain: 1s }",
    ];

    fn config(lines: &str) -> Config {
        let base_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        Config::parse(&format!("{ISSUER}{lines}\n"), &Environment::default(), base_dir).unwrap().config
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
            let expected = if section == "limits" { vec![] } else { vec![key.as_str()] };
            assert_eq!(keys, expected, "{line}");
        }
    }

    const FEW: &str = "telemetry: { otlp_endpoint: 'http://127.0.0.1:1', sample_ratio: 0.01 }";
    const MANY: &str = "telemetry: { otlp_endpoint: 'http://127.0.0.1:1', sample_ratio: 0.5 }";

    #[test]
    fn the_ratio_of_recorded_traces_needs_a_restart_where_traces_go_anywhere() {
        assert_eq!(needing_restart(&config(FEW), &config(MANY)), ["telemetry.sample_ratio"]);
        assert!(needing_restart(&config(""), &config("telemetry: { sample_ratio: 0.5 }")).is_empty());
        assert_eq!(needing_restart(&config(MANY), &config("")), ["telemetry.otlp_endpoint"]);
    }

    /// docs/configuration.md has a table of what takes effect how.
    #[test]
    fn the_page_says_which_keys_need_a_restart() {
        let page = include_str!("../../docs/configuration.md");
        let (_, section) = page.split_once("## Changes while it runs").unwrap();
        let (section, _) = section.split_once("\n## ").unwrap();
        let keys_in = |effect: &str| -> BTreeSet<String> {
            let rows = section.lines().filter(|line| line.starts_with("| `") && line.contains(effect));
            rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
                .map(ToOwned::to_owned)
                .collect()
        };
        let running = config("");
        let named = CHANGES.iter().flat_map(|line| needing_restart(&running, &config(line)));
        let mut expected: BTreeSet<_> = named.map(ToOwned::to_owned).collect();
        expected.extend(needing_restart(&config(FEW), &config(MANY)).into_iter().map(ToOwned::to_owned));
        // It has only one value in this version.
        expected.insert("store.kind".to_owned());
        assert_eq!(keys_in("| restart |"), expected);
        assert!(keys_in("| reload |").contains("issuers"));
    }
}
