//! The yardstick: a tonic server that decodes the same request and returns the same bytes, with the settings that
//! `countersign serve` uses by default, and does nothing in between.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use countersign::proto::server::{
    ValidateRequest, ValidateResponse,
    token_service_server::{TokenService, TokenServiceServer},
    validate_response::Outcome,
};
use tonic::{Request, Response, Status, transport::Server};

#[derive(Clone)]
struct NoOp {
    token: Bytes,
}

#[tonic::async_trait]
impl TokenService for NoOp {
    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        std::hint::black_box(request.into_inner().token.len());
        Ok(Response::new(ValidateResponse {
            outcome: Some(Outcome::Token(self.token.clone())),
            revision: String::new(),
            revocations_as_of: None,
        }))
    }
}

/// Serves until killed. The token's encoded answer is read from a file.
pub(crate) fn serve(address: &str, answer: &str) {
    let address: SocketAddr = address.parse().unwrap();
    let service = NoOp { token: Bytes::from(std::fs::read(answer).unwrap()) };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async move {
        Server::builder()
            .tcp_nodelay(true)
            .http2_keepalive_interval(Some(Duration::from_secs(20)))
            .http2_max_header_list_size(64 * 1024)
            .max_connection_age(Duration::from_mins(30))
            .add_service(
                TokenServiceServer::new(service)
                    .max_decoding_message_size(4 * 1024 * 1024)
                    .max_encoding_message_size(4 * 1024 * 1024),
            )
            .serve(address)
            .await
            .unwrap();
    });
}
