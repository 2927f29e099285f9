//! Statuses: what cannot be told, and requests that are wrong themselves.

use std::time::Duration;

use bytes::Bytes;
use countersign::proto::client::{RequestContext, ValidateRequest};
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::kit::{OTHER_HISTORY, Setup, VALIDATE, about, ask, field_of, raw, reason_of, status_in, token_in};

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

/// About a revision of another store's history nobody can tell whether it has been reached.
#[tokio::test]
async fn r8_a_revision_of_another_history_is_unavailable_and_ones_own_is_not() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let known = ask(&mut client, about(setup.good())).await.unwrap().revision;
    let request = |revision: &str| ValidateRequest { min_revision: revision.into(), ..about(setup.good()) };
    assert_eq!(ask(&mut client, request(&known)).await.unwrap().revision, known);
    let status = status_in(ask(&mut client, request(OTHER_HISTORY)).await);
    assert_eq!((status.code(), &*reason_of(&status)), (Code::Unavailable, "REVOCATIONS_STALE"));
}

/// Nobody else writes to the embedded store: what is known is never old.
#[tokio::test]
async fn the_embedded_store_satisfies_any_wish_for_fresh_revocations() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    for seconds in [0, 3600] {
        let limit = prost_types::Duration { seconds, nanos: 0 };
        let request = ValidateRequest { max_staleness: Some(limit), ..about(setup.good()) };
        token_in(ask(&mut client, request).await.unwrap());
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
        ("min_revision", ValidateRequest { min_revision: "1".into(), ..about(token) }),
        ("min_revision", ValidateRequest { min_revision: "0000000000000000-01".into(), ..about(token) }),
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
