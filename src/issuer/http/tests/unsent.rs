//! Which failures leave no doubt that nothing was processed.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use h2::{Reason, server};
use reqwest::header::HeaderValue;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::super::*;

const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), max_bytes: 1024, allow_http: false };

/// Speaks HTTP/2 without TLS, and is otherwise as the client always is.
fn http2() -> HttpClient {
    install_crypto();
    #[expect(clippy::disallowed_methods, reason = "no test server here has a certificate of the system's")]
    let builder = Client::builder();
    HttpClient {
        client: builder.no_proxy().pool_max_idle_per_host(0).http2_prior_knowledge().build().unwrap(),
    }
}

fn install_crypto() {
    // Whoever comes second finds the provider installed; it is the same one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

async fn posted(client: &HttpClient, url: &str) -> Result<Called, HttpError> {
    client.call(&url.parse().unwrap(), BOUNDS, Call::Post(HeaderValue::from_static("Bearer a"))).await
}

/// How a server ends what it was asked.
#[derive(Clone, Copy)]
enum End {
    /// Each stream by itself.
    Reset(Reason),
    /// The connection, after it has seen the request and said goodbye to later ones.
    Goodbye,
}

async fn serve(socket: TcpStream, seen: &AtomicU32, end: End) {
    let mut connection: server::Connection<_, Bytes> = server::handshake(socket).await.unwrap();
    while let Some(Ok((_request, mut respond))) = connection.accept().await {
        seen.fetch_add(1, Ordering::Relaxed);
        match end {
            End::Reset(reason) => respond.send_reset(reason),
            End::Goodbye => {
                connection.graceful_shutdown();
                // The goodbye is sent while the next request is waited for, of which there is none.
                let next = timeout(Duration::from_millis(200), connection.accept()).await;
                assert!(next.is_err());
                return;
            }
        }
    }
}

/// What a request fails with that is ended so, and how many requests there were.
async fn failing(end: End) -> (HttpError, u32) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let seen = AtomicU32::new(0);
    let serving = async {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            serve(socket, &seen, end).await;
        }
    };
    let client = http2();
    let called = tokio::select! {
        called = posted(&client, &url) => called,
        () = serving => unreachable!("it serves for ever"),
    };
    (called.err().expect("an error"), seen.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_stream_that_the_server_refuses_was_not_processed() {
    let (error, seen) = failing(End::Reset(Reason::REFUSED_STREAM)).await;
    assert!(error.is_unsent(), "{error:?}");
    assert!(seen >= 1, "{seen}");
}

#[tokio::test]
async fn any_other_reset_leaves_everything_open_and_is_not_repeated() {
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::ENHANCE_YOUR_CALM] {
        let (error, seen) = failing(End::Reset(reason)).await;
        assert!(!error.is_unsent(), "{reason:?}: {error:?}");
        assert_eq!(seen, 1, "{reason:?}");
    }
}

#[tokio::test]
async fn a_goodbye_after_the_request_leaves_everything_open_and_is_not_repeated() {
    let (error, seen) = failing(End::Goodbye).await;
    assert!(!error.is_unsent(), "{error:?}");
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    install_crypto();
    let client = HttpClient::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let not_tls = async {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
        }
    };
    let url = format!("https://{address}/token");
    let called = tokio::select! {
        called = posted(&client, &url) => called,
        () = not_tls => unreachable!("it serves for ever"),
    };
    let error = called.err().expect("no TLS, no answer");
    assert!(error.is_unsent(), "{error:?}");

    drop(listener);
    let error = posted(&client, &format!("http://{address}/token")).await.err().expect("nobody listens");
    assert!(error.is_unsent(), "{error:?}");
    let error =
        posted(&client, "https://no-such-host.invalid/token").await.err().expect("there is no such host");
    assert!(error.is_unsent(), "{error:?}");
}
