//! The yardstick: a tonic server that decodes the same request and returns the same bytes, with the settings that
//! `countersign serve` uses by default, and does nothing in between, or verifies the bare signature.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use aws_lc_rs::signature::ParsedPublicKey;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use countersign::proto::server::{
    ValidateRequest, ValidateResponse,
    token_service_server::{TokenService, TokenServiceServer},
    validate_response::Outcome,
};
use prost_types::Timestamp;
use tonic::{
    Request, Response, Status,
    body::Body,
    server::NamedService,
    transport::{Server, server::TcpIncoming},
};
use tower::Service;

use crate::tokens::parsed;

pub(crate) const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

struct NoOp {
    token: Bytes,
    verify: Option<ParsedPublicKey>,
}

impl NoOp {
    /// The signature over everything before the last dot, checked with a parsed key: nothing else is looked at.
    fn verify(&self, token: &str) {
        let Some(key) = &self.verify else { return };
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify_sig(input.as_bytes(), &signature).unwrap();
    }
}

#[tonic::async_trait]
impl TokenService for NoOp {
    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        // Whoever decodes a string looks at each of its bytes.
        self.verify(std::hint::black_box(str::from_utf8(&request.get_ref().token).unwrap()));
        Ok(Response::new(ValidateResponse {
            outcome: Some(Outcome::Token(self.token.clone())),
            revision: Bytes::from_static(b"0123456789abcdef-0"),
            // As many bytes as a time of today takes.
            revocations_as_of: Some(Timestamp { seconds: 1_800_000_000, nanos: 123_000_000 }),
        }))
    }
}

/// Serves until killed. The token's encoded answer is read from a file, and so is the key, if signatures are verified.
pub(crate) fn serve(address: &str, answer: &str, key: Option<(&str, &str)>) {
    let address: SocketAddr = address.parse().unwrap();
    let verify = key.map(|(algorithm, file)| parsed(algorithm, &std::fs::read(file).unwrap()));
    let service = NoOp { token: Bytes::from(std::fs::read(answer).unwrap()), verify };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async move {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        serve_on(listener, server(service)).await;
    });
}

/// The same in another way: a thread for each processor, each with a runtime and a listener of its own, between which the
/// kernel deals out connections (SO_REUSEPORT).
pub(crate) fn serve_in_threads(address: &str, answer: &str) {
    let address: SocketAddr = address.parse().unwrap();
    let service = NoOp { token: Bytes::from(std::fs::read(answer).unwrap()), verify: None };
    let service = server(service);
    let threads = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let socket = tokio::net::TcpSocket::new_v4().unwrap();
                    socket.set_reuseport(true).unwrap();
                    socket.bind(address).unwrap();
                    serve_on(socket.listen(1024).unwrap(), service.clone()).await;
                });
            });
        }
    });
}

fn server(service: NoOp) -> TokenServiceServer<NoOp> {
    TokenServiceServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

/// With the settings of `countersign serve`.
pub(crate) async fn serve_on<S>(listener: tokio::net::TcpListener, service: S)
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_max_header_list_size(64 * 1024)
        .max_connection_age(Duration::from_mins(30))
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .unwrap();
}
