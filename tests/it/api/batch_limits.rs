//! BatchValidate at the limits of a message: full answers, and requests that would be much larger in memory.

use countersign::proto::client::{BatchValidateRequest, ValidateRequest};
use prost::Message as _;
use serde_json::json;
use tonic::Code;

use super::{
    batch::{ask_all, fault_in, response_in},
    kit::{BATCH_VALIDATE, Setup, VALIDATE, about, raw, reason_of, token_in},
};
use crate::support::service::Service;

const MOST_MEMORY_KIB: u64 = 200 * 1024;

/// A token just within `limits.max_token_bytes`, most of which its answer says twice: as scopes and in the claims.
fn large(setup: &Setup) -> String {
    let token = setup.token(|claims| claims["scope"] = json!("s".repeat(11_800)));
    assert!(token.len() > 15 * 1024 && token.len() <= 16 * 1024, "{}", token.len());
    token
}

#[tokio::test]
async fn items_that_find_no_room_in_the_answer_are_told_to_ask_again_and_the_others_are_whole() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let requests = vec![about(large(&setup)); 250];
    let items = ask_all(&mut client, requests.clone(), true).await.unwrap();
    let full = items.iter().take_while(|item| item.encoded_len() > 1000).count();
    assert!((140..170).contains(&full), "{full} of the answers, of 23 KiB each, fit into 4 MiB");
    for item in &items[..full] {
        let info = token_in(response_in(item));
        assert!(info.claims_json.len() > 11_800 && info.scopes[0].len() == 11_800);
    }
    for item in &items[full..] {
        let fault = fault_in(item);
        assert_eq!(
            (Code::from(fault.code), fault.reason.as_str()),
            (Code::ResourceExhausted, "RESPONSE_TOO_LARGE")
        );
    }
    // They fit without claims, and alone.
    let items = ask_all(&mut client, requests.clone(), false).await.unwrap();
    assert!(items.iter().all(|item| token_in(response_in(item)).claims_json.is_empty()));
    let rest = requests[full..].to_vec();
    for item in ask_all(&mut client, rest, true).await.unwrap() {
        token_in(response_in(&item));
    }
}

/// The most that the process has ever held.
fn peak_kib(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Two bytes a piece on the wire, and hundreds each if they were decoded.
#[tokio::test]
async fn millions_of_empty_items_are_refused_before_they_take_memory() {
    let setup = Setup::start().await;
    let channel = setup.service.channel().await;
    let empty_items = [0x0a, 0x00].repeat(2_000_000);
    for path in [BATCH_VALIDATE, VALIDATE] {
        let status = raw(&channel, path, empty_items.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{path}: {status:?}");
        assert!(!reason_of(&status).is_empty());
    }
    let many_audiences = [0x12, 0x00].repeat(2_000_000);
    let status = raw(&channel, VALIDATE, many_audiences.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    // The same within one item of a batch.
    let item = ValidateRequest::decode(&[0x12, 0x00].repeat(1_000_000)[..]).unwrap();
    let batch = BatchValidateRequest { requests: vec![item], include_claims: false };
    raw(&channel, BATCH_VALIDATE, batch.encode_to_vec()).await.unwrap();
    let peak = peak_kib(&setup.service);
    assert!(peak < MOST_MEMORY_KIB, "{peak} KiB");
    assert!(setup.service.validate(&setup.good()).await.is_good());
}
