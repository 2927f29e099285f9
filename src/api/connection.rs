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
    time::{Sleep, sleep},
};

use super::listener::Peer;

/// How long a connection may stay silent after it was opened. Neither keepalive nor the connection's age closes one that
/// never began to speak, and a drain would wait for it.
const FIRST_BYTE: Duration = Duration::from_secs(10);

/// Bytes to and from one peer.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: Peer,
    /// Until the first byte came.
    opening: Option<Pin<Box<Sleep>>>,
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
        Self { stream, peer, opening: Some(Box::pin(sleep(FIRST_BYTE))) }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if read.is_ready() {
            self.opening = None;
        } else if let Some(opening) = &mut self.opening {
            ready!(opening.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
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

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_speaks_is_closed() {
        let (_silent, server) = UnixStream::pair().unwrap();
        let error = Connection::unix(server).read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_spoke_may_fall_silent() {
        let (mut client, server) = UnixStream::pair().unwrap();
        let mut connection = Connection::unix(server);
        client.write_all(b"x").await.unwrap();
        connection.read_u8().await.unwrap();
        tokio::time::timeout(FIRST_BYTE * 10, connection.read_u8()).await.unwrap_err();
    }
}
