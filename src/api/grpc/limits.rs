//! What every call passes, whatever it asks for: the process-wide limit, the caller's deadline, the observer.
//!
//! tonic has a limit of its own, but per connection and without details, and answers CANCELLED at the deadline.

mod call;
mod deadline;
mod delivery;
mod entered;
mod observer;
mod stream;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use tonic::{Code, body::Body};
use tower::{Layer, Service};

use self::observer::Observer;
use super::{methods, status};
use crate::ops::{drain::Tasks, metrics::RequestMetrics};

pub(super) use self::observer::code_in;
pub use self::{call::Call, deadline::Deadline};

/// When a caller that was turned away may come back: calls take microseconds, so one that waits this long most likely
/// finds room, and a thousand callers that do are no herd.
pub(in crate::api) const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The longest that a call may take, whatever its caller allows: one whose request never comes in whole would keep its
/// place among `limits.max_concurrent` for ever. It is far above what any answer takes (a wait for an issuer's keys is
/// the longest), and a stream is held to it until it has begun.
pub(in crate::api) const CEILING: Duration = Duration::from_secs(30);

/// Puts [`Limits`] around a service. One for all listeners, because the limit is the process's.
#[derive(Clone, Debug)]
pub struct LimitsLayer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    max_concurrent: AtomicUsize,
    metrics: RequestMetrics,
    /// Stopping once the process drains.
    calls: Tasks,
}

impl LimitsLayer {
    /// At most `max_concurrent` calls at work; streams end when `calls` are to stop.
    pub fn new(max_concurrent: usize, metrics: RequestMetrics, calls: Tasks) -> Self {
        let max_concurrent = AtomicUsize::new(max_concurrent);
        Self { shared: Arc::new(Shared { max_concurrent, metrics, calls }) }
    }

    /// The limit.
    pub fn max_concurrent(&self) -> usize {
        self.shared.max_concurrent.load(Ordering::Relaxed)
    }

    /// Another limit, from the next call on. Calls at work stay, however many.
    pub fn set_max_concurrent(&self, max_concurrent: usize) {
        self.shared.max_concurrent.store(max_concurrent, Ordering::Relaxed);
    }

    /// Calls at work now, streams not counted.
    pub fn in_flight(&self) -> usize {
        self.shared.metrics.in_flight()
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limits<S>;

    fn layer(&self, inner: S) -> Limits<S> {
        Limits { inner, shared: Arc::clone(&self.shared) }
    }
}

/// A service behind the limits.
#[derive(Clone, Debug)]
pub struct Limits<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request<Body>> for Limits<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Call<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let method = methods::of_path(request.uri().path());
        let mut observer = Observer::begin(&self.shared, method);
        if !observer.has_room() {
            self.shared.metrics.overloaded();
            // Now: whoever was turned away takes no place until its caller fetches the answer.
            observer.ended_with(Code::ResourceExhausted);
            drop(observer);
            return Call::answered(status::overloaded(RETRY_AFTER).into_http());
        }
        let deadline = Deadline::of(request.headers());
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }
        Call::working(self.inner.call(request), deadline, observer)
    }
}

#[cfg(test)]
mod tests;
