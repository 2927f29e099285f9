//! Sockets that are bound before anything is served: TCP and Unix, behind one type.

use std::{
    convert::Infallible,
    future::{Future as _, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    net::{TcpListener, UnixListener},
    time::{Sleep, sleep},
};
use tokio_stream::Stream;

use super::{ListenAddress, connection::Connection, socket_file::SocketFile};

/// How long to wait after a failed accept: the usual cause is too many open files, which does not pass at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket. Dropped, it is closed, and a Unix socket's file is removed.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: ListenAddress,
    pause: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, #[expect(dead_code, reason = "removes the file when dropped")] SocketFile),
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address.
    Tcp(SocketAddr),
    /// A process on this machine that may open the socket's file.
    Unix,
}

impl Peer {
    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix => true,
        }
    }
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// As configured.
    pub address: ListenAddress,
    /// Why.
    pub source: io::Error,
}

impl Listener {
    /// Binds the socket; connections queue in the kernel until somebody accepts them.
    pub async fn bind(address: &ListenAddress) -> Result<Self, BindError> {
        Self::open(address).await.map_err(|source| BindError { address: address.clone(), source })
    }

    async fn open(address: &ListenAddress) -> io::Result<Self> {
        let (socket, address) = match address {
            ListenAddress::Tcp(wanted) => {
                let listener = TcpListener::bind(wanted).await?;
                let bound = listener.local_addr()?;
                (Socket::Tcp(listener), ListenAddress::Tcp(bound))
            }
            ListenAddress::Unix(path) => {
                let (listener, file) = SocketFile::bind(path).await?;
                (Socket::Unix(listener, file), ListenAddress::Unix(path.clone()))
            }
        };
        Ok(Self { socket, address, pause: None })
    }

    /// The real address: the port is the one that the kernel chose if 0 was configured.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// The next connection. Failures are logged and waited out: a listener never ends by itself.
    pub async fn accept(&mut self) -> (Connection, Peer) {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<(Connection, Peer)> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.socket.poll_accept(cx)) {
                Ok(accepted) => return Poll::Ready(accepted),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(server.address = %self.address, %error, "a connection could not be accepted");
                    self.pause = Some(Box::pin(sleep(ACCEPT_PAUSE)));
                }
            }
        }
    }
}

impl Socket {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Connection, Peer)>> {
        Poll::Ready(match self {
            Self::Tcp(listener) => ready!(listener.poll_accept(cx)).map(|(stream, peer)| {
                // Answers are one small write; a socket that refuses the option is dead anyway.
                drop(stream.set_nodelay(true));
                (Connection::tcp(stream, peer), Peer::Tcp(peer))
            }),
            Self::Unix(listener, _) => {
                ready!(listener.poll_accept(cx)).map(|(stream, _)| (Connection::unix(stream), Peer::Unix))
            }
        })
    }
}

/// As tonic wants its connections.
impl Stream for Listener {
    type Item = Result<Connection, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_accept(cx).map(|(connection, _)| Some(Ok(connection)))
    }
}

/// Whether the next accept may well succeed at once: the client went away while it queued.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
