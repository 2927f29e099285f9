//! What an entry of `issuers` can break.

use super::*;

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
        (
            "refresh: {rotation: yes}",
            "refresh.rotation: expected `unknown` or `none` or `strict` or `graceful`, found `yes`",
        ),
        (
            "refresh: {rotation: graceful, grace: 14999ms}",
            "refresh.grace: must be at least 3s more than refresh.lease (F13); for a shorter one, write `rotation: strict`",
        ),
        (
            "refresh: {resource: https://api}",
            "refresh.resource: expected a list such as `[a, b]`, found a single value",
        ),
        (
            "introspection: {prefix: [x]}",
            "introspection: needs one of `clients` that has a secret or key, to ask the issuer as",
        ),
        ("introspection: {client: x}", "introspection.client: is none of the issuer's `clients`"),
        ("introspection: on", "introspection: expected a section (`key: value` lines), found a single value"),
        ("max_session_lifetime: off", &format!("max_session_lifetime: expected {A_DURATION}, found `off`")),
        ("max_session_lifetime: 23h", "max_session_lifetime: must not be less than max_token_lifetime"),
        ("max_session_lifetime: 3661d", "max_session_lifetime: must be between 1s and 3660d"),
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
            "clients[0].auth: expected `client_secret_basic` or `client_secret_post` or `private_key_jwt` or `none`, \
             found `post`",
        ),
        (
            "[{id: x, auth: private_key_jwt}]",
            "clients[0].key: is needed: `{file: path}`, a private key in PEM form",
        ),
        (
            "[{id: x, auth: private_key_jwt, key: {file: /dev/null}}]",
            "clients[0].key.file: the secret is empty",
        ),
        (
            "[{id: x, auth: private_key_jwt, key: hunter2}]",
            "clients[0].key: secrets are not written here: name one with `{file: path}` or `{env: NAME}`",
        ),
        (
            &format!("[{{id: x, auth: private_key_jwt, {secret}}}]"),
            "clients[0].secret: is for other ways to authenticate; with `auth: private_key_jwt` there is a `key`",
        ),
        (
            "[{id: x, auth: private_key_jwt, algorithm: ES1}]",
            "clients[0].algorithm: `ES1` is not an algorithm; known: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, \
             PS512, ES256, ES384, ES512, Ed25519",
        ),
        (
            "[{id: x, key_id: k}]",
            "clients[0].key_id: is for `auth: private_key_jwt`; with this `auth` there is a `secret`",
        ),
        (
            "[{id: x, auth: none, algorithm: ES256}]",
            "clients[0].algorithm: with `auth: none` nothing proves who the client is; remove one of the two",
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
            "countersign.yaml:4: issuers[0].clients[0].secret: with `auth: none` nothing proves who the client is; remove one of the two"
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
fn introspection_rules() {
    let env = Environment::from_iter([("SECRET", "hunter2")]);
    let clients = "clients: [{id: open, auth: none}, {id: us, secret: {env: SECRET}}]";
    let problems = |lines: &str| {
        let text = format!("{}    {lines}\n", with_issuer_lines(clients));
        load_with(&text, &env).map(|loaded| loaded.effective).err().unwrap_or_default()
    };
    for (introspection, expected) in [
        ("{prefix: ['a b']}", "introspection.prefix[0]: may have up to 64 visible ASCII characters"),
        ("{prefix: ['']}", "introspection.prefix[0]: must not be empty"),
        ("{cache: off}", &format!("introspection.cache: expected {A_DURATION}, found `off`")),
        ("{cache: 11m}", "introspection.cache: must be between 1s and 10m"),
        ("{max_concurrent: 0}", "introspection.max_concurrent: must be between 1 and 1000"),
        ("{max_per_second: 0}", "introspection.max_per_second: must be between 1 and 100000"),
        ("{client: open}", "introspection.client: is a public client; the issuer has to know who asks"),
        ("{client: them}", "introspection.client: is none of the issuer's `clients`"),
        ("{endpoint: x}", "introspection.endpoint: unknown key"),
    ] {
        let problems = problems(&format!("introspection: {introspection}"));
        assert_eq!(problems, [format!("countersign.yaml:5: issuers[0].{expected}")], "{introspection}");
    }
    for good in ["{}", "{client: us}", "{prefix: [a_, b_], cache: 5s}", "off", "false"] {
        assert_eq!(problems(&format!("introspection: {good}")), [""; 0], "{good}");
    }
}

#[test]
fn no_two_issuers_may_have_the_same_prefix() {
    let env = Environment::from_iter([("SECRET", "hunter2")]);
    let issuer = |name: &str, prefix: &str| {
        format!(
            "  - {{issuer: 'https://{name}.example', audiences: [a], clients: [{{id: us, secret: {{env: SECRET}}}}], \
             introspection: {{prefix: [{prefix}]}}}}\n"
        )
    };
    let load = |one: &str, other: &str| {
        let text = format!("issuers:\n{}{}", issuer("a", one), issuer("b", other));
        load_with(&text, &env).map(|loaded| loaded.effective).err().unwrap_or_default()
    };
    assert_eq!(load("a_", "a_b_"), [""; 0], "the longest counts");
    assert_eq!(
        load("a_, c_", "b_, a_"),
        [
            "countersign.yaml:3: issuers[1].introspection: another issuer has the same `prefix`; a token is sent to one"
        ]
    );
}

#[test]
fn who_asks_is_the_named_client_or_the_first_that_can_prove_who_it_is() {
    let env = Environment::from_iter([("SECRET", "hunter2")]);
    let clients = "clients: [{id: open, auth: none}, {id: one, secret: {env: SECRET}}, {id: two, secret: {env: SECRET}}]";
    for (introspection, expected) in [("{}", "one"), ("{client: two}", "two")] {
        let text = format!("{}    introspection: {introspection}\n", with_issuer_lines(clients));
        let loaded = load_with(&text, &env).unwrap_or_else(|problems| panic!("{problems:?}"));
        let introspection = loaded.config.issuers[0].introspection.clone().unwrap();
        assert_eq!(introspection.client.id, expected);
    }
}

/// What one issuer is shown, it could show to the other.
#[test]
fn one_private_key_is_for_one_issuer() {
    let client = "clients: [{id: c, auth: private_key_jwt, key: {env: PEM}}]";
    let text = format!(
        "issuers:\n  - {{issuer: https://a.example, audiences: [a], {client}}}\n  - {{issuer: https://b.example, \
         audiences: [a], {client}}}\n"
    );
    let environment = Environment::from_iter([("PEM", PEM)]);
    let problems = Config::parse(&text, &environment, Path::new("")).unwrap_err().to_string();
    assert!(
        problems.contains("issuers[1].clients: a private key of issuers[0] (line 2) is used here"),
        "{problems}"
    );
}
