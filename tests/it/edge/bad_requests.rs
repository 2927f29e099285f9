//! Checks that no Envoy sends.

use std::collections::HashMap;

use envoy_types::{
    ext_authz::v3::pb::{CheckRequest, CheckResponse, DeniedHttpResponse, HttpResponse},
    pb::envoy::service::auth::v3::{
        AttributeContext,
        attribute_context::{HttpRequest, Request},
    },
};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::{Code, transport::Channel};

use super::scene::start_service;
use crate::api::kit::raw;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

fn of_http(http: HttpRequest) -> CheckRequest {
    let request = Request { http: Some(http), ..Request::default() };
    CheckRequest {
        attributes: Some(AttributeContext { request: Some(request), ..AttributeContext::default() }),
    }
}

fn with(headers: &[(&str, &str)]) -> CheckRequest {
    let headers: HashMap<_, _> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    of_http(HttpRequest {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        host: "edge.test".to_owned(),
        headers,
        ..HttpRequest::default()
    })
}

/// The answer, which must be a denial: its code, its HTTP status, and its reason.
async fn denied(channel: &Channel, what: &str, bytes: Vec<u8>) -> (Code, i32, Value) {
    let answer = raw(channel, CHECK, bytes).await.unwrap_or_else(|status| panic!("{what}: {status:?}"));
    let CheckResponse { status, http_response, .. } = CheckResponse::decode(answer).unwrap();
    let code = Code::from(status.unwrap_or_else(|| panic!("{what}: an allow")).code);
    let Some(HttpResponse::DeniedResponse(DeniedHttpResponse { status, body, .. })) = http_response else {
        panic!("{what}: not denied: {http_response:?}")
    };
    let body: Value = serde_json::from_str(&body).unwrap();
    (code, status.unwrap().code, body["reason"].clone())
}

#[tokio::test]
async fn e4_a_check_that_says_too_little_is_denied() {
    let (service, _) = start_service("", &[]).await;
    let channel = service.channel().await;
    let no_request = CheckRequest { attributes: Some(AttributeContext::default()) };
    let no_http = AttributeContext { request: Some(Request::default()), ..AttributeContext::default() };
    let mut policy = with(&[]);
    let attributes = policy.attributes.as_mut().unwrap();
    attributes.context_extensions = HashMap::from([("optional".to_owned(), "1".to_owned())]);
    for (what, check, expected) in [
        ("empty", CheckRequest::default(), (Code::InvalidArgument, 400, "REQUEST_INVALID")),
        ("no request", no_request, (Code::InvalidArgument, 400, "REQUEST_INVALID")),
        (
            "no http",
            CheckRequest { attributes: Some(no_http) },
            (Code::InvalidArgument, 400, "REQUEST_INVALID"),
        ),
        ("nothing in http", of_http(HttpRequest::default()), (Code::Unauthenticated, 401, "MISSING")),
        ("a misspelt policy", policy, (Code::FailedPrecondition, 500, "POLICY_INVALID")),
    ] {
        let (code, status, reason) = denied(&channel, what, check.encode_to_vec()).await;
        assert_eq!((code, status, reason), (expected.0, expected.1, json!(expected.2)), "{what}");
    }
}

#[tokio::test]
async fn e3_a_credential_that_cannot_be_read_is_refused_and_never_nobodys() {
    let (service, signers) = start_service("", &[]).await;
    let channel = service.channel().await;
    let token = signers.token(&[]);
    let two = format!("Bearer {token}, Basic YTpi");
    let twice = format!("Bearer {token}, Bearer {}", signers.token(&[]));
    let long = format!("Bearer {}", "a".repeat(100 * 1024));
    let within = format!("Bearer {token}\0");
    let tab = format!("Bearer\t{token}");
    for (authorization, reason) in [
        (two.as_str(), "CREDENTIAL_CONFLICT"),
        (&twice, "CREDENTIAL_CONFLICT"),
        (&long, "TOO_LARGE"),
        (&within, "MALFORMED"),
        (&tab, "MALFORMED"),
        ("Bearer", "MALFORMED"),
        ("Bearer ", "MALFORMED"),
        ("bearer  ", "MALFORMED"),
        ("Bearer\0", "MALFORMED"),
        ("Bearer \u{e4}", "MALFORMED"),
        ("Bearer a.b.c", "MALFORMED"),
    ] {
        for optional in ["true", "false"] {
            let mut check = with(&[("authorization", authorization)]);
            let attributes = check.attributes.as_mut().unwrap();
            attributes.context_extensions = HashMap::from([("optional".to_owned(), optional.to_owned())]);
            let (code, status, its) = denied(&channel, authorization, check.encode_to_vec()).await;
            let shown = &authorization[..authorization.len().min(20)];
            assert_eq!((code, status, its), (Code::Unauthenticated, 401, json!(reason)), "{shown:?}");
        }
    }
    let (code, status, reason) =
        denied(&channel, "Basic", with(&[("authorization", "Basic YTpi")]).encode_to_vec()).await;
    assert_eq!((code, status, reason), (Code::Unauthenticated, 401, json!("MISSING")));
}

#[tokio::test]
async fn many_headers_are_looked_through() {
    let (service, _) = start_service("", &[]).await;
    let channel = service.channel().await;
    let names: Vec<_> = (0..1_000).map(|number| format!("x-{number}")).collect();
    let value = "v".repeat(100);
    let headers: Vec<_> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
    let check = with(&headers).encode_to_vec();
    assert!(check.len() > 100 * 1024);
    assert_eq!(denied(&channel, "many", check).await, (Code::Unauthenticated, 401, json!("MISSING")));
}

/// A message behind its field's number and its length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    [bytes, content.to_vec()].concat()
}

/// `attributes.request.http` of these bytes.
fn around(http: &[u8]) -> Vec<u8> {
    field(1, &field(4, &field(2, http)))
}

#[tokio::test]
async fn e4_bytes_that_are_no_text_are_answered_and_never_with_an_allow() {
    let (service, _) = start_service("", &[]).await;
    let channel = service.channel().await;
    let header = |name: &[u8], value: &[u8]| around(&field(3, &[field(1, name), field(2, value)].concat()));
    let invalid = (Code::InvalidArgument, 400, json!("REQUEST_INVALID"));
    let malformed = (Code::Unauthenticated, 401, json!("MALFORMED"));
    let missing = (Code::Unauthenticated, 401, json!("MISSING"));
    for (what, bytes, expected) in [
        ("a token that is no text", header(b"authorization", b"Bearer \xff\xfe"), &malformed),
        ("a scheme that is no text", header(b"authorization", b"\xff\xfe"), &missing),
        ("a header that is no text", header(b"x-\xff", b"\xff"), &missing),
        ("a method that is no text", around(&field(2, b"\xff")), &invalid),
        ("a path that is no text", around(&field(4, b"/\xff")), &invalid),
        ("a host that is no text", around(&field(5, b"\xff")), &invalid),
    ] {
        assert_eq!(denied(&channel, what, bytes).await, *expected, "{what}");
    }
    let policy = [field(4, &field(2, &[])), field(10, &[field(1, b"optional"), field(2, b"\xff")].concat())];
    assert_eq!(denied(&channel, "a policy that is no text", field(1, &policy.concat())).await, invalid);
    for bytes in [&b"\xff"[..], b"\x0a\x05", b"\x0a\xff\xff\xff\xff\x0f", b"\x08\x01\x0f", &[0x0b; 100]] {
        let status = raw(&channel, CHECK, bytes.to_vec()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{bytes:?}: {status:?}");
    }
    assert!(!service.output().contains("panicked"), "{}", service.output());
}
