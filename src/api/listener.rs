//! Sockets that are bound before anything is served: TCP and Unix, behind one type.

use std::{
    convert::Infallible,
    future::{Future as _, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::{CancellationToken, PollSemaphore};

use super::{ListenAddress, connection::Connection, socket_file::SocketFile};

/// How long to wait after a failed accept: the usual cause is too many open files, which does not pass at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that one listener has at once; more wait in the kernel. Far more than a replica's callers need (each keeps
/// a few), and what so many cost in memory, a machine has.
const MAX_CONNECTIONS: usize = 10_000;

/// A bound socket. Dropped, it is closed, and a Unix socket's file is removed.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: ListenAddress,
    pause: Option<Pin<Box<Sleep>>>,
    places: PollSemaphore,
    /// For the next connection.
    place: Option<OwnedSemaphorePermit>,
    trouble: Option<Trouble>,
}

/// Why connections are not accepted, as far as the log has said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Failing,
    Full,
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
        Ok(Self::over(socket, address, MAX_CONNECTIONS))
    }

    fn over(socket: Socket, address: ListenAddress, max_connections: usize) -> Self {
        let places = PollSemaphore::new(Arc::new(Semaphore::new(max_connections)));
        Self { socket, address, pause: None, places, place: None, trouble: None }
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
            ready!(self.poll_place(cx));
            match ready!(self.socket.poll_accept(cx)) {
                Ok((connection, peer)) => {
                    self.recovered();
                    let connection = match self.place.take() {
                        Some(place) => connection.in_place(place),
                        None => connection,
                    };
                    return Poll::Ready((connection, peer));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if self.is_new(Trouble::Failing) {
                        tracing::error!(server.address = %self.address, error.message = %error, "connections cannot be accepted");
                    }
                    self.pause = Some(Box::pin(sleep(ACCEPT_PAUSE)));
                }
            }
        }
    }

    /// Ready once there is room for a connection.
    fn poll_place(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.place.is_none() {
            let Poll::Ready(place) = self.places.poll_acquire(cx) else {
                if self.is_new(Trouble::Full) {
                    tracing::warn!(server.address = %self.address, "no more connections are accepted, there are too many");
                }
                return Poll::Pending;
            };
            self.place = place;
        }
        Poll::Ready(())
    }

    fn is_new(&mut self, trouble: Trouble) -> bool {
        self.trouble.replace(trouble) != Some(trouble)
    }

    /// A connection was accepted. Being full is over only once there is room for more than the next one, so that a
    /// listener at its limit does not log each connection.
    fn recovered(&mut self) {
        let is_over = match self.trouble {
            Some(Trouble::Failing) => true,
            Some(Trouble::Full) => self.places.available_permits() > MAX_CONNECTIONS / 10,
            None => false,
        };
        if is_over {
            self.trouble = None;
            tracing::info!(server.address = %self.address, "connections are accepted again");
        }
    }

    /// Every connection from now on, as HTTP/2 may use it: closed if it has not begun with it soon, or before `draining`
    /// is cancelled.
    pub(super) fn beginning_soon(
        self,
        draining: CancellationToken,
    ) -> impl Stream<Item = Result<Connection, Infallible>> {
        self.map(move |accepted| {
            let Ok(connection) = accepted;
            Ok(connection.beginning_soon(draining.clone()))
        })
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

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use tokio::net::TcpStream;

    use super::*;

    async fn with_places(places: usize) -> Listener {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = ListenAddress::Tcp(socket.local_addr().unwrap());
        Listener::over(Socket::Tcp(socket), address, places)
    }

    #[tokio::test]
    async fn a_full_listener_accepts_again_when_a_connection_has_ended() {
        let mut listener = with_places(1).await;
        let ListenAddress::Tcp(address) = listener.address().clone() else { panic!("it is TCP") };
        let _clients =
            [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let (first, _) = listener.accept().await;
        assert!(poll!(Box::pin(listener.accept())).is_pending());
        assert_eq!(listener.trouble, Some(Trouble::Full));
        drop(first);
        drop(listener.accept().await);
    }

    #[tokio::test]
    async fn trouble_is_told_once_until_it_is_over() {
        let mut listener = with_places(1).await;
        assert!(listener.is_new(Trouble::Failing));
        assert!(!listener.is_new(Trouble::Failing));
        listener.recovered();
        assert!(listener.is_new(Trouble::Failing));
    }
}
