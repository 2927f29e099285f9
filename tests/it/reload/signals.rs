//! SIGHUP.

use std::time::Duration;

use tokio::process::Command;

use super::{Party, refused, reloaded, start};
use crate::support::{ports, process::Running, wait::until};

#[tokio::test]
async fn sighup_reads_the_file_again_changed_or_not() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let service = start(&one, &two).await;
    service.sighup().await;
    reloaded(&service, 1).await;
    service.configure("issuers: []\n");
    refused(&service, 1).await;
    service.sighup().await;
    refused(&service, 2).await;
    service.validate(&one.token()).await.good();
}

#[tokio::test]
async fn sighup_does_not_end_dev() {
    let directory = tempfile::tempdir().unwrap();
    let address = || format!("127.0.0.1:{}", ports::reserve());
    let (listen, admin, issuer) = (address(), address(), address());
    let mut dev = Running::start(
        Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["dev", "--listen", &listen, "--admin", &admin, "--issuer", &issuer, "--data"])
            .arg(directory.path()),
    );
    until("`countersign dev` to be ready", Duration::from_mins(1), async || {
        dev.output.text().contains("Ctrl-C").then_some(())
    })
    .await;
    // If it would end, then by this one: the second comes to a process that has dealt with the first.
    dev.sighup().await;
    dev.sighup().await;
    dev.sigterm().await;
    let status = dev.wait_exit().await;
    assert_eq!(status.code(), Some(0), "{status}: {}", dev.output.text());
}
