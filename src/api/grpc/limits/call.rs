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
use tonic::{Code, Status, body::Body};

use super::{
    CEILING, Deadline,
    delivery::Delivery,
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
        // The timer is made when the work is first found to take a while: a ready answer never costs one.
        Working { #[pin] inner: F, deadline: Option<Deadline>, #[pin] timer: Option<Sleep> },
        Answered { response: Option<Response<Body>> },
    }
}

impl<F> Call<F> {
    pub(super) fn working(inner: F, deadline: Option<Deadline>, observer: Observer) -> Self {
        Self { state: State::Working { inner, deadline, timer: None }, observer: Some(observer) }
    }

    /// One that nobody works on or counts any more.
    pub(super) fn answered(response: Response<Body>) -> Self {
        Self { state: State::Answered { response: Some(response) }, observer: None }
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
            StateProjection::Working { inner, deadline, timer } => {
                let started = || this.observer.as_ref().map_or_else(Instant::now, Observer::started);
                poll_work(inner, timer, || End::of(*deadline, started()), cx)
            }
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

/// When a call is given up, and whose limit that is.
struct End {
    at: Instant,
    is_ours: bool,
}

impl End {
    fn of(deadline: Option<Deadline>, started: Instant) -> Self {
        let ceiling = started + CEILING;
        match deadline {
            Some(Deadline(at)) if at < ceiling => Self { at, is_ours: false },
            Some(_) | None => Self { at: ceiling, is_ours: true },
        }
    }

    fn status(&self) -> Status {
        if self.is_ours { status::took_too_long() } else { status::deadline_exceeded() }
    }
}

/// The work comes first, so that an answer that is there always wins. The clock is asked besides the timer, because tonic
/// looks at its own timer right after us and must not find it over where ours is not.
///
/// The timer has to be registered at the first `Pending`: a call whose body never comes is not polled again.
fn poll_work<F, E>(
    inner: Pin<&mut F>,
    mut timer: Pin<&mut Option<Sleep>>,
    end: impl Fn() -> End,
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
    let end = end();
    if timer.is_none() {
        timer.set(Some(sleep_until(end.at)));
    }
    let is_over =
        Instant::now() >= end.at || timer.as_pin_mut().is_some_and(|timer| timer.poll(cx).is_ready());
    if is_over { Poll::Ready(Ok(end.status().into_http())) } else { Poll::Pending }
}

/// The end of a unary call is known with its headers: tonic writes an error there. That of a stream comes later.
fn observed(response: Response<Body>, mut observer: Observer) -> Response<Body> {
    match code_in(response.headers()) {
        Some(code) => observer.ended_with(code),
        None if observer.is_stream() && !response.body().is_end_stream() => {
            return response.map(|body| Body::new(StreamBody::new(body, observer)));
        }
        None if observer.is_bulk() => return response.map(|body| Body::new(Delivery::new(body, observer))),
        None => observer.ended_with(Code::Ok),
    }
    response
}
