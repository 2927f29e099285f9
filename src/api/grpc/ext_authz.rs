//! `envoy.service.auth.v3.Authorization`: Envoy asks about every request before it goes on.
//!
//! Envoy takes a response whose `status.code` is 0 for an allow, whatever else is in it, and an empty one, too. So responses are
//! made in `answer` only, where only an [`Allowed`](crate::service::check::Allowed) makes one with that code.

mod answer;
mod certificate;
mod codec;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod metadata;
mod request;
mod wire;

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    codegen::BoxFuture,
    server::{Grpc, UnaryService},
};
use tower::Service;

use self::{codec::BytesCodec, request::Check};
use super::{
    status::{self, CallError},
    token::notes,
};
use crate::{
    domain::edge::{denial::Denial, request::EdgeRequest, settings::CannotTell},
    service::check::{Answer, Checker},
};

/// The one method.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The service over its use case.
#[derive(Clone, Debug)]
pub struct ExtAuthz {
    checker: Arc<Checker>,
    max_message_bytes: usize,
}

impl ExtAuthz {
    /// Answers requests of up to so many bytes.
    pub fn new(checker: Arc<Checker>, max_message_bytes: usize) -> Self {
        Self { checker, max_message_bytes }
    }

    /// Whether a request is for it.
    pub(super) fn serves(path: &str) -> bool {
        path == CHECK
    }

    async fn answer(&self, message: Bytes) -> Result<Bytes, Status> {
        let check = Check::read(&message)?;
        let answer = match check.request() {
            Ok((request, words)) => self.checker.check(&request, &words, answer::allowed).await,
            Err(problem) => self.checker.unreadable(Denial::Request(problem), &EdgeRequest::unknown(&check)),
        };
        notes::of_check(&answer);
        match answer {
            Answer::Allowed(response) => Ok(response),
            Answer::Denied { denial, reply } => Ok(answer::denied(&denial, reply)),
            Answer::CannotTell { fault, told: CannotTell::RpcError, .. } => {
                Err(status::of(&CallError::Fault(fault)))
            }
            Answer::CannotTell { fault, told: CannotTell::ErrorResponse, reply } => {
                Ok(answer::cannot_tell(&fault, reply))
            }
        }
    }
}

/// As tonic's generated services are, over bytes. Only what it serves gets here.
impl Service<Request<Body>> for ExtAuthz {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let limit = Some(service.max_message_bytes);
            let mut grpc = Grpc::new(BytesCodec).apply_max_message_size_config(limit, None);
            Ok(grpc.unary(service, request).await)
        })
    }
}

impl UnaryService<Bytes> for ExtAuthz {
    type Response = Bytes;
    type Future = BoxFuture<tonic::Response<Bytes>, Status>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { service.answer(request.into_inner()).await.map(tonic::Response::new) })
    }
}

#[cfg(test)]
mod tests;
