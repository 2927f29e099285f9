//! One span for each call whose trace is recorded. Health checks and streams have none: the former are noise, the latter
//! have no end that says anything.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::{Code, body::Body};
use tower::{Layer, Service};

use super::{
    limits::code_in,
    methods::{self, Kind},
};
use crate::ops::trace::{self, Span};

/// Puts [`Traced`] around a service. The outermost layer, so that calls that are turned away are seen, too.
#[derive(Clone, Copy, Debug)]
pub struct TraceLayer;

impl<S> Layer<S> for TraceLayer {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced { inner }
    }
}

/// A service whose calls are traced.
#[derive(Clone, Debug)]
pub struct Traced<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for Traced<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = TracedCall<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let span = if trace::is_on() { CallSpan::of(&request) } else { None };
        TracedCall { inner: self.inner.call(request), span }
    }
}

pin_project! {
    /// A call, and its span if it has one.
    #[derive(Debug)]
    pub struct TracedCall<F> {
        #[pin]
        inner: F,
        span: Option<CallSpan>,
    }
}

impl<F, E> Future for TracedCall<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(call) = this.span else { return this.inner.poll(cx) };
        let current = call.span.enter();
        let polled = this.inner.poll(cx);
        drop(current);
        if let Poll::Ready(Ok(response)) = &polled {
            call.code = code_in(response.headers()).unwrap_or(Code::Ok);
            *this.span = None;
        }
        polled
    }
}

/// Says how its call ended: as CANCELLED if it is merely dropped.
#[derive(Debug)]
struct CallSpan {
    span: Span,
    code: Code,
}

impl CallSpan {
    fn of(request: &Request<Body>) -> Option<Self> {
        let method = methods::of_path(request.uri().path());
        match method.kind {
            Kind::Unary | Kind::Bulk => {
                let span = Span::of_call(request.headers(), methods::names().nth(method.index)?)?;
                Some(Self { span, code: Code::Cancelled })
            }
            Kind::Stream | Kind::Exempt => None,
        }
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        let notes = self.span.notes();
        notes.number("rpc.grpc.status_code", i32::from(self.code));
        if is_ours(self.code) {
            notes.failed();
        }
    }
}

/// Whether a status is the server's trouble, as OpenTelemetry's conventions for gRPC servers have it.
fn is_ours(code: Code) -> bool {
    match code {
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unauthenticated => false,
    }
}
