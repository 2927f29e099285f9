//! The yardstick of a check: a tonic server with the settings that `countersign serve` uses by default, which decodes the
//! request with the generated types, as anybody would, and answers with bytes that it was given. It can leave the decoding
//! out, too, which nobody does who wants to know anything of the request.

use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::{Buf as _, BufMut as _, Bytes};
use envoy_types::ext_authz::v3::pb::CheckRequest;
use http::{Request, Response};
use prost::Message as _;
use tonic::{
    Status,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::BoxFuture,
    server::{Grpc, NamedService, UnaryService},
};
use tower::Service;

use crate::noop::{MAX_MESSAGE_BYTES, serve_on};

/// What it is called on the command line.
pub(super) const DECODING: &str = "decoding";
pub(super) const BLIND: &str = "blind";

/// Serves until killed. The encoded answer is read from a file.
pub(crate) fn serve(address: &str, answer: &str, kind: &str) {
    let address: SocketAddr = address.parse().unwrap();
    let service = NoOp { answer: std::fs::read(answer).unwrap().into(), is_blind: kind == BLIND };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async move {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        serve_on(listener, service).await;
    });
}

#[derive(Clone)]
struct NoOp {
    answer: Bytes,
    is_blind: bool,
}

impl NamedService for NoOp {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

/// As tonic's generated services are, but for the answer's being bytes.
impl Service<Request<Body>> for NoOp {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let limit = Some(MAX_MESSAGE_BYTES);
            let codec = CheckCodec { is_blind: service.is_blind };
            let mut grpc = Grpc::new(codec).apply_max_message_size_config(limit, limit);
            Ok(grpc.unary(service, request).await)
        })
    }
}

impl UnaryService<Option<CheckRequest>> for NoOp {
    type Response = Bytes;
    type Future = BoxFuture<tonic::Response<Bytes>, Status>;

    fn call(&mut self, request: tonic::Request<Option<CheckRequest>>) -> Self::Future {
        let answer = self.answer.clone();
        Box::pin(async move {
            std::hint::black_box(request);
            Ok(tonic::Response::new(answer))
        })
    }
}

#[derive(Clone, Copy)]
struct CheckCodec {
    is_blind: bool,
}

impl Codec for CheckCodec {
    type Encode = Bytes;
    type Decode = Option<CheckRequest>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for CheckCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.put(item);
        Ok(())
    }
}

impl Decoder for CheckCodec {
    type Item = Option<CheckRequest>;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Option<CheckRequest>>, Status> {
        if self.is_blind {
            buf.advance(buf.remaining());
            return Ok(Some(None));
        }
        Ok(Some(Some(CheckRequest::decode(buf).map_err(|error| Status::internal(error.to_string()))?)))
    }
}
