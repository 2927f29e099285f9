//! An upstream that writes down the head of every request, byte by byte, and answers 200.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::client::find;

/// It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Upstream {
    port: u16,
    heads: Arc<Mutex<Vec<Head>>>,
    _accepting: JoinSet<()>,
}

/// The head of one request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Head(Vec<u8>);

impl Head {
    /// The headers in their order, spelt as they came.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let text = self.text();
        // Some servers end a line at either.
        let lines = text.split(['\r', '\n']).skip(1).filter(|line| !line.is_empty());
        // What is no header is shown as one without a value, rather than left out.
        lines
            .map(|line| line.split_once(':').unwrap_or((line, "")))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// The values of every header that some server would take for this one, whatever its spelling.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let headers = self.headers().into_iter();
        headers.filter(|(its, _)| normalised(its) == name).map(|(_, value)| value).collect()
    }

    /// The only value; none: there is no such header, in no spelling.
    #[track_caller]
    pub(super) fn one(&self, name: &str) -> Option<String> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} is there more than once: {}", self.text());
        all.into_iter().next()
    }

    /// As text, where bytes that are none show as U+FFFD.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// How servers in the way of CGI see a header's name.
pub(super) fn normalised(name: &str) -> String {
    name.trim().to_lowercase().replace('_', "-")
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::<Mutex<Vec<Head>>>::default();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&heads)));
        Self { port, heads, _accepting: accepting }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What came since the last time that somebody asked.
    pub(super) fn take(&self) -> Vec<Head> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }

    /// The only request since then.
    #[track_caller]
    pub(super) fn take_one(&self) -> Head {
        let heads = self.take();
        let [head] = heads.as_slice() else { panic!("not one request: {heads:?}") };
        head.clone()
    }
}

async fn accept(listener: TcpListener, heads: Arc<Mutex<Vec<Head>>>) {
    let mut serving = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        serving.spawn(serve(socket, Arc::clone(&heads)));
    }
}

/// Answers one request after the other, until Envoy hangs up.
async fn serve(mut socket: TcpStream, heads: Arc<Mutex<Vec<Head>>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = until(&mut socket, &mut bytes, b"\r\n\r\n").await else { return };
        let rest = bytes.split_off(end);
        let head = Head(std::mem::replace(&mut bytes, rest));
        heads.lock().unwrap().push(head.clone());
        if head.one("transfer-encoding").is_some() {
            // No body here ends in the middle with what ends a body.
            let Some(end) = until(&mut socket, &mut bytes, b"0\r\n\r\n").await else { return };
            bytes.drain(..end);
        } else if let Some(length) = head.one("content-length") {
            let length: usize = length.parse().unwrap();
            while bytes.len() < length {
                let Ok(1..) = socket.read_buf(&mut bytes).await else { return };
            }
            bytes.drain(..length);
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let Ok(()) = socket.write_all(answer).await else { return };
    }
}

/// Reads until these bytes have come, and returns where they end.
async fn until(socket: &mut TcpStream, bytes: &mut Vec<u8>, ending: &[u8]) -> Option<usize> {
    loop {
        if let Some(at) = find(bytes, ending) {
            return Some(at + ending.len());
        }
        let Ok(1..) = socket.read_buf(bytes).await else { return None };
    }
}
