//! The rules of `http` and `ext_authz`.

use super::*;
use crate::{
    api::http::Forwarded,
    domain::edge::{
        settings::{Field, Login},
        source::Source,
    },
};

const NO_NAME: &str =
    "expected a header's name of letters, digits and up to 4 dashes that nothing else needs; or `off`";

#[test]
fn rules_of_http() {
    for (line, expected) in [
        (
            "http: {listen: localhost:1}",
            "http.listen: expected an IP address and port such as `127.0.0.1:50051` or `[::1]:50051`, or `unix:/path/to/socket`, found `localhost:1`; or `off`",
        ),
        ("http: {listen: 127.0.0.1:50051}", "http: `listen` has 127.0.0.1:50051 already"),
        ("http: {listen: 127.0.0.1:9090}", "http: `admin` has 127.0.0.1:9090 already"),
        (
            "http: {listen: 0.0.0.0:5}",
            "http: 0.0.0.0:5 is not loopback, and without TLS and callers everybody who can reach it may ask \
             everything; listen on loopback or a unix socket, or write `insecure_allow_any_caller: true`",
        ),
        (
            "http: {forwarded: on}",
            "http.forwarded: expected `x_forwarded` or `x_original`, found `on`; or `off`",
        ),
        ("http: off", "http: expected a section (`key: value` lines), found a single value"),
    ] {
        check_top(line, expected);
    }
}

#[test]
fn rules_of_ext_authz() {
    let source = "use `authorization`, `header:NAME` (not `authorization`, `cookie` or a header that HTTP itself needs) \
         or `query:NAME`";
    for (line, expected) in [
        ("cannot_tell: deny", "cannot_tell: expected `error_response` or `rpc_error`, found `deny`"),
        ("sources: []", "sources: at least one is needed"),
        ("sources: [cookie]", &format!("sources[0]: {source}")),
        ("sources: [authorization, 'header:cookie']", &format!("sources[1]: {source}")),
        ("sources: ['header:X-A', 'header:x-a']", "sources: `header:x-a` is listed twice"),
        (
            "sources: ['header:x-auth-subject']",
            "sources: `x-auth-subject` is an identity header; a credential needs another",
        ),
        (
            "sources: ['header:x-auth-subject'], headers: {subject: off}",
            "sources: `x-auth-subject` is an identity header; a credential needs another",
        ),
        (
            "upstream_authorization: on",
            "upstream_authorization: expected `strip` or `access_token`, found `on`",
        ),
        ("headers: {subject: x_user}", &format!("headers.subject: {NO_NAME}")),
        ("headers: {subject: host}", &format!("headers.subject: {NO_NAME}")),
        ("headers: {subject: cache-control}", &format!("headers.subject: {NO_NAME}")),
        ("headers: {roles: X-Forwarded-User}", &format!("headers.roles: {NO_NAME}")),
        ("sources: ['header:x-forwarded-client-cert']", &format!("sources[0]: {source}")),
        ("sources: [authorization, 'header:Sec-Token']", &format!("sources[1]: {source}")),
        ("headers: {subject: a-b-c-d-e-f}", &format!("headers.subject: {NO_NAME}")),
        ("headers: {subject: ':path'}", &format!("headers.subject: {NO_NAME}")),
        ("headers: {issuer: x-a, subject: X-A}", "headers.issuer: `x-a` is the header of `subject`, too"),
        ("headers: {subject: x-auth-roles}", "headers.subject: `x-auth-roles` is the header of `roles`, too"),
        (
            "headers: {roles: x-auth-subject}",
            "headers.roles: `x-auth-subject` is the header of `subject`, too",
        ),
        ("headers: {user: x-user}", "headers.user: unknown key"),
        ("lists: yaml", "lists: expected `comma` or `json`, found `yaml`"),
        ("max_identity_bytes: 255", "max_identity_bytes: must be between 256 and 32KiB"),
        ("max_identity_bytes: 33KiB", "max_identity_bytes: must be between 256 and 32KiB"),
        ("dynamic_metadata: on", "dynamic_metadata: expected `claims`, found `on`; or `off`"),
    ] {
        check_top(&format!("ext_authz: {{{line}}}"), &format!("ext_authz.{expected}"));
    }
}

#[test]
fn rules_of_what_clients_are_told() {
    let realm = "realm: may have up to 128 visible ASCII characters and spaces, no quotes and no backslashes";
    let long = format!("https://a.example/{}", "x".repeat(2_048));
    for (line, expected) in [
        (r#"realm: 'a"b'"#, realm),
        (r"realm: 'a\b'", realm),
        ("realm: café", realm),
        (&format!("realm: {}", "x".repeat(129)), realm),
        (
            "resource_metadata: http://a.example",
            "resource_metadata: plain http is accepted for loopback hosts only; or `off`",
        ),
        (
            "resource_metadata: /metadata",
            "resource_metadata: expected an absolute URL that begins with `https://`; or `off`",
        ),
        (r"resource_metadata: 'https://a.example/?\'", "resource_metadata: has a backslash in it; or `off`"),
        (&format!("resource_metadata: {long}"), "resource_metadata: is longer than 2048 bytes; or `off`"),
        ("login: {return_to: a}", "login.url: where people log in is needed"),
        (
            "login: {url: 'javascript:alert(1)'}",
            "login.url: expected an absolute URL that begins with `https://`",
        ),
        (
            "login: {url: http://app.example/login}",
            "login.url: plain http is accepted for loopback hosts only",
        ),
        ("login: {url: https://a.example/#x}", "login.url: a URL with a fragment (`#`) is not accepted"),
        (
            "login: {url: https://a.example, return_to: 'a=b'}",
            "login.return_to: may have up to 64 letters, digits, `-`, `.`, `_` and `~`",
        ),
        (
            "login: {url: 'https://a.example/?r%64=x', return_to: rd}",
            "login.return_to: the `url` has this parameter already",
        ),
    ] {
        check_top(&format!("ext_authz: {{{line}}}"), &format!("ext_authz.{expected}"));
    }
}

#[test]
fn what_is_written_is_what_is_meant() {
    let text = "ext_authz: {sources: 'header:X-Token', headers: {subject: X-User, issuer: off}, dynamic_metadata: off, \
         login: {url: http://127.0.0.1:8/in}}\nhttp: {listen: 127.0.0.1:1, forwarded: x_forwarded}";
    let Config { ext_authz, http, .. } = good(&format!("{text}\n{ISSUER}")).config;
    assert_eq!(ext_authz.sources, [Source::Header("x-token".to_owned())]);
    assert_eq!(ext_authz.names.of(Field::Subject), Some("x-user"));
    assert_eq!(ext_authz.names.of(Field::Issuer), None);
    assert_eq!(ext_authz.names.of(Field::Roles), Some("x-auth-roles"));
    assert!(!ext_authz.dynamic_metadata);
    let login = Login { url: "http://127.0.0.1:8/in".to_owned(), return_to: None };
    assert_eq!(ext_authz.login, Some(login));
    assert_eq!(http.forwarded, Some(Forwarded::XForwarded));
    // A header's default name is free for another field once its own field has another.
    good(&format!("ext_authz: {{headers: {{subject: x-auth-issuer, issuer: x-auth-subject}}}}\n{ISSUER}"));
    assert_eq!(good(ISSUER).config.ext_authz, EdgeSettings::default());
}

fn warnings(http: &str, ext_authz: &str) -> Vec<String> {
    let loaded = good(&format!("http: {{{http}}}\next_authz: {{{ext_authz}}}\n{ISSUER}"));
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_silent_loss_is_told() {
    let told = warnings("listen: off", "headers: {omitted: off}");
    assert!(
        told.len() == 1
            && told[0].starts_with("countersign.yaml:2: ext_authz.headers.omitted: with `off`, nothing"),
        "{told:?}"
    );
    for headers in ["{}", "{subject: off}", "{omitted: x-left-out}"] {
        assert!(warnings("listen: off", &format!("headers: {headers}")).is_empty(), "{headers}");
    }
}

#[test]
fn what_http_cannot_do_is_told() {
    let (query, login) = ("sources: ['query:t']", "login: {url: https://a.example}");
    let told = warnings("listen: 127.0.0.1:1", query);
    assert!(
        told.len() == 1 && told[0].starts_with("countersign.yaml:1: http: over HTTP, `query:t`"),
        "{told:?}"
    );
    for http in ["listen: 127.0.0.1:1", "listen: 127.0.0.1:1, forwarded: x_original"] {
        let told = warnings(http, login);
        assert!(told.len() == 1 && told[0].contains("`ext_authz.login`"), "{told:?}");
    }
    assert!(warnings("listen: 127.0.0.1:1, forwarded: x_original", query).is_empty());
    assert!(warnings("listen: 127.0.0.1:1, forwarded: x_forwarded", login).is_empty());
    assert!(warnings("listen: off", &format!("{query}, {login}")).is_empty());
}
