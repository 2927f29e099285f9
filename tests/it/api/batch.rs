//! BatchValidate: an item's answer is what Validate would say of it, in its place.

use countersign::proto::client::{
    BatchValidateItem, BatchValidateRequest, Fault, Reason, TokenInfo, ValidateRequest, ValidateResponse,
    batch_validate_item::Result as Item, token_service_client::TokenServiceClient,
};
use prost::Message as _;
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt as _;

use super::{
    fields::bad_fields,
    kit::{
        BATCH_VALIDATE, OTHER_HISTORY, Setup, TO_ANSWER, VALIDATE, about, ask, field_of, pieces, raw,
        reason_of, rejection_in, status_in, token_in,
    },
};
use crate::support::wait::within;

pub(super) async fn ask_all(
    client: &mut TokenServiceClient<Channel>,
    requests: Vec<ValidateRequest>,
    include_claims: bool,
) -> Result<Vec<BatchValidateItem>, Status> {
    let request = BatchValidateRequest { requests, include_claims };
    let answer = within("a batch's answer", TO_ANSWER, client.batch_validate(request)).await?;
    Ok(answer.into_inner().items)
}

#[track_caller]
pub(super) fn response_in(item: &BatchValidateItem) -> ValidateResponse {
    match &item.result {
        Some(Item::Response(response)) => response.clone(),
        Some(Item::Fault(fault)) => panic!("a fault: {fault:?}"),
        None => panic!("neither a response nor a fault"),
    }
}

#[track_caller]
pub(super) fn fault_in(item: &BatchValidateItem) -> Fault {
    match &item.result {
        Some(Item::Fault(fault)) => fault.clone(),
        Some(Item::Response(_)) | None => panic!("no fault"),
    }
}

#[tokio::test]
async fn one_bad_item_never_fails_the_others_and_the_order_is_kept() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let named = |name: &str| setup.token(|claims| claims["sub"] = name.into());
    let requests = vec![
        about(named("first")),
        about(""),
        ValidateRequest { kind: 9, ..about(named("second")) },
        about(setup.undecidable()),
        ValidateRequest { min_revision: OTHER_HISTORY.into(), ..about(named("third")) },
        ValidateRequest { refusal_as_status: true, ..about(setup.token(|claims| claims["exp"] = 1.into())) },
        about(named("last")),
        about(named("first")),
    ];
    let items = ask_all(&mut client, requests, false).await.unwrap();
    assert_eq!(items.len(), 8);
    for (at, subject) in [(0, "first"), (6, "last"), (7, "first")] {
        assert_eq!(token_in(response_in(&items[at])).subject, subject);
    }
    assert_eq!(rejection_in(response_in(&items[1])).reason(), Reason::Missing);
    let expired = rejection_in(response_in(&items[5]));
    assert_eq!(expired.reason(), Reason::Expired, "a refusal in a batch is always a rejection");
    for (at, code, reason, retries) in [
        (2, Code::InvalidArgument, "INVALID_FIELD", false),
        (3, Code::Unavailable, "KEYS_UNAVAILABLE", true),
        (4, Code::Unavailable, "REVOCATIONS_STALE", false),
    ] {
        let fault = fault_in(&items[at]);
        assert_eq!((Code::from(fault.code), fault.reason.as_str()), (code, reason));
        assert_eq!(fault.retry_after.is_some(), retries, "{fault:?}");
    }
}

#[tokio::test]
async fn a_fault_says_what_the_status_of_a_call_would() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let mut requests: Vec<_> = bad_fields(&setup.good()).into_iter().map(|(_, request)| request).collect();
    requests.push(about(setup.undecidable()));
    let items = ask_all(&mut client, requests.clone(), true).await.unwrap();
    for (item, request) in items.iter().zip(requests) {
        let fault = fault_in(item);
        for piece in pieces(&request.token) {
            assert!(!fault.message.contains(piece), "{fault:?}");
        }
        let status = status_in(ask(&mut client, request).await);
        assert_eq!((Code::from(fault.code), fault.reason), (status.code(), reason_of(&status)));
        assert_eq!(fault.message, status.message());
        assert_eq!(fault.retry_after.is_some(), status.get_details_retry_info().is_some());
    }
}

/// Both ways, from the same cached token.
#[tokio::test]
async fn claims_come_only_when_they_are_asked_for_and_the_rest_is_the_same() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let token = setup.good();
    let alone = token_in(ask(&mut client, about(token.clone())).await.unwrap());
    assert!(!alone.claims_json.is_empty());
    for include_claims in [false, true, false] {
        let items = ask_all(&mut client, vec![about(token.clone())], include_claims).await.unwrap();
        let info = token_in(response_in(&items[0]));
        let expected = if include_claims {
            alone.clone()
        } else {
            TokenInfo { claims_json: vec![].into(), ..alone.clone() }
        };
        assert!(info == expected, "include_claims: {include_claims}");
    }
}

#[tokio::test]
async fn a_batch_holds_one_to_a_thousand_requests() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let request = about(setup.good());
    for wrong in [0, 1001] {
        let status = status_in(ask_all(&mut client, vec![request.clone(); wrong], false).await);
        assert_eq!(status.code(), Code::InvalidArgument, "{wrong}: {status:?}");
        assert_eq!((&*field_of(&status), &*reason_of(&status)), ("requests", "INVALID_FIELD"));
    }
    let items = ask_all(&mut client, vec![request; 1000], true).await.unwrap();
    assert_eq!(items.len(), 1000);
    for item in items {
        token_in(response_in(&item));
    }
}

/// Nobody can say which item is meant, and a token must not pass for another.
#[tokio::test]
async fn bytes_that_are_no_batch_fail_it_whole() {
    let setup = Setup::start().await;
    let channel = setup.service.channel().await;
    let requests = vec![about(setup.good())];
    let good = BatchValidateRequest { requests, include_claims: false }.encode_to_vec();
    raw(&channel, BATCH_VALIDATE, good.clone()).await.unwrap();
    let item_with_invalid_utf8 = [&good[..], b"\x0a\x04\x0a\x02\xff\xfe"].concat();
    let and_of_no_kind = [&good[..], b"\x0a\x06\x0a\x02\xff\xfe\x38\x63"].concat();
    let no_token = ValidateRequest { token: "a".repeat(20_000), ..ValidateRequest::default() };
    let long = no_token.encode_to_vec().into_iter().map(|byte| if byte == b'a' { 0xff } else { byte });
    let long: Vec<u8> = long.collect();
    let mut and_too_long = good.clone();
    prost::encoding::bytes::encode(1, &long, &mut and_too_long);
    let cut = good[..good.len() - 1].to_vec();
    let item_that_is_no_request = [&good[..], b"\x0a\x01\xff"].concat();
    let among_too_many = [item_with_invalid_utf8.clone(), b"\x0a\x00".repeat(1000)].concat();
    let no_text = [among_too_many, item_with_invalid_utf8, and_of_no_kind, and_too_long];
    for bytes in [cut, item_that_is_no_request, b"\xff".to_vec()].into_iter().chain(no_text) {
        let status = raw(&channel, BATCH_VALIDATE, bytes).await.unwrap_err();
        assert_eq!((status.code(), &*reason_of(&status)), (Code::InvalidArgument, "MALFORMED_REQUEST"));
    }
    for alone in [b"\x0a\x02\xff\xfe".to_vec(), b"\x0a\x02\xff\xfe\x38\x63".to_vec(), long] {
        let status = raw(&channel, VALIDATE, alone).await.unwrap_err();
        let expected = (Code::InvalidArgument, "MALFORMED_REQUEST");
        assert_eq!((status.code(), &*reason_of(&status)), expected, "one alone");
    }
}
