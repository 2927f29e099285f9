//! What every call passes.

use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use super::{
    raw::{Raw, frame, with_token},
    support::{Gate, config, health, hold, question, soon, start},
};

fn reason(status: &tonic::Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn the_limit_holds_over_all_connections_and_health_is_exempt() {
    let (gate, mut config) = (Gate::new(), config());
    config.limits.max_concurrent = 1;
    let server = start(&config, &gate).await;
    let held = hold(&server.client().await, &gate).await;

    let channel = server.channel().await;
    let refused = server.client().await.validate(question("quick")).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "OVERLOADED".to_owned()));
    assert!(refused.get_error_details().retry_info().unwrap().retry_delay.is_some());
    assert_eq!(health(&channel, "").await, ServingStatus::Serving);

    gate.open();
    soon(held).await.unwrap().unwrap();
    server.client().await.validate(question("quick")).await.unwrap();
}

#[tokio::test]
async fn one_connection_gets_a_quarter_of_the_places_and_room_for_health_checks() {
    for (max_concurrent, streams) in [(1, 256), (4096, 1024)] {
        let mut config = config();
        config.limits.max_concurrent = max_concurrent;
        let server = start(&config, &Gate::new()).await;
        let raw = Raw::connect(server.tcp()).await;
        assert_eq!(raw.ask(None, with_token(b"quick")).await.code(), Code::Ok);
        assert_eq!(raw.max_streams(), streams);
    }
}

#[tokio::test]
async fn a_slow_answer_is_deadline_exceeded_and_never_cancelled() {
    let gate = Gate::new();
    let server = start(&config(), &gate).await;
    let raw = Raw::connect(server.tcp()).await;
    for round in 0..5 {
        for timeout in ["1n", "900u", "1m", "2m", "3m", "5m", "20m"] {
            let status = raw.ask(Some(("grpc-timeout", timeout.to_owned())), with_token(b"held")).await;
            assert_eq!(status.code(), Code::DeadlineExceeded, "{timeout} in round {round}: {status:?}");
        }
    }
    let status = raw.ask(Some(("grpc-timeout", "1M".to_owned())), with_token(b"quick")).await;
    assert_eq!(status.code(), Code::Ok);
}

#[tokio::test]
async fn a_message_above_four_mebibytes_is_out_of_range() {
    let gate = Gate::new();
    let server = start(&config(), &gate).await;
    let raw = Raw::connect(server.tcp()).await;
    let status = raw.ask(None, frame(4 * 1024 * 1024 + 1, &[])).await;
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    let mut large = server.client().await;
    let token = "x".repeat(3 * 1024 * 1024);
    let held = countersign::ops::drain::Tasks::default()
        .spawn(async move { large.validate(question(&token)).await });
    gate.entered().await;
    gate.open();
    soon(held).await.unwrap().unwrap();
}

#[tokio::test]
async fn bytes_that_are_no_message_are_invalid_argument() {
    let server = start(&config(), &Gate::new()).await;
    let raw = Raw::connect(server.tcp()).await;
    let not_protobuf = frame(3, &[0xff, 0xff, 0xff]);
    // In `issuer`; the service itself looks at the token.
    let not_utf8 = frame(4, &[0x32, 2, 0xc3, 0x28]);
    for message in [not_protobuf, not_utf8] {
        let status = raw.ask(None, message).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(reason(&status), "MALFORMED_REQUEST");
    }
}

#[tokio::test]
async fn headers_above_the_limit_are_refused() {
    let server = start(&config(), &Gate::new()).await;
    let raw = Raw::connect(server.tcp()).await;
    let header = Some(("x-long", "x".repeat(70 * 1024)));
    let refused = match raw.begin(header, with_token(b"quick")).await {
        Ok(response) => soon(response).await.is_ok_and(|response| response.status() == 431),
        Err(_) => false,
    };
    assert!(refused);
    assert_eq!(raw.ask(None, with_token(b"quick")).await.code(), Code::Ok, "the connection lives on");
}

#[tokio::test]
async fn reflection_answers_only_where_it_is_switched_on() {
    let request = || {
        let list = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        Request::new(tokio_stream::once(list))
    };
    let (gate, mut config) = (Gate::new(), config());
    let off = ServerReflectionClient::new(start(&config, &gate).await.channel().await)
        .server_reflection_info(request())
        .await;
    assert_eq!(off.unwrap_err().code(), Code::Unimplemented);

    config.server.reflection = true;
    let mut on = ServerReflectionClient::new(start(&config, &gate).await.channel().await)
        .server_reflection_info(request())
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        soon(on.message()).await.unwrap().unwrap().message_response
    else {
        panic!("no list");
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in ["countersign.v1.TokenService", "countersign.v1.SessionService", "grpc.health.v1.Health"] {
        assert!(names.contains(&name), "{names:?}");
    }
}
