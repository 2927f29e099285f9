//! Statuses: what cannot be told, and requests that are wrong themselves.

use std::time::Duration;

use bytes::Bytes;
use countersign::proto::client::{RequestContext, ValidateRequest};
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::kit::{Setup, VALIDATE, about, ask, field_of, raw, reason_of, status_in};

#[tokio::test]
async fn keys_out_of_reach_are_unavailable_and_say_when_to_ask_again() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    for refusal_as_status in [false, true] {
        let request = ValidateRequest { refusal_as_status, ..about(setup.undecidable()) };
        let status = status_in(ask(&mut client, request).await);
        assert_eq!((status.code(), &*reason_of(&status)), (Code::Unavailable, "KEYS_UNAVAILABLE"));
        let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(delay > Duration::ZERO && delay <= Duration::from_mins(1), "{delay:?}");
    }
}

/// This version keeps no revocations, so it cannot promise to know of one.
#[tokio::test]
async fn a_wish_for_fresh_revocations_is_unavailable_whatever_the_token() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    for token in [setup.good(), String::new()] {
        let revision = ValidateRequest { min_revision: "1".into(), ..about(&token) };
        let zero = prost_types::Duration::default();
        let long = prost_types::Duration { seconds: 3600, nanos: 0 };
        let stale = |limit| ValidateRequest { max_staleness: Some(limit), ..about(&token) };
        for request in [revision, stale(zero), stale(long)] {
            let status = status_in(ask(&mut client, request).await);
            assert_eq!((status.code(), &*reason_of(&status)), (Code::Unavailable, "REVOCATIONS_STALE"));
        }
    }
}

/// The fields that cannot be served, and their names.
pub(super) fn bad_fields(token: &str) -> Vec<(&'static str, ValidateRequest)> {
    let staleness = |seconds, nanos| ValidateRequest {
        max_staleness: Some(prost_types::Duration { seconds, nanos }),
        ..about(token)
    };
    let context = |context| ValidateRequest { context: Some(context), ..about(token) };
    let certificate = |text: &str| {
        context(RequestContext { client_certificate_sha256: text.to_owned(), ..RequestContext::default() })
    };
    let scheme = |text: &str| {
        context(RequestContext { authorization_scheme: text.to_owned(), ..RequestContext::default() })
    };
    vec![
        ("max_staleness", staleness(-1, 0)),
        ("max_staleness", staleness(0, -1)),
        ("max_staleness", staleness(i64::MIN, i32::MIN)),
        ("kind", ValidateRequest { kind: 3, ..about(token) }),
        ("kind", ValidateRequest { kind: -1, ..about(token) }),
        ("context.client_certificate_sha256", certificate("ab")),
        ("context.client_certificate_sha256", certificate(&"zz".repeat(32))),
        ("context.client_certificate_sha256", certificate(&"ab".repeat(33))),
        ("context.authorization_scheme", scheme("Basic")),
        ("context.authorization_scheme", scheme("Bearer ")),
    ]
}

#[tokio::test]
async fn a_field_that_cannot_be_served_is_named_and_its_content_is_not_repeated() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    for (field, request) in bad_fields(&setup.good()) {
        let status = status_in(ask(&mut client, request.clone()).await);
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!((&*field_of(&status), &*reason_of(&status)), (field, "INVALID_FIELD"));
        assert!(!format!("{status:?}").contains("zzzz"), "{status:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_request_are_malformed() {
    let setup = Setup::start().await;
    let channel = setup.service.channel().await;
    for bytes in [&b"\xff"[..], b"\x0a\x05abc", b"\x0a\x02\xff\xfe", b"\x08\x01", b"\x0b"] {
        let status = raw(&channel, VALIDATE, Bytes::copy_from_slice(bytes)).await.unwrap_err();
        assert_eq!((status.code(), &*reason_of(&status)), (Code::InvalidArgument, "MALFORMED_REQUEST"));
    }
    // What a later version may add is passed over.
    let later = [about(setup.good()).encode_to_vec(), vec![0xf8, 0x07, 1]].concat();
    raw(&channel, VALIDATE, later).await.unwrap();
}
