use std::collections::HashMap;

use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::envoy::service::auth::v3::{
        AttributeContext,
        attribute_context::{HttpRequest, Peer, Request},
    },
};
use prost::Message as _;

use super::*;

fn message(http: HttpRequest, extensions: &[(&str, &str)]) -> Bytes {
    let context_extensions =
        extensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Some(Request { time: None, http: Some(http) });
    let source = Some(Peer { principal: "spiffe://a".to_owned(), ..Peer::default() });
    let attributes =
        Some(AttributeContext { source, request, context_extensions, ..AttributeContext::default() });
    CheckRequest { attributes }.encode_to_vec().into()
}

fn http() -> HttpRequest {
    HttpRequest {
        id: "1".to_owned(),
        method: "GET".to_owned(),
        headers: HashMap::from([("authorization".to_owned(), "Bearer a".to_owned())]),
        path: "/a?b=c".to_owned(),
        host: "shop.example".to_owned(),
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        size: -1,
        ..HttpRequest::default()
    }
}

#[test]
fn what_envoy_writes_is_read() {
    let message = message(http(), &[("optional", "true"), ("kind", "")]);
    let check = Check::read(&message).unwrap();
    let (request, mut words) = check.request().unwrap();
    words.sort_unstable();
    assert_eq!(words.as_slice(), [("kind", ""), ("optional", "true")]);
    assert_eq!(
        (request.method, request.target, request.scheme, request.host, request.certificate),
        (Some("GET"), Some("/a?b=c"), Some("https"), Some("shop.example"), None)
    );
    assert_eq!(request.headers.values("authorization").as_slice(), [b"Bearer a".as_slice()]);
    assert!(request.headers.values("cookie").is_empty());
}

/// As envoy-types 0.7.7 does not know `header_map` yet, the bytes are written by hand.
#[test]
fn raw_headers_are_read_one_by_one() {
    let header = |name: &[u8], tag: u8, value: &[u8]| {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        let header = [&[0x0a, length(name)][..], name, &[tag, length(value)], value].concat();
        [&[0x0a, length(&header)][..], &header].concat()
    };
    let map = [header(b"authorization", 0x1a, b"Bearer \xff"), header(b"Authorization", 0x12, b"Bearer b")]
        .concat();
    let in_request =
        |number: u8, inner: &[u8]| [&[number << 3 | 2, u8::try_from(inner.len()).unwrap()], inner].concat();
    let message = Bytes::from(in_request(1, &in_request(4, &in_request(2, &in_request(13, &map)))));
    let check = Check::read(&message).unwrap();
    let (request, _) = check.request().unwrap();
    assert_eq!(request.headers.values("authorization").as_slice(), [&b"Bearer \xff"[..], b"Bearer b"]);
}

#[test]
fn a_check_without_a_request_says_what_is_missing() {
    let problem = |message: Vec<u8>| {
        let message = Bytes::from(message);
        Check::read(&message).unwrap().request().err().unwrap_or_default().to_owned()
    };
    assert!(problem(vec![]).contains("attributes"));
    let attributes = Some(AttributeContext::default());
    assert!(problem(CheckRequest { attributes }.encode_to_vec()).contains("http"));
    let request = Some(Request::default());
    let attributes = Some(AttributeContext { request, ..AttributeContext::default() });
    assert!(problem(CheckRequest { attributes }.encode_to_vec()).contains("http"));
}

#[test]
fn bytes_that_are_no_check_are_malformed() {
    for bad in
        [&[0x0a][..], &[0x0a, 1, 0xff], &[0x0a, 0, 0x0a, 0], &[0x08, 1, 0x0a], b"\x0a\x04\x22\x02\x12\x05"]
    {
        let message = Bytes::copy_from_slice(bad);
        assert!(Check::read(&message).is_err(), "{bad:?}");
    }
}

#[test]
fn more_headers_than_anybody_sends_are_no_check_and_no_error() {
    let headers = (0..2_001).map(|number| (format!("x-{number}"), String::new())).collect();
    let message = message(HttpRequest { headers, ..http() }, &[]);
    assert!(Check::read(&message).unwrap().request().is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let message = Bytes::from(bytes);
        if let Ok(check) = Check::read(&message) {
            drop(check.request());
        }
    }

    /// Whatever the generated decoder reads is read here in the same way.
    #[test]
    fn a_check_is_read_as_the_generated_decoder_reads_it(
        headers in proptest::collection::hash_map("[a-z-]{1,12}", "\\PC{0,20}", 0..6),
        path in "/\\PC{0,20}",
        extensions in proptest::collection::hash_map("[a-z_]{1,12}", "\\PC{0,20}", 0..4),
    ) {
        let pairs: Vec<(&str, &str)> =
            extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let bytes = message(HttpRequest { headers: headers.clone(), path: path.clone(), ..http() }, &pairs);
        let check = Check::read(&bytes).unwrap();
        let (request, words) = check.request().unwrap();
        proptest::prop_assert_eq!(request.target, Some(path.as_str()));
        for (name, value) in &headers {
            let values = request.headers.values(name);
            proptest::prop_assert_eq!(values.as_slice(), [value.as_bytes()]);
        }
        let read: HashMap<String, String> =
            words.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        proptest::prop_assert_eq!(read, extensions);
    }
}
