//! The short way to `TokenService` and to Envoy's `Authorization`.
//!
//! tonic's router is axum's: it matches the path among all services, clones and boxes the one it finds, and wraps the body
//! twice. That is a tenth of a cached validation, so requests for the two services that are asked all the time go to them
//! directly; everything else is routed as usual.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::{body::Body, server::NamedService as _, service::Routes};
use tower::{Layer, Service};

use super::ext_authz::ExtAuthz;
use crate::proto::server::token_service_server::{TokenService, TokenServiceServer};

/// Puts both in front of all routes.
#[derive(Debug)]
pub struct DirectLayer<T> {
    token: TokenServiceServer<T>,
    edge: Option<ExtAuthz>,
}

impl<T: TokenService> DirectLayer<T> {
    /// Requests for `TokenService` go here, and Envoy's to `edge`, if there is one.
    pub fn new(token: TokenServiceServer<T>, edge: Option<ExtAuthz>) -> Self {
        Self { token, edge }
    }
}

impl<T> Clone for DirectLayer<T> {
    fn clone(&self) -> Self {
        Self { token: self.token.clone(), edge: self.edge.clone() }
    }
}

impl<T> Layer<Routes> for DirectLayer<T> {
    type Service = Direct<T>;

    fn layer(&self, routes: Routes) -> Direct<T> {
        Direct { token: self.token.clone(), edge: self.edge.clone(), routes }
    }
}

/// Both, and all routes.
#[derive(Debug)]
pub struct Direct<T> {
    token: TokenServiceServer<T>,
    edge: Option<ExtAuthz>,
    routes: Routes,
}

impl<T> Clone for Direct<T> {
    fn clone(&self) -> Self {
        Self { token: self.token.clone(), edge: self.edge.clone(), routes: self.routes.clone() }
    }
}

fn is_for_token_service<T>(path: &str) -> bool {
    path.strip_prefix('/')
        .and_then(|path| path.strip_prefix(TokenServiceServer::<T>::NAME))
        .is_some_and(|rest| rest.starts_with('/'))
}

impl<T: TokenService> Service<Request<Body>> for Direct<T> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = DirectFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Both are always ready: neither the generated services nor the router have a limit of their own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> DirectFuture {
        let path = request.uri().path();
        if is_for_token_service::<T>(path) {
            return DirectFuture::Boxed { answer: self.token.call(request) };
        }
        match &mut self.edge {
            Some(edge) if ExtAuthz::serves(path) => DirectFuture::Boxed { answer: edge.call(request) },
            Some(_) | None => DirectFuture::Routed { answer: self.routes.call(request) },
        }
    }
}

pin_project! {
    /// Resolves to the answer of either.
    #[project = DirectProjection]
    #[expect(missing_docs, reason = "as the variants say")]
    pub enum DirectFuture {
        /// That of one of the two.
        Boxed { answer: tonic::codegen::BoxFuture<Response<Body>, Infallible> },
        /// Some other service's.
        Routed { #[pin] answer: <Routes as Service<Request<Body>>>::Future },
    }
}

impl Future for DirectFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            DirectProjection::Boxed { answer } => answer.as_mut().poll(cx),
            DirectProjection::Routed { answer } => answer.poll(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_services_own_paths_are_short() {
        struct Nobody;
        impl TokenService for Nobody {}
        let check = |path, expected| assert_eq!(is_for_token_service::<Nobody>(path), expected, "{path}");
        check("/countersign.v1.TokenService/Validate", true);
        check("/countersign.v1.TokenService/", true);
        check("/countersign.v1.TokenService", false);
        check("/countersign.v1.TokenServices/Validate", false);
        check("countersign.v1.TokenService/Validate", false);
        check("/grpc.health.v1.Health/Check", false);
    }
}
