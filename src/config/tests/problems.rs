//! Each rule that a configuration can break, with the line that says so.

mod edge;
mod issuers;

use proptest::prelude::*;

use super::*;

/// The only problem of a configuration whose first line this is.
fn check_top(line: &str, expected: &str) {
    let problems = load(&format!("{line}\n{ISSUER}")).map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(problems, [format!("countersign.yaml:1: {expected}")], "{line}");
}

/// The only problem of a configuration whose issuer has this line as its last.
fn check_issuer(line: &str, expected: &str) {
    let problems = load(&with_issuer_lines(line)).map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(problems, [format!("countersign.yaml:4: issuers[0].{expected}")], "{line}");
}

const LATER: &str =
    "documented, but not built in this version; remove it (a policy that does nothing is worse than none)";

#[test]
fn top_level_rules() {
    for (line, expected) in [
        ("listn: x", "listn: unknown key; did you mean `listen`?"),
        ("zzz: x", "zzz: unknown key"),
        (
            "max_concurrent: 5",
            "max_concurrent: unknown key here; there is `limits.max_concurrent` and `refresh.max_concurrent`",
        ),
        ("max_age: 5m", "max_age: unknown key here; there is `cache.max_age` and `issuers[].keys.max_age`"),
        ("listen: []", "listen: at least one address is needed"),
        (
            "listen: off",
            "listen: expected an IP address and port such as `127.0.0.1:50051` or `[::1]:50051`, or \
             `unix:/path/to/socket`, found `off`",
        ),
        (
            "listen: [unix:/a, unix:a]",
            "listen[1]: the path of a socket must be absolute: `unix:/path/to/socket`",
        ),
        ("listen: [127.0.0.1:5, 127.0.0.1:5]", "listen: 127.0.0.1:5 is listed twice"),
        (
            "listen: 0.0.0.0:5",
            "listen: 0.0.0.0:5 is not loopback, and without TLS and callers everybody who can reach it may ask \
             everything; listen on loopback or a unix socket, or write `insecure_allow_any_caller: true`",
        ),
        ("admin: {listen: 127.0.0.1:50051}", "admin: `listen` has 127.0.0.1:50051 already"),
        ("admin: {metrics: off}", "admin.metrics: expected `local` or `network`, found `off`"),
        (
            "insecure_allow_any_caller: yes",
            "insecure_allow_any_caller: expected `true` or `false`, found `yes`",
        ),
        ("server: {reflection: 1}", "server.reflection: expected `true` or `false`, found the number 1"),
        ("server: {max_header_bytes: 1KiB}", "server.max_header_bytes: must be between 8KiB and 1MiB"),
        ("server: {keepalive: 0s}", "server.keepalive: must be between 1s and 1h"),
        ("server: 5", "server: expected a section (`key: value` lines), found a single value"),
        ("cache: {max_bytes: 1KiB}", "cache.max_bytes: must be between 1MiB and 1024GiB"),
        ("cache: {max_byte: 1MiB}", "cache.max_byte: unknown key; did you mean `max_bytes`?"),
        ("cache: {max_age: 0s}", "cache.max_age: must be between 1ms and 24h"),
        (
            "cache: {max_age: 5}",
            "cache.max_age: a duration needs a unit: write `5s` for seconds (ms, s, m, h or d)",
        ),
        ("cache: {max_age: }", &format!("cache.max_age: expected {A_DURATION}, found nothing")),
        ("cache: {max_age: off}", &format!("cache.max_age: expected {A_DURATION}, found `off`")),
        ("cache: []", "cache: expected a section (`key: value` lines), found a list"),
        ("limits: {max_token_bytes: 255}", "limits.max_token_bytes: must be between 256 and 1MiB"),
        ("limits: {max_concurrent: 0}", "limits.max_concurrent: must be between 1 and 1000000"),
        (
            "limits: {max_concurrent: 1.5}",
            "limits.max_concurrent: expected a whole number, found a number with a fraction",
        ),
        ("limits: {drain: 25s, dran: 1s}", "limits.dran: unknown key; did you mean `drain`?"),
        ("store: {kind: sqlite}", "store.kind: expected `embedded` or `redis`, found `sqlite`"),
        ("store: {path: 5}", "store.path: expected text, found the number 5; put it into quotes"),
        ("store: {cluster: true}", "store.cluster: is for `kind: redis`; the embedded store has only `path`"),
        ("key_ring: {file: missing}", "key_ring.file: there is no file /nowhere/missing"),
        (
            "key_ring: {}",
            "key_ring.file: is needed; without `key_ring`, a key ring is made beside the embedded store",
        ),
        ("key_ring: ./file", "key_ring: expected a section (`key: value` lines), found a single value"),
        ("telemetry: {format: text}", "telemetry.format: expected `json` or `pretty`, found `text`"),
        (
            "telemetry: {log: 'a=b=c'}",
            "telemetry.log: expected a level (error, warn, info, debug, trace) or directives such as \
             `info,countersign=debug`",
        ),
        ("telemetry: {log: }", "telemetry.log: expected text, found nothing"),
        ("tls: {certificate: a, key: b}", &format!("tls: {LATER}")),
        ("callers: [{name: x}]", &format!("callers: {LATER}")),
        ("refresh: {early: 61m}", "refresh.early: must be between 0s and 1h"),
        ("refresh: {replay: 11m}", "refresh.replay: must not be more than replay_max"),
        ("refresh: {lineage: 5m}", "refresh.replay_max: must not be more than lineage"),
        (
            "refresh: {upstream_timeout: 10001ms}",
            "refresh.upstream_timeout: must be at least 2s less than lease (F13)",
        ),
        ("refresh: {lease: 9s}", "refresh.upstream_timeout: must be at least 2s less than lease (F13)"),
        (
            "refresh: {limit: 5}",
            "refresh.limit: expected a section (`key: value` lines), found a single value",
        ),
        ("refresh: {limit: {burst: 0}}", "refresh.limit.burst: must be between 1 and 1000000"),
        (
            "refresh: {limit: {burst: 1001, per: 1s}}",
            "refresh.limit.burst: must not be more than one for each millisecond of `per`",
        ),
        ("refresh: {caller_limit: {per: 0s}}", "refresh.caller_limit.per: must be between 1s and 24h"),
        ("refresh: {max_concurrent: 0}", "refresh.max_concurrent: must be between 1 and 10000"),
        ("revocation: {max_staleness: 1s}", "revocation.max_staleness: must be between 2s and 1h"),
        ("revocation: {on_stale: off}", "revocation.on_stale: expected `serve` or `refuse`, found `off`"),
        ("revocation: {issuer_clock_ahead: 61s}", "revocation.issuer_clock_ahead: must be between 0s and 1m"),
        ("revocation: {max_entries: 999}", "revocation.max_entries: must be between 1000 and 100000000"),
        ("sessions: {track: true}", &format!("sessions: {LATER}")),
        ("cookies: {mode: handle}", &format!("cookies: {LATER}")),
        ("events: true", &format!("events: {LATER}")),
    ] {
        check_top(line, expected);
    }
}

const A_DURATION: &str = "a duration such as `500ms`, `60s`, `15m`, `24h` or `90d`";

#[test]
fn an_explicit_none_of_what_is_not_built_is_fine() {
    for none in [
        "callers: []",
        "http: {listen: off}",
        "http: {listen: false}",
        "tls: off",
        "tls:",
        "cookies: {}",
        "sessions: {track: false, idle_timeout: off}",
        "telemetry: {otlp_endpoint: off}",
        "store: {cluster: false}",
    ] {
        assert_eq!(good(&format!("{none}\n{ISSUER}")).warnings, [], "{none}");
    }
    for none in ["clients: []", "introspection: off", "refresh: {}"] {
        assert_eq!(issuer_with(none).policy.name, "a.example", "{none}");
    }
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_file() {
    let text = "\
listen: 0.0.0.0:50051
server: {reflection: maybe}
issuers:
  - issuer: http://a.example
    audiences: []
    algorithms: [RS256, HS256]
    keys: {min_refetch: 10m}
    refresh: {grace: 30}
cache:
  max_bytes: 64MB
  max_agee: 5m
store: {kind: rediss}
limits: {drain: 25}
";
    let problems = load(text).map(|loaded| loaded.effective).unwrap_err();
    let starts: Vec<&str> = problems.iter().map(|line| line.rsplit_once(": ").map_or("", |_| line)).collect();
    let expected = [
        ":1: listen: ",
        ":2: server.reflection: ",
        ":4: issuers[0].issuer: ",
        ":5: issuers[0].audiences: ",
        ":6: issuers[0].algorithms: ",
        ":7: issuers[0].keys.min_refetch: ",
        ":8: issuers[0].refresh.grace: ",
        ":10: cache.max_bytes: ",
        ":11: cache.max_agee: ",
        ":12: store.kind: ",
        ":13: limits.drain: ",
    ];
    assert_eq!(starts.len(), expected.len(), "{starts:#?}");
    for (line, expected) in starts.iter().zip(expected) {
        assert!(line.starts_with(&format!("countersign.yaml{expected}")), "{line}");
    }
}

#[test]
fn at_most_one_source_of_keys() {
    let text = with_issuer_lines("jwks_uri: https://a.example/k\njwks_file: /dev/null");
    let problems = load(&text).map(|loaded| loaded.effective).unwrap_err();
    let expected = "countersign.yaml:5: issuers[0].jwks_file: `jwks_uri` says where the keys come from";
    assert!(problems[0].starts_with(expected), "{problems:?}");
}

#[test]
fn a_problem_and_problems_are_one_line_each() {
    let error = Config::parse("a: 1\nb: 2\n", &Environment::default(), Path::new("")).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 3);
    let error: &dyn std::error::Error = &error;
    assert!(error.source().is_none());
}

#[test]
fn keys_that_are_no_keys_are_shown_short_and_on_one_line() {
    let problems = load(&format!("\"a\\nb\": 1\n{}: 2\n{ISSUER}", "k".repeat(90)));
    assert_eq!(
        problems.map(|loaded| loaded.effective).unwrap_err(),
        [
            "countersign.yaml:1: the value (not shown): unknown key",
            "countersign.yaml:2: the value (not shown): unknown key"
        ]
    );
}

/// Whatever it is, it is accepted and reads as the same again, or every problem is one line.
fn check_anything(text: &str) {
    match load(text) {
        Ok(loaded) => assert_eq!(good(&loaded.effective).effective, loaded.effective),
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|line| line.lines().count() == 1), "{problems:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(
        text in r#"([a-z_]{0,9}[:\[\]{},&*!|>'"%@`#-]{0,2} ?\n? {0,4}(off|~|5m|[0-9]{1,4})?){0,25}"#,
    ) {
        check_anything(&text);
    }

    #[test]
    fn no_unicode_panics(text in any::<String>()) {
        check_anything(&text);
        check_anything(&format!("{ISSUER}    name: {text}\n"));
    }

    #[test]
    fn no_value_of_any_key_panics(
        key in proptest::sample::select(vec!["listen", "issuers", "cache", "server", "store", "admin", "refresh", "http", "ext_authz"]),
        value in r#"[a-z0-9:\[\]{},&*!'" .-]{0,30}"#,
    ) {
        check_anything(&format!("{key}: {value}\n"));
        check_anything(&format!("{key}: {value}\n{ISSUER}"));
        for key in ["kinds", "keys", "secret", "audience_claim", "algorithms", "claims", "leeway"] {
            check_anything(&with_issuer_lines(&format!("{key}: {value}")));
        }
    }
}
