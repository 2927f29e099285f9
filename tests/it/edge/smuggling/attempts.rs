//! The attempts, each with what Envoy answers to it at a route that needs a token, with one.

use super::super::envoy::IDENTITY;

/// Bytes in which `ROUTE` stands for the route and `TOKEN` for a line with a token, or for nothing.
pub(super) struct Attempt {
    pub(super) name: String,
    pub(super) status: u16,
    template: Vec<u8>,
}

impl Attempt {
    pub(super) fn bytes(&self, route: &str, authorization: &str) -> Vec<u8> {
        let with_route = replace(&self.template, b"ROUTE", route.as_bytes());
        replace(&with_route, b"TOKEN", authorization.as_bytes())
    }
}

fn replace(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    match super::super::client::find(bytes, what) {
        Some(at) => [&bytes[..at], with, &replace(&bytes[at + what.len()..], what, with)].concat(),
        None => bytes.to_vec(),
    }
}

/// All of them.
pub(super) fn attempts() -> Vec<Attempt> {
    let every_name: Vec<u8> = IDENTITY
        .iter()
        .flat_map(|name| {
            let spellings =
                [(*name).to_owned(), name.replace('-', "_"), name.replacen('-', "_", 1), name.to_uppercase()];
            spellings.map(|name| format!("{name}: mallory\r\n").into_bytes())
        })
        .flatten()
        .collect();
    let headers = HEADERS.iter().map(|(status, lines)| header(*status, lines));
    let targets = TARGETS.iter().map(|(status, line)| target(*status, line));
    let whole = WHOLE.iter().map(|(status, bytes)| Attempt {
        name: shown(bytes),
        status: *status,
        template: bytes.to_vec(),
    });
    let mut all: Vec<_> = headers.chain(targets).chain(whole).collect();
    all.push(Attempt { name: "every name in four spellings".to_owned(), ..header(200, &every_name) });
    let long = [b"x-auth-subject: ".as_slice(), &b"m".repeat(20_000), b"\r\n"].concat();
    all.push(Attempt { name: "a long one".to_owned(), ..header(200, &long) });
    let many = b"x-auth_subject: mallory\r\n".repeat(60);
    all.push(Attempt { name: "sixty of them".to_owned(), ..header(200, &many) });
    all
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn header(status: u16, lines: &[u8]) -> Attempt {
    let (before, after) = (b"GET /ROUTE HTTP/1.1\r\nhost: edge.test\r\nTOKEN", b"\r\n");
    Attempt { name: shown(lines), status, template: [before.as_slice(), lines, after].concat() }
}

fn target(status: u16, line: &[u8]) -> Attempt {
    let after = b" HTTP/1.1\r\nhost: edge.test\r\nTOKENx_auth-subject: mallory\r\n\r\n";
    Attempt { name: shown(line), status, template: [line, after.as_slice()].concat() }
}

/// Lines of the head, behind the others.
const HEADERS: [(u16, &[u8]); 53] = [
    (200, b"x-auth-subject: mallory\r\n"),
    (200, b"X-Auth-Subject: mallory\r\n"),
    (200, b"X-AUTH-SUBJECT: mallory\r\n"),
    (200, b"x_auth_subject: mallory\r\n"),
    (200, b"X_AUTH_SUBJECT: mallory\r\n"),
    (200, b"x-auth_subject: mallory\r\n"),
    (200, b"X_Auth-Subject: mallory\r\n"),
    (200, b"x-auth-subject: alice\r\nx-auth-subject: mallory\r\n"),
    (200, b"x-auth-subject: mallory\r\nx_auth_subject: mallory\r\nx-auth_roles: root\r\n"),
    (200, b"x-auth-subject: mallory, alice\r\n"),
    (200, b"x-auth-roles: root\r\nx-auth-omitted: roles\r\n"),
    (200, b"x-auth-subject:\r\n"),
    (200, b"x-auth-subject:mallory\r\n"),
    (200, b"x-auth-subject:\tmallory\r\n"),
    (200, b"x-auth-subject: mal\tlory\r\n"),
    (400, b"x-auth-subject: mal\0lory\r\n"),
    (400, b"x-auth-subject\0: mallory\r\n"),
    (400, b"x-auth-sub\0ject: mallory\r\n"),
    (200, b"x-auth-subject: m\xe4llory\r\n"),
    (400, b"x-auth-sub\xefject: mallory\r\n"),
    (400, b"x-auth-subject\xc2\xa0: mallory\r\n"),
    (200, b"x-auth-subject: m\xc3\xa4llory\r\n"),
    (400, b"x-auth-subject : mallory\r\n"),
    (400, b"x-auth-subject\t: mallory\r\n"),
    (401, b" x-auth-subject: mallory\r\n"),
    (200, b"x-a: b\r\n x-auth-subject: mallory\r\n"),
    (200, b"x-a: b\r\n\tx-auth-subject: mallory\r\n"),
    (200, b"x-auth-subject:\r\n mallory\r\n"),
    (200, b"x-a: b\nx-auth-subject: mallory\r\n"),
    (200, b"x-a: b\rx-auth-subject: mallory\r\n"),
    (400, b"x-a: b\x0bx-auth-subject: mallory\r\n"),
    (400, b": mallory\r\n"),
    (400, b"x-auth-subject\r\n"),
    (400, b":x-auth-subject: mallory\r\n"),
    (400, b":path: /disabled\r\nx-auth-subject: mallory\r\n"),
    (200, b"connection: x-auth-subject\r\nx-auth-subject: mallory\r\n"),
    (401, b"connection: keep-alive, x-auth-subject, authorization\r\nx_auth_subject: mallory\r\n"),
    (200, b"connection: te\r\nte: x-auth-subject\r\nx-auth-subject: mallory\r\n"),
    (200, b"keep-alive: x-auth-subject\r\nproxy-connection: x-auth-subject\r\nx-auth-subject: mallory\r\n"),
    (200, b"upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nx-auth-subject: mallory\r\n"),
    (200, b"trailer: x-auth-subject\r\n"),
    (200, b"x-forwarded-user: mallory\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-host: a\r\nx-auth-subject: mallory\r\n"),
    (200, b"x-forwarded-uri: /disabled\r\nx-forwarded-prefix: /disabled\r\nx-forwarded-method: OPTIONS\r\n"),
    (200, b"x-original-url: /disabled\r\nx-rewrite-url: /disabled\r\nx_auth_subject: mallory\r\n"),
    (200, b"x-envoy-original-path: /disabled\r\nx-envoy-internal: true\r\nx-auth-subject: mallory\r\n"),
    (200, b"forwarded: for=127.0.0.1;host=a\r\nvia: 1.1 x-auth-subject\r\nx-auth_subject: mallory\r\n"),
    (200, b"x-seen-metadata: {\"subject\":\"mallory\"}\r\nx-auth-subject: mallory\r\n"),
    (200, b"x-auth-subject-: mallory\r\nx-auth--subject: mallory\r\nx.auth.subject: mallory\r\n"),
    (200, b"cookie: x-auth-subject=mallory\r\n"),
    (100, b"expect: 100-continue\r\nx-auth-subject: mallory\r\n"),
    (200, b"host: other.test\r\nx-auth-subject: mallory\r\n"),
    (400, b"content-length: 0\r\ncontent-length: 1\r\nx-auth-subject: mallory\r\n"),
    (400, b"content-length: +0\r\nx-auth-subject: mallory\r\n"),
];

/// Methods and targets.
const TARGETS: [(u16, &[u8]); 19] = [
    (200, b"GET http://edge.test/ROUTE"),
    (200, b"GET http://x-auth-subject:mallory@edge.test/ROUTE"),
    (200, b"GET //ROUTE"),
    (200, b"GET /ROUTE//x-auth-subject:mallory"),
    (200, b"GET /ROUTE/../ROUTE"),
    (200, b"GET /%2e%2e/ROUTE"),
    (200, b"GET /ROUTE%2f..%2fROUTE"),
    (200, b"GET /ROUTE;x-auth-subject=mallory"),
    (200, b"GET /ROUTE?x-auth-subject=mallory"),
    (200, b"GET /ROUTE%0d%0ax-auth-subject:%20mallory"),
    (400, b"GET /ROUTE#/x"),
    (400, b"GET \\ROUTE"),
    (400, b"GET ROUTE"),
    (400, b"GET *"),
    (400, b"GET /ROUTE x-auth-subject:mallory"),
    (404, b"CONNECT edge.test:80"),
    (400, b"get /ROUTE"),
    (200, b"TRACE /ROUTE"),
    (200, b"POST /ROUTE"),
];

/// Whole requests, and several.
const WHOLE: [(u16, &[u8]); 16] = [
    (200, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENtransfer-encoding: chunked\r\ntrailer: x-auth-subject\r\n\r\n2\r\nab\r\n0\r\nx-auth-subject: mallory\r\nx_auth_subject: mallory\r\n\r\n"),
    (400, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENcontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /ROUTE HTTP/1.1\r\nhost: a\r\nx-auth-subject: mallory\r\n\r\n"),
    (501, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENtransfer-encoding: xchunked\r\nx-auth-subject: mallory\r\n\r\n0\r\n\r\n"),
    (501, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENtransfer-encoding: chunked, identity\r\nx-auth-subject: mallory\r\n\r\n0\r\n\r\n"),
    (501, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENtransfer-encoding: identity\r\ntransfer-encoding: chunked\r\nx-auth-subject: mallory\r\n\r\n0\r\n\r\n"),
    (400, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENtransfer-encoding: \x0bchunked\r\nx-auth-subject: mallory\r\n\r\n0\r\n\r\n"),
    (200, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENtransfer_encoding: chunked\r\ncontent-length: 5\r\nx-auth-subject: mallory\r\n\r\n0\r\n\r\n"),
    (400, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENtransfer-encoding: chunked\r\n\r\n2;x-auth-subject: mallory\nab\r\n0\r\n\r\n"),
    (200, b"POST /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENcontent-length: 67\r\n\r\nGET /ROUTE HTTP/1.1\r\nhost: a\r\nx-auth-subject: mallory\r\nx-b: c\r\n\r\n!!"),
    (200, b"GET /ROUTE HTTP/1.1\r\nhost: a\r\nTOKEN\r\nGET /ROUTE HTTP/1.1\r\nhost: a\r\nx-auth-subject: mallory\r\nx_auth_subject: mallory\r\n\r\n"),
    (200, b"\r\n\r\nGET /ROUTE HTTP/1.1\r\nhost: a\r\nTOKENx-auth-subject: mallory\r\n\r\n"),
    (426, b"GET /ROUTE\r\nx-auth-subject: mallory\r\n\r\n"),
    (426, b"GET /ROUTE HTTP/1.0\r\nhost: a\r\nTOKENx-auth-subject: mallory\r\n\r\n"),
    (426, b"GET /ROUTE HTTP/1.2\r\nhost: a\r\nTOKENx-auth-subject: mallory\r\n\r\n"),
    (0, b"PRI * HTTP/2.0\r\nhost: a\r\nTOKENx-auth-subject: mallory\r\n\r\n"),
    (400, b"GET /ROUTE HTTP/1.1\r\nTOKENx-auth-subject: mallory\r\n\r\n"),
];
