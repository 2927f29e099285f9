//! Addresses: taken ones, and Unix sockets.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::PathBuf,
};

use countersign::{
    api::ListenAddress,
    app::{Exit, StartError},
    proto::client::token_service_client::TokenServiceClient,
};
use tokio::net::TcpListener;
use tonic::transport::Endpoint;

use super::support::{Gate, bound, config, question, soon, start};

/// A path that no other test uses.
fn socket(test: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("countersign-{}-{test}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir.join("grpc.sock")
}

async fn ask(path: &std::path::Path) {
    let channel =
        soon(Endpoint::from_shared(format!("unix:{}", path.display())).unwrap().connect()).await.unwrap();
    soon(TokenServiceClient::new(channel).validate(question("quick"))).await.unwrap();
}

#[tokio::test]
async fn a_taken_port_fails_the_start_and_is_named() {
    let owner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = ListenAddress::Tcp(owner.local_addr().unwrap());
    let (mut second, mut admin) = (config(), config());
    second.listen.push(taken.clone());
    admin.admin = Some(taken.clone());
    for config in [second, admin] {
        let error = bound(&config, Gate::new(), vec![]).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {taken}"));
        let StartError::Listen(error) = error else { panic!("{error:?}") };
        assert_eq!(error.source.kind(), std::io::ErrorKind::AddrInUse);
    }
}

#[tokio::test]
async fn a_unix_socket_serves_its_group_and_is_gone_after_the_end() {
    let (path, mut config) = (socket("serves"), config());
    config.listen.push(ListenAddress::Unix(path.clone()));
    let server = start(&config, &Gate::new()).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    ask(&path).await;
    server.client().await.validate(question("quick")).await.unwrap();
    assert_eq!(server.shut_down().exit().await, Exit::Clean);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_left_over_from_a_crash_is_replaced() {
    let (path, mut config) = (socket("stale"), config());
    drop(UnixListener::bind(&path).unwrap());
    config.listen = vec![ListenAddress::Unix(path.clone())];
    let _server = start(&config, &Gate::new()).await;
    ask(&path).await;
}

#[tokio::test]
async fn a_path_that_is_in_use_is_left_alone() {
    let (alive, file) = (socket("alive"), socket("file"));
    let _owner = UnixListener::bind(&alive).unwrap();
    fs::write(&file, "precious").unwrap();
    for (path, why) in [(&alive, "another process answers"), (&file, "no socket")] {
        let mut config = config();
        config.listen = vec![ListenAddress::Unix(path.clone())];
        let StartError::Listen(error) = bound(&config, Gate::new(), vec![]).await.unwrap_err() else {
            panic!("another error");
        };
        assert!(error.source.to_string().contains(why), "{error:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(alive.exists());
}
