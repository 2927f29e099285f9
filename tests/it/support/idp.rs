//! An identity provider made of one TCP listener, so that it can misbehave below HTTP.

use std::{
    fmt::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::ops::drain::Tasks;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

/// Nothing here takes a second; whatever takes this long hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// How the provider answers one request.
pub(crate) enum Reply {
    /// A whole answer.
    Whole { status: &'static str, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Says that `body` is one byte longer than it is, and hangs up.
    CutShort(Vec<u8>),
    /// A whole answer, once somebody says so.
    Held(watch::Receiver<bool>, Vec<u8>),
    /// The beginning of an answer (or none), then nothing until the client hangs up.
    Stalled(&'static str),
    /// A body without end.
    Endless,
    /// The same, after this time.
    Late(Duration, Box<Self>),
}

impl Reply {
    pub(crate) fn ok(body: Vec<u8>) -> Self {
        Self::Whole { status: "200 OK", headers: vec![], body }
    }

    pub(crate) fn status(status: &'static str) -> Self {
        Self::Whole { status, headers: vec![], body: b"{\"keys\":[]}".to_vec() }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// One request: its path, its head in lower case, and its body.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

type Behaviour = dyn Fn(&Hit) -> Reply + Send + Sync;

/// The provider.
pub(crate) struct Idp {
    pub(crate) address: SocketAddr,
    hits: watch::Receiver<Vec<Hit>>,
    behaviour: Arc<Mutex<Arc<Behaviour>>>,
    tasks: Tasks,
}

impl Idp {
    pub(crate) async fn start(behaviour: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, hits) = watch::channel(Vec::new());
        let behaviour: Arc<Mutex<Arc<Behaviour>>> = Arc::new(Mutex::new(Arc::new(behaviour)));
        let tasks = Tasks::default();
        let idp = Self { address, hits, behaviour: Arc::clone(&behaviour), tasks: tasks.clone() };
        tasks.clone().spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (count, behaviour) = (count.clone(), Arc::clone(&behaviour));
                tasks.spawn(async move {
                    let mut socket = BufReader::new(socket);
                    let Some(hit) = read(&mut socket).await else { return };
                    count.send_modify(|hits| hits.push(hit.clone()));
                    let behaviour = Arc::clone(&behaviour.lock().unwrap());
                    // A client that hangs up in the middle is part of the tests.
                    drop(answer(socket.into_inner(), behaviour(&hit)).await);
                });
            }
        });
        idp
    }

    /// From now on it behaves like this.
    pub(crate) fn change(&self, behaviour: impl Fn(&Hit) -> Reply + Send + Sync + 'static) {
        *self.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.hits.borrow().clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.hits().into_iter().map(|hit| hit.path).collect()
    }

    /// Returns once `enough` of the requests so far.
    pub(crate) async fn wait_for_hits(&self, enough: impl Fn(&[Hit]) -> bool + Send + Sync) {
        let mut hits = self.hits.clone();
        timeout(DEADLINE, hits.wait_for(|hits| enough(hits))).await.expect("too few requests").unwrap();
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.tasks.stopping().cancel();
    }
}

async fn read(socket: &mut BufReader<TcpStream>) -> Option<Hit> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if socket.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    // Whoever hangs up on a body that was not read tears the answer away with it.
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).await.ok()?;
    Some(Hit { path, head, body: String::from_utf8_lossy(&body).into_owned() })
}

async fn answer(mut socket: TcpStream, mut reply: Reply) -> std::io::Result<()> {
    if let Reply::Held(mut go, body) = reply {
        go.wait_for(|go| *go).await.map_err(std::io::Error::other)?;
        reply = Reply::ok(body);
    }
    match reply {
        Reply::Held(..) => unreachable!("it was let go"),
        Reply::Whole { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
            if !status.starts_with("304") {
                write!(head, "content-length: {}\r\n", body.len()).unwrap();
            }
            for (name, value) in headers {
                write!(head, "{name}: {value}\r\n").unwrap();
            }
            socket.write_all((head + "\r\n").as_bytes()).await?;
            if !status.starts_with("304") {
                socket.write_all(&body).await?;
            }
        }
        Reply::CutShort(body) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len() + 1);
            socket.write_all(head.as_bytes()).await?;
            socket.write_all(&body).await?;
        }
        Reply::Stalled(beginning) => {
            socket.write_all(beginning.as_bytes()).await?;
            let mut rest = BufReader::new(socket);
            rest.read_line(&mut String::new()).await?;
            return Ok(());
        }
        Reply::Late(by, reply) => {
            // Unless the client hangs up first.
            if timeout(by, socket.readable()).await.is_err() {
                return Box::pin(answer(socket, *reply)).await;
            }
        }
        Reply::Endless => {
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"keys\":[").await?;
            loop {
                socket.write_all(&[b' '; 4096]).await?;
            }
        }
    }
    socket.shutdown().await
}
