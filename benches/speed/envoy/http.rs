//! The load in front of Envoy: a closed loop over HTTP/1.1 connections that stay open. The request is written before, and
//! answers are looked at, not parsed, so that the client takes as little of the machine as it can.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Room for any answer here.
const ANSWER_BYTES: usize = 4096;

/// Connections to one listener.
pub(super) struct Clients {
    clients: Vec<Client>,
}

struct Client {
    stream: TcpStream,
    request: Bytes,
    /// A header line that a good answer has.
    expected: Bytes,
    buffer: Vec<u8>,
}

impl Clients {
    pub(super) async fn connect(at_once: usize, to: SocketAddr, request: &Bytes, expected: &Bytes) -> Self {
        let mut clients = Vec::new();
        for _ in 0..at_once {
            let stream = TcpStream::connect(to).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (request, expected) = (request.clone(), expected.clone());
            clients.push(Client { stream, request, expected, buffer: vec![0; ANSWER_BYTES] });
        }
        Self { clients }
    }

    /// Makes `calls` calls, one at a time on each connection; returns how long each took.
    pub(super) async fn round(&mut self, calls: usize) -> Vec<Duration> {
        let each = calls / self.clients.len();
        let tasks: Vec<_> = self
            .clients
            .drain(..)
            .map(|mut client| {
                tokio::spawn(async move {
                    let mut taken = Vec::with_capacity(each);
                    for _ in 0..each {
                        taken.push(client.call().await);
                    }
                    (client, taken)
                })
            })
            .collect();
        let mut all = Vec::with_capacity(calls);
        for task in tasks {
            let (client, taken) = task.await.unwrap();
            self.clients.push(client);
            all.extend(taken);
        }
        all
    }
}

impl Client {
    async fn call(&mut self) -> Duration {
        let start = Instant::now();
        self.stream.write_all(&self.request).await.unwrap();
        let mut filled = 0;
        while !is_whole(&self.buffer[..filled]) {
            let read = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(read > 0, "the connection ended: {}", self.shown(filled));
            filled += read;
        }
        let taken = start.elapsed();
        let answer = &self.buffer[..filled];
        let good = answer.starts_with(b"HTTP/1.1 200 ") && memmem::find(answer, &self.expected).is_some();
        assert!(good, "the answer is not the expected one: {}", self.shown(filled));
        taken
    }

    fn shown(&self, filled: usize) -> String {
        String::from_utf8_lossy(&self.buffer[..filled]).into_owned()
    }
}

/// Whether the answer is here with all of its content.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else { return false };
    let head = &answer[..end];
    let length = memmem::find(head, b"\r\ncontent-length: ").map_or(0, |at| {
        let digits =
            head[at + "\r\ncontent-length: ".len()..].iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
    });
    answer.len() >= end + 4 + length
}
