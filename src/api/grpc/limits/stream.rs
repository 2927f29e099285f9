//! The body of a streaming answer: observed to its end, and ended by a drain.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Code, Status, body::Body};

use super::observer::{Observer, code_in};
use crate::api::grpc::status;

pin_project! {
    /// Without this, a watcher would hold every drain up to its deadline: streams do not end by themselves.
    pub(super) struct StreamBody {
        #[pin]
        inner: Body,
        #[pin]
        draining: WaitForCancellationFutureOwned,
        // None once the stream is over.
        observer: Option<Observer>,
    }
}

impl StreamBody {
    pub(super) fn new(inner: Body, observer: Observer) -> Self {
        let draining = observer.shared().calls.stopping().clone().cancelled_owned();
        Self { inner, draining, observer: Some(observer) }
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Status;

    /// What the stream has to say comes first, so that a health watcher sees NOT_SERVING before the end.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        let Some(observer) = this.observer else { return Poll::Ready(None) };
        let polled = match this.inner.poll_frame(cx) {
            Poll::Pending if this.draining.poll(cx).is_ready() => {
                Poll::Ready(Some(Ok(end(&status::draining()))))
            }
            polled @ (Poll::Ready(_) | Poll::Pending) => polled,
        };
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            observer.ended_with(code_in(trailers).unwrap_or(Code::Unknown));
            *this.observer = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.observer.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

pub(super) fn end(status: &Status) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    // Only a message that is no header value fails, and ours is fixed.
    if status.add_header(&mut trailers).is_err() {
        tracing::error!("a status could not be written as trailers");
    }
    Frame::trailers(trailers)
}
