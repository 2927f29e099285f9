//! What good configurations come to.

use std::time::Duration;

use super::*;
use crate::{
    domain::{algorithm::Algorithm, policy::AudienceClaim},
    issuer::KeySource,
    ops::telemetry::LogFormat,
};

#[test]
fn the_defaults_are_those_of_the_design() {
    let config = good(ISSUER).config;
    let loopback = |port: u16| ListenAddress::Tcp(([127, 0, 0, 1], port).into());
    let seconds = Duration::from_secs;
    assert_eq!(config.listen, [loopback(50_051)]);
    assert_eq!(config.admin, Some(loopback(9_090)));
    assert!(!config.server.reflection);
    assert_eq!(config.server.max_connection_age, Some(seconds(1_800)));
    assert_eq!(config.server.keepalive, Some(seconds(20)));
    assert_eq!(config.server.max_header_bytes, 65_536);
    assert_eq!(config.cache.max_bytes, 64 << 20);
    assert_eq!(config.cache.max_age, seconds(300));
    assert_eq!(config.store, StoreSettings::embedded("/nowhere/./countersign.redb"));
    assert_eq!(config.store.key_ring, None);
    assert_eq!(config.limits.max_token_bytes, 16_384);
    assert_eq!(config.limits.max_concurrent, 4_096);
    assert_eq!(config.limits.drain, seconds(25));
    assert_eq!((config.telemetry.log.as_str(), config.telemetry.format), ("info", LogFormat::Json));
    assert_eq!(config.telemetry.otlp, None);
    let issuer = &config.issuers[0];
    assert_eq!(issuer.policy.name, "a.example");
    assert!(!issuer.allow_http);
    assert!(matches!(issuer.source, KeySource::Discovery));
    assert_eq!(issuer.policy.leeway, seconds(60));
    assert_eq!(issuer.policy.max_token_lifetime, seconds(86_400));
    assert_eq!(issuer.policy.max_token_age, None);
    assert_eq!(issuer.policy.audience_claim, AudienceClaim::Aud);
    assert_eq!(issuer.keys.freshness.min_refetch(), seconds(30));
    assert_eq!(issuer.keys.freshness.refresh_after(), seconds(300));
    assert_eq!(issuer.keys.freshness.max_age(), seconds(86_400));
    assert_eq!(
        (issuer.keys.timeout, issuer.keys.max_bytes, issuer.keys.max_keys),
        (seconds(5), 524_288, 100)
    );
}

#[test]
fn without_algorithms_those_that_fit_public_keys_are_allowed() {
    let issuer = issuer_with("");
    assert!(issuer.policy.algorithms.allows(Algorithm::RS256));
    assert!(issuer.policy.algorithms.allows(Algorithm::Ed25519));
    assert!(!issuer.policy.algorithms.are_symmetric());
}

#[test]
fn what_is_written_wins_over_the_profile_list_by_list() {
    let scalekit = issuer_with("profile: scalekit").policy;
    let changed = issuer_with(
        "profile: scalekit\nalgorithms: [RS256, ES256]\nkinds: {access: {require: [jti]}}\n\
         claims: {organization_id: [org]}",
    )
    .policy;
    assert_eq!(scalekit.algorithms.iter().collect::<Vec<_>>(), [Algorithm::RS256]);
    assert_eq!(changed.algorithms.iter().count(), 2);
    assert_eq!(changed.kinds.access.require.len(), 1);
    assert_eq!(changed.kinds.access.forbid, scalekit.kinds.access.forbid);
    assert_eq!(changed.kinds.id, scalekit.kinds.id);
    assert_eq!(changed.claims.organization_id[0].to_string(), "org");
    assert_eq!(scalekit.claims.organization_id[0].to_string(), "oid");
    assert_eq!(changed.claims.session_id, scalekit.claims.session_id);
}

#[test]
fn the_issuer_is_kept_byte_for_byte() {
    for written in ["https://a.example", "https://a.example/", "https://A.example:443/x/../y"] {
        let text = format!("issuers: [{{issuer: '{written}', audiences: [a]}}]");
        assert_eq!(good(&text).config.issuers[0].policy.issuer, written);
    }
}

#[test]
fn names_follow_from_the_host() {
    for (issuer, name) in [
        ("https://acme.example:8443/realms/a", "acme.example"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("http://[::1]:8080", "--1"),
    ] {
        let text = format!("issuers: [{{issuer: '{issuer}', audiences: [a]}}]");
        assert_eq!(good(&text).config.issuers[0].policy.name, name);
    }
}

#[test]
fn paths_lead_from_the_directory_of_the_file() {
    let dir = std::env::temp_dir().join(format!("countersign-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("countersign.yaml");
    std::fs::write(dir.join("keys.json"), "{}").unwrap();
    std::fs::write(dir.join("ring"), "x").unwrap();
    let text = with_issuer_lines("jwks_file: ./keys.json");
    std::fs::write(&file, format!("key_ring: {{file: ring}}\n{text}")).unwrap();
    let config = Config::load(&file, &Environment::default()).unwrap().config;
    assert_eq!(config.store.kind, StoreSettings::embedded(dir.join("./countersign.redb")).kind);
    assert_eq!(config.store.key_ring, Some(dir.join("ring")));
    let KeySource::JwksFile(keys) = &config.issuers[0].source else { panic!() };
    assert_eq!(*keys, dir.join("./keys.json"));
    std::fs::write(&file, "listn: x").unwrap();
    let problems = Config::load(&file, &Environment::default()).unwrap_err().to_string();
    assert!(problems.contains(&format!("{}:1: listn: unknown key", file.display())), "{problems}");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn files_that_cannot_be_configurations_are_refused() {
    for path in ["/nowhere/countersign.yaml", "/", "/dev/zero"] {
        let problems = Config::load(Path::new(path), &Environment::default()).unwrap_err().to_string();
        assert!(problems.starts_with(&format!("{path}: ")), "{problems}");
        assert_eq!(problems.lines().count(), 1);
    }
}

#[test]
fn one_address_may_be_written_without_a_list_and_port_zero_twice() {
    assert_eq!(good(&format!("listen: unix:/a\n{ISSUER}")).config.listen, [ListenAddress::Unix("/a".into())]);
    assert_eq!(good(&format!("listen: [127.0.0.1:0, 127.0.0.1:0]\n{ISSUER}")).config.listen.len(), 2);
}

#[test]
fn admin_may_listen_anywhere_and_can_be_off() {
    for admin in ["0.0.0.0:9090", "'[::]:9090'"] {
        assert!(good(&format!("admin: {{listen: {admin}}}\n{ISSUER}")).config.admin.is_some());
    }
    for off in ["off", "false"] {
        assert_eq!(good(&format!("admin: {{listen: {off}}}\n{ISSUER}")).config.admin, None);
        assert_eq!(good(&format!("admin: {off}\n{ISSUER}")).config.admin, None);
    }
}

#[test]
fn what_is_allowed_and_probably_not_meant_is_a_warning() {
    let text = format!("listen: 0.0.0.0:1\ninsecure_allow_any_caller: true\n{ISSUER}");
    let warnings = good(&text).warnings;
    assert_eq!(
        warnings[0].to_string(),
        "countersign.yaml:2: insecure_allow_any_caller: 0.0.0.0:1 is not loopback: everybody who can reach it may \
         ask everything"
    );
    let text = with_issuer_lines("kinds: {access: {typ: [JWT], require: [sub]}}");
    assert!(good(&text).warnings[0].to_string().contains("a token can fit both kinds"));
    assert_eq!(good(&format!("insecure_allow_any_caller: true\n{ISSUER}")).warnings, []);
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "issuers:\n  - &a {issuer: https://a.example, audiences: [x], leeway: 5s}\n  - <<: *a\n    \
                issuer: https://b.example\n";
    let issuers = good(text).config.issuers;
    assert_eq!(issuers[1].policy.leeway, Duration::from_secs(5));
    assert_eq!(issuers[1].policy.issuer, "https://b.example");
}
