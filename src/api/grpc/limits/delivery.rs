//! The body of a large answer: its call counts until the caller has fetched it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tonic::{Code, Status, body::Body};

use super::{
    CEILING,
    observer::{Observer, code_in},
    stream::end,
};
use crate::api::grpc::status;

/// How much is handed to HTTP/2 at once: a frame of the default size. What it was handed, nobody can take back.
const CHUNK: usize = 16 * 1024;

/// hyper 1.12 hands a part on as soon as the caller's window has room for one byte of it, and only then asks for the next.
/// So what counts as fetched is ahead of what the caller has read by its window and one part at most, and an answer in one
/// piece would count as fetched at once.
#[derive(Debug)]
pub(super) struct Delivery {
    answer: Answer,
    is_over: bool,
    /// Ends the watch when dropped.
    _watch: oneshot::Sender<()>,
}

/// `None` once it is handed over, or taken away because the time was over.
type Answer = Arc<Mutex<Option<Sending>>>;

#[derive(Debug)]
struct Sending {
    body: Body,
    rest: Bytes,
    observer: Observer,
}

impl Delivery {
    /// Of an answer that is there. A task of its own ends it at the ceiling: a body is not polled while its caller reads
    /// nothing, so no timer in here would do.
    pub(super) fn new(body: Body, observer: Observer) -> Self {
        let (watch, dropped) = oneshot::channel();
        let (calls, over) = (observer.shared().calls.clone(), observer.started() + CEILING);
        let answer = Arc::new(Mutex::new(Some(Sending { body, rest: Bytes::new(), observer })));
        drop(calls.spawn(take_away_at(over, Arc::downgrade(&answer), dropped)));
        Self { answer, is_over: false, _watch: watch }
    }
}

async fn take_away_at(over: Instant, answer: Weak<Mutex<Option<Sending>>>, dropped: oneshot::Receiver<()>) {
    if timeout_at(over, dropped).await.is_ok() {
        return;
    }
    if let Some(mut sending) = answer.upgrade().and_then(|answer| lock(&answer).take()) {
        sending.observer.ended_with(Code::DeadlineExceeded);
    }
}

/// Nothing panics under the lock that would leave anything half done.
fn lock(answer: &Mutex<Option<Sending>>) -> MutexGuard<'_, Option<Sending>> {
    answer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sending {
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(other)) => return Poll::Ready(Some(Ok(other))),
                None => return Poll::Ready(None),
            }
        }
        let part = self.rest.split_to(CHUNK.min(self.rest.len()));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }
}

impl http_body::Body for Delivery {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let mut answer = lock(&self.answer);
        let Some(sending) = answer.as_mut() else {
            drop(answer);
            self.is_over = true;
            return Poll::Ready(Some(Ok(end(&status::took_too_long()))));
        };
        let part = ready!(sending.poll_part(cx));
        let code = match &part {
            Some(Ok(frame)) => {
                frame.trailers_ref().map(|trailers| code_in(trailers).unwrap_or(Code::Unknown))
            }
            Some(Err(status)) => Some(status.code()),
            None => Some(Code::Unknown),
        };
        if let Some(code) = code {
            sending.observer.ended_with(code);
            *answer = None;
            drop(answer);
            self.is_over = true;
        }
        Poll::Ready(part)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}
