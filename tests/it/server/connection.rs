//! One connection's life.

use std::time::Duration;

use tonic::Code;

use super::{
    raw::{Raw, end, with_token},
    support::{Gate, config, soon, start},
};

#[tokio::test]
async fn a_call_that_outlives_its_connections_age_finishes() {
    let (gate, mut config) = (Gate::new(), config());
    config.server.max_connection_age = Some(Duration::from_millis(50));
    let server = start(&config, &gate).await;
    let raw = Raw::connect(server.tcp()).await;
    let held = raw.begin(None, with_token(b"held")).await.unwrap();
    gate.entered().await;

    // Quick calls work until GOAWAY comes; a few may be refused by it.
    soon(async {
        while let Ok(response) = raw.begin(None, with_token(b"quick")).await {
            drop(response.await);
        }
    })
    .await;
    gate.open();
    assert_eq!(end(held).await.code(), Code::Ok);
    raw.closed().await;
}
