//! One accepted connection.

use std::{
    future::Future as _,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::listener::Peer;

/// How long a peer may take to begin with HTTP/2. Neither keepalive nor the connection's age closes a connection that has
/// not begun, and a drain would wait for it.
const OPENING: Duration = Duration::from_secs(10);

/// What HTTP/2 begins with: the preface and the header of the first frame (RFC 9113, sections 3.4 and 4.1).
const OPENING_BYTES: usize = 24 + 9;

/// What HTTP/1.1 begins with, at the least: `GET / HTTP/1.1` and the end of the line.
const REQUEST_LINE_BYTES: usize = 16;

/// Bytes to and from one peer.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: Peer,
    limit: Option<Limit>,
    #[expect(dead_code, reason = "makes room for another when dropped")]
    place: Option<OwnedSemaphorePermit>,
}

/// How long the connection may go on.
#[derive(Debug)]
struct Limit {
    timer: Pin<Box<Sleep>>,
    /// What else ends it.
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Bytes that lift the limit once they were read. `None`: nothing does.
    until: Option<usize>,
}

impl Limit {
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let draining = self.draining.as_mut().is_some_and(|draining| draining.as_mut().poll(cx).is_ready());
        if draining || self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(io::ErrorKind::TimedOut.into());
        }
        Poll::Pending
    }

    /// Whether this many bytes more lift it.
    fn is_lifted_by(&mut self, read: usize) -> bool {
        let Some(until) = &mut self.until else { return false };
        *until = until.saturating_sub(read);
        *until == 0
    }
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Connection {
    pub(super) fn tcp(stream: TcpStream, peer: SocketAddr) -> Self {
        Self::new(Stream::Tcp(stream), Peer::Tcp(peer))
    }

    pub(super) fn unix(stream: UnixStream) -> Self {
        Self::new(Stream::Unix(stream), Peer::Unix)
    }

    fn new(stream: Stream, peer: Peer) -> Self {
        Self { stream, peer, limit: None, place: None }
    }

    /// Closed if it has not begun with HTTP/2 soon, or before `draining` is cancelled.
    #[must_use]
    pub(super) fn beginning_soon(self, draining: CancellationToken) -> Self {
        self.sending_soon(OPENING_BYTES, draining)
    }

    /// The same for HTTP/1.1.
    #[must_use]
    pub(super) fn asking_soon(self, draining: CancellationToken) -> Self {
        self.sending_soon(REQUEST_LINE_BYTES, draining)
    }

    fn sending_soon(self, bytes: usize, draining: CancellationToken) -> Self {
        let limit = Limit {
            timer: Box::pin(sleep(OPENING)),
            draining: Some(Box::pin(draining.cancelled_owned())),
            until: Some(bytes),
        };
        Self { limit: Some(limit), ..self }
    }

    /// Closed after this time, whatever is on it.
    #[must_use]
    pub(super) fn for_at_most(self, life: Duration) -> Self {
        let limit = Limit { timer: Box::pin(sleep(life)), draining: None, until: None };
        Self { limit: Some(limit), ..self }
    }

    /// Takes one of its listener's places for as long as it lives.
    #[must_use]
    pub(super) fn in_place(self, place: OwnedSemaphorePermit) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }
}

impl Connection {
    /// Ready unless the time is over: a peer that does not read must not stay either.
    fn poll_may_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.limit.as_mut().map(|limit| limit.poll_over(cx)) {
            Some(Poll::Ready(error)) => Poll::Ready(Err(error)),
            Some(Poll::Pending) | None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        let Some(limit) = &mut self.limit else { return read };
        if read.is_pending() {
            return limit.poll_over(cx).map(Err);
        }
        if limit.is_lifted_by(buf.filled().len().saturating_sub(before)) {
            self.limit = None;
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_may_write(cx))?;
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_may_write(cx))?;
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            Stream::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIFE: Duration = Duration::from_secs(30);

    fn pair() -> (UnixStream, Connection) {
        let (client, server) = UnixStream::pair().unwrap();
        (client, Connection::unix(server))
    }

    async fn read(connection: &mut Connection, bytes: usize) -> Result<(), io::ErrorKind> {
        let mut buffer = vec![0; bytes];
        connection.read_exact(&mut buffer).await.map(drop).map_err(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_begin_is_closed() {
        for sent in [0, 1, 24, OPENING_BYTES - 1] {
            let (mut client, connection) = pair();
            let mut connection = connection.beginning_soon(CancellationToken::new());
            client.write_all(&vec![b'x'; sent]).await.unwrap();
            read(&mut connection, sent).await.unwrap();
            assert_eq!(read(&mut connection, 1).await, Err(io::ErrorKind::TimedOut), "after {sent} bytes");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_has_begun_may_fall_silent() {
        let (mut client, connection) = pair();
        let draining = CancellationToken::new();
        let mut connection = connection.beginning_soon(draining.clone());
        client.write_all(&[b'x'; OPENING_BYTES]).await.unwrap();
        read(&mut connection, OPENING_BYTES).await.unwrap();
        draining.cancel();
        tokio::time::timeout(OPENING * 10, read(&mut connection, 1)).await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_closes_a_connection_that_has_not_begun() {
        let (_half_open, connection) = pair();
        let draining = CancellationToken::new();
        let mut connection = connection.beginning_soon(draining.clone());
        draining.cancel();
        let begun = tokio::time::Instant::now();
        assert_eq!(read(&mut connection, 1).await, Err(io::ErrorKind::TimedOut));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_life_ends_whatever_was_said_and_whoever_does_not_read() {
        let (mut client, connection) = pair();
        let mut connection = connection.for_at_most(LIFE);
        client.write_all(&[b'x'; 1000]).await.unwrap();
        read(&mut connection, 1000).await.unwrap();
        assert_eq!(read(&mut connection, 1).await, Err(io::ErrorKind::TimedOut));

        let (_client, connection) = pair();
        let mut connection = connection.for_at_most(LIFE);
        let endless = vec![0; 64 * 1024 * 1024];
        let error = connection.write_all(&endless).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
