//! Each rule that a configuration can break, with the line that says so.

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
        ("max_concurrent: 5", "max_concurrent: unknown key here; there is `limits.max_concurrent`"),
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
        ("admin: {metrics: off}", &format!("admin.metrics: {LATER}")),
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
        (
            "store: {kind: redis}",
            "store.kind: `redis` is documented, but not built in this version; only `embedded` is",
        ),
        ("store: {kind: sqlite}", "store.kind: expected `embedded`, found `sqlite`"),
        ("store: {path: 5}", "store.path: expected text, found the number 5; put it into quotes"),
        ("store: {cluster: true}", &format!("store.cluster: {LATER}")),
        ("key_ring: {file: missing}", "key_ring.file: there is no file /nowhere/missing"),
        ("key_ring: {}", "key_ring.file: is needed; without `key_ring`, a key ring is made beside the store"),
        ("key_ring: ./file", "key_ring: expected a section (`key: value` lines), found a single value"),
        ("telemetry: {format: text}", "telemetry.format: expected `json` or `pretty`, found `text`"),
        (
            "telemetry: {log: 'a=b=c'}",
            "telemetry.log: expected a level (error, warn, info, debug, trace) or directives such as \
             `info,countersign=debug`",
        ),
        ("telemetry: {log: }", "telemetry.log: expected text, found nothing"),
        ("http: {listen: 127.0.0.1:1}", &format!("http: {LATER}")),
        ("tls: {certificate: a, key: b}", &format!("tls: {LATER}")),
        ("callers: [{name: x}]", &format!("callers: {LATER}")),
        ("refresh: {early: 60s}", &format!("refresh: {LATER}")),
        ("revocation: {max_staleness: 60s}", &format!("revocation: {LATER}")),
        ("sessions: {track: true}", &format!("sessions: {LATER}")),
        ("cookies: {mode: handle}", &format!("cookies: {LATER}")),
        ("ext_authz: {cannot_tell: error_response}", &format!("ext_authz: {LATER}")),
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
        "ext_authz: false",
    ] {
        assert_eq!(good(&format!("{none}\n{ISSUER}")).warnings, [], "{none}");
    }
    for none in ["clients: []", "introspection: off", "max_session_lifetime: off", "refresh: {}"] {
        assert_eq!(issuer_with(none).policy.name, "a.example", "{none}");
    }
}

#[test]
fn issuer_rules() {
    for (line, expected) in [
        ("name: a b", "name: may have up to 64 letters, digits, `.`, `-` and `_`"),
        ("name: 5", "name: expected text, found the number 5; put it into quotes"),
        (
            "profile: scale-kit",
            "profile: `scale-kit` is not a profile; known: generic, scalekit, auth0, okta, keycloak, hydra, entra, \
             cognito, supabase",
        ),
        ("jwks_uri: keys", "jwks_uri: expected an absolute URL that begins with `https://`"),
        (
            "jwks_uri: http://a.example/keys",
            "jwks_uri: plain http is accepted for loopback hosts, or with `allow_http: true`",
        ),
        ("jwks_uri: https://a.example/#x", "jwks_uri: a URL with a fragment (`#`) is not accepted"),
        (
            "jwks_uri: https://u:p@a.example/",
            "jwks_uri: a URL with a user name or password in it is not accepted",
        ),
        ("jwks_file: keys.json", "jwks_file: there is no file /nowhere/keys.json"),
        ("audience_claim: azp", "audience_claim: expected `aud` or `client_id`, found `azp`"),
        ("algorithms: []", "algorithms: the list is empty; leave it out to allow what fits the keys"),
        ("algorithms: RS256", "algorithms: expected a list such as `[a, b]`, found a single value"),
        (
            "algorithms: [RS256, none]",
            "algorithms[1]: `none` is not an algorithm; known: HS256, HS384, HS512, RS256, RS384, RS512, PS256, \
             PS384, PS512, ES256, ES384, ES512, Ed25519",
        ),
        (
            "algorithms: [HS256, RS256]",
            "algorithms: shared-secret (HS) and public-key algorithms cannot be mixed for one issuer",
        ),
        (
            "algorithms: [HS256]",
            "algorithms: HS algorithms need a `secret`; they never use keys of a key set",
        ),
        (
            "kinds: {access: {typ: [JWT]}}",
            "kinds.access: `typ: [JWT]` alone would take any token that the issuer signs; name claims that these \
             tokens have (`require`) or have not (`forbid`)",
        ),
        (
            "kinds: {access: {typ: [at+jwt, application/jwt]}}",
            "kinds.access: `typ: [JWT]` alone would take any token that the issuer signs; name claims that these \
             tokens have (`require`) or have not (`forbid`)",
        ),
        (
            "kinds: {id: {forbid: []}}",
            "kinds.id: `typ: [JWT]` alone would take any token that the issuer signs; name claims that these \
             tokens have (`require`) or have not (`forbid`)",
        ),
        (
            "kinds: {access: {typ: []}, id: {typ: []}}",
            "kinds.access: both lists of `typ` are empty: no token would ever be accepted",
        ),
        ("kinds: {acces: {typ: [JWT]}}", "kinds.acces: unknown key; did you mean `access`?"),
        ("leeway: 11m", "leeway: must be between 0s and 10m"),
        ("max_token_lifetime: 0s", "max_token_lifetime: must be between 1s and 366d"),
        ("max_token_age: 0s", "max_token_age: must be between 1s and 366d"),
        (
            "max_token_age: 5",
            "max_token_age: a duration needs a unit: write `5s` for seconds (ms, s, m, h or d); or `off`",
        ),
        ("required_claims: [/a~b]", "required_claims[0]: not a JSON pointer (RFC 6901): write `~` as `~0`"),
        ("claims: {session: [sid]}", "claims.session: unknown key; did you mean `session_id`?"),
        ("claims: {sessions_id: [sid]}", "claims.sessions_id: unknown key; did you mean `session_id`?"),
        ("claims: {roles: ['']}", "claims.roles[0]: must not be empty"),
        ("keys: {min_refetch: 5m}", "keys.min_refetch: must be less than refresh_after (K11)"),
        ("keys: {refresh_after: 24h}", "keys.refresh_after: must be less than max_age (K11)"),
        ("keys: {timeout: 0s}", "keys.timeout: must be between 1ms and 1m"),
        ("keys: {max_keys: 0}", "keys.max_keys: must be between 1 and 10000"),
        ("keys: {max_bytes: 1GiB}", "keys.max_bytes: must be between 1KiB and 16MiB"),
        ("allow_http: maybe", "allow_http: expected `true` or `false`, found `maybe`"),
        ("refresh: {rotation: strict}", &format!("refresh: {LATER}")),
        ("introspection: {prefix: [x]}", &format!("introspection: {LATER}")),
        ("max_session_lifetime: 90d", &format!("max_session_lifetime: {LATER}")),
        ("sessions: {track: true}", &format!("sessions: {LATER}")),
    ] {
        check_issuer(line, expected);
    }
}

#[test]
fn client_rules() {
    let secret = "secret: {file: /dev/null}";
    for (clients, expected) in [
        ("off", "clients: expected a list of sections, found a single value"),
        (
            "[{id: x}]",
            "clients[0].secret: is needed: `{file: path}` or `{env: NAME}`; a public client has `auth: none`",
        ),
        ("[{auth: none}]", "clients[0].id: is needed: the `client_id` that the issuer gave"),
        ("[{auth: none, id: é}]", "clients[0].id: a client id is made of visible ASCII characters"),
        (
            "[{id: x, secret: hunter2}]",
            "clients[0].secret: secrets are not written here: name one with `{file: path}` or `{env: NAME}`",
        ),
        (
            "[{id: x, secret: {env: NO_SUCH}}]",
            "clients[0].secret.env: the environment variable NO_SUCH is not set",
        ),
        (&format!("[{{id: x, {secret}}}]"), "clients[0].secret.file: the secret is empty"),
        (
            "[{id: x, auth: post}]",
            "clients[0].auth: expected `client_secret_basic` or `client_secret_post` or `none`, found `post`",
        ),
        (
            "[{id: x, auth: private_key_jwt}]",
            "clients[0].auth: `private_key_jwt` is documented, but not built in this version; use \
             `client_secret_basic`, `client_secret_post` or `none`",
        ),
        (
            "[{id: x, auth: none}, {id: x, auth: none}]",
            "clients[1].id: another client has the same id; write each client once",
        ),
        ("[{id: x, auth: none, scope: y}]", "clients[0].scope: unknown key"),
    ] {
        let problems = load(&with_issuer_lines(&format!("clients: {clients}")));
        let problems = problems.map(|loaded| loaded.effective).unwrap_err();
        let expected = format!("countersign.yaml:4: issuers[0].{expected}");
        assert!(problems.contains(&expected), "{clients}: {problems:#?}");
        assert!(!problems.iter().any(|line| line.contains("hunter2")), "{problems:#?}");
    }
    let env = Environment::from_iter([("SHARED", "hunter2-hunter2-hunter2-hunter2-hunter2")]);
    let word =
        "issuers: [{issuer: word, audiences: [a], secret: {env: SHARED}, clients: [{id: x, auth: none}]}]";
    assert_eq!(
        load_with(word, &env).map(|loaded| loaded.effective).unwrap_err(),
        [
            "countersign.yaml:1: issuers[0].clients: the token endpoint is discovered from `issuer`, and that is no address"
        ]
    );
    let both = with_issuer_lines("clients: [{id: x, auth: none, secret: {env: SHARED}}]");
    assert_eq!(
        load_with(&both, &env).map(|loaded| loaded.effective).unwrap_err(),
        [
            "countersign.yaml:4: issuers[0].clients[0].secret: with `auth: none` there is no secret; remove one of the two"
        ]
    );
}

#[test]
fn rules_about_the_issuer_itself() {
    let needed = "at least one is needed: what the tokens' `aud` has to name";
    let clients = "at least one is needed: with `audience_claim: client_id`, the accepted client ids";
    for (entry, expected) in [
        (
            "audiences: [a]",
            "[0].issuer: is needed: the `iss` of the tokens, such as `https://acme.example`".to_owned(),
        ),
        (
            "issuer: acme, audiences: [a]",
            "[0].issuer: expected an absolute URL that begins with `https://`".into(),
        ),
        (
            "issuer: http://a.example, audiences: [a]",
            "[0].issuer: plain http is accepted for loopback hosts, or with `allow_http: true`".into(),
        ),
        ("issuer: 'https://a.example/?q', audiences: [a]", "[0].issuer: an issuer has no query (`?`)".into()),
        (
            "issuer: 'https://a.example/#f', audiences: [a]",
            "[0].issuer: a URL with a fragment (`#`) is not accepted".into(),
        ),
        ("issuer: https://a.example", format!("[0].audiences: {needed}")),
        ("issuer: https://a.example, audiences: []", format!("[0].audiences: {needed}")),
        ("issuer: https://a.example, audience_claim: client_id", format!("[0].audiences: {clients}")),
        (
            "issuer: https://a.example, audiences: [5]",
            "[0].audiences[0]: expected text, found the number 5; put it into quotes".into(),
        ),
        (
            "issuer: https://a.example, audiences: ",
            "[0].audiences: expected a list such as `[a, b]`, found nothing".into(),
        ),
    ] {
        let problems = load(&format!("issuers: [{{{entry}}}]")).map(|loaded| loaded.effective).unwrap_err();
        assert_eq!(problems, [format!("countersign.yaml:1: issuers{expected}")], "{entry}");
    }
}

#[test]
fn at_least_one_issuer_is_needed() {
    for (text, place) in [("", ""), ("issuers: []", ":1"), ("listen: 127.0.0.1:1", ":1"), ("# nothing", "")] {
        let problems = load(text).map(|loaded| loaded.effective).unwrap_err();
        assert_eq!(problems, [format!("countersign.yaml{place}: issuers: at least one issuer is needed")]);
    }
    for text in ["issuers:", "issuers: {}", "issuers: off"] {
        let problems = load(text).map(|loaded| loaded.effective).unwrap_err();
        assert!(problems[0].starts_with("countersign.yaml:1: issuers: expected a list of sections, found "));
        assert_eq!(problems.len(), 1, "{text}");
    }
}

#[test]
fn issuers_and_their_names_are_unique_and_both_lines_are_named() {
    let text = "issuers:\n  - issuer: https://a.example\n    audiences: [a]\n  - issuer: https://a.example\n    \
                audiences: [b]\n  - {issuer: https://b.example, name: a.example, audiences: [c]}\n";
    assert_eq!(
        load(text).map(|loaded| loaded.effective).unwrap_err(),
        [
            "countersign.yaml:4: issuers[1].issuer: the same as issuers[0] (line 2)",
            "countersign.yaml:6: issuers[2].name: `a.example` is the name of issuers[0] too (line 2); write another",
        ]
    );
    // A slash more is another issuer, but the name that follows from the host is the same.
    let text = "issuers:\n  - {issuer: https://a.example, audiences: [a]}\n  - {issuer: https://a.example/, \
                audiences: [a]}\n";
    assert_eq!(
        load(text).map(|loaded| loaded.effective).unwrap_err(),
        [
            "countersign.yaml:3: issuers[1].name: `a.example` is the name of issuers[0] too (line 2); write another"
        ]
    );
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
    refresh: {grace: 30s}
cache:
  max_bytes: 64MB
  max_agee: 5m
store: {kind: redis}
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
        ":8: issuers[0].refresh: ",
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
        key in proptest::sample::select(vec!["listen", "issuers", "cache", "server", "store", "admin", "refresh"]),
        value in r#"[a-z0-9:\[\]{},&*!'" .-]{0,30}"#,
    ) {
        check_anything(&format!("{key}: {value}\n"));
        check_anything(&format!("{key}: {value}\n{ISSUER}"));
        for key in ["kinds", "keys", "secret", "audience_claim", "algorithms", "claims", "leeway"] {
            check_anything(&with_issuer_lines(&format!("{key}: {value}")));
        }
    }
}
