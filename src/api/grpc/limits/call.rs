//! One call at work.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use http_body::Body as _;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, body::Body};

use super::{
    Deadline,
    observer::{Observer, code_in},
    stream::StreamBody,
};
use crate::api::grpc::status;

pin_project! {
    /// Resolves to the answer of a call, or to DEADLINE_EXCEEDED.
    #[derive(Debug)]
    pub struct Call<F> {
        #[pin]
        state: State<F>,
        observer: Option<Observer>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<F> {
        // The timer is registered with the runtime when it is first polled, so only where an answer takes a while.
        Working { #[pin] inner: F, #[pin] timer: Option<Sleep> },
        Answered { response: Option<Response<Body>> },
    }
}

impl<F> Call<F> {
    pub(super) fn working(inner: F, deadline: Option<Deadline>, observer: Observer) -> Self {
        let timer = deadline.map(|Deadline(at)| sleep_until(at));
        Self { state: State::Working { inner, timer }, observer: Some(observer) }
    }

    pub(super) fn answered(response: Response<Body>, observer: Observer) -> Self {
        Self { state: State::Answered { response: Some(response) }, observer: Some(observer) }
    }
}

impl<F, E> Future for Call<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = match this.state.project() {
            StateProjection::Working { inner, timer } => poll_work(inner, timer, cx),
            StateProjection::Answered { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
        };
        polled.map_ok(|response| match this.observer.take() {
            Some(observer) => observed(response, observer),
            None => response,
        })
    }
}

/// The work comes first, so that an answer that is there always wins. The clock is asked besides the timer, because tonic
/// looks at its own timer right after us and must not find it over where ours is not.
fn poll_work<F, E>(
    inner: Pin<&mut F>,
    timer: Pin<&mut Option<Sleep>>,
    cx: &mut Context<'_>,
) -> Poll<F::Output>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
        Ok(Poll::Ready(answer)) => return Poll::Ready(answer),
        Ok(Poll::Pending) => {}
        // The panic hook has logged it. Without this, the caller would see a reset stream.
        Err(_panic) => return Poll::Ready(Ok(status::internal().into_http())),
    }
    let Some(timer) = timer.as_pin_mut() else { return Poll::Pending };
    if Instant::now() >= timer.deadline() || timer.poll(cx).is_ready() {
        return Poll::Ready(Ok(status::deadline_exceeded().into_http()));
    }
    Poll::Pending
}

/// The end of a unary call is known with its headers: tonic writes an error there. That of a stream comes later.
fn observed(response: Response<Body>, mut observer: Observer) -> Response<Body> {
    match code_in(response.headers()) {
        Some(code) => observer.ended_with(code),
        None if observer.is_stream() && !response.body().is_end_stream() => {
            return response.map(|body| Body::new(StreamBody::new(body, observer)));
        }
        None => observer.ended_with(Code::Ok),
    }
    response
}
