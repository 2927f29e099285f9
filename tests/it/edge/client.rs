//! A client that writes bytes, whatever they are, and reads what comes back.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::wait::within;

/// Longer than anything takes that happens at all.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    /// The value of a header, several joined as one list. Empty: there is none.
    pub(super) fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(its, _)| its.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The body, which is JSON.
    #[track_caller]
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a whole request, which asks for the end of the connection after it, and returns the answer.
pub(super) async fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(port, "GET", path, headers).await
}

/// The same with another method.
pub(super) async fn request(port: u16, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: edge.test\r\n{lines}connection: close\r\n\r\n");
    let mut answers = exchange(port, head.as_bytes()).await;
    assert!(answers.len() == 1, "not one answer: {answers:?}");
    answers.remove(0)
}

/// Sends these bytes and after them one more request, and returns everything that was answered before the connection ended: what
/// the bytes caused, all of it, has happened then.
pub(super) async fn exchange(port: u16, bytes: &[u8]) -> Vec<Answer> {
    within("an answer", LONG, async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        // Who refuses the beginning may hang up before it has read all.
        drop(stream.write_all(bytes).await);
        let mut received = Vec::new();
        while let Ok(1..) = stream.read_buf(&mut received).await {}
        parse(&received)
    })
    .await
}

fn parse(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let end = find(bytes, b"\r\n\r\n").unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: String::new() };
        bytes = &bytes[end + 4..];
        let body;
        if answer.header("transfer-encoding") == "chunked" {
            (body, bytes) = unchunk(bytes);
        } else {
            let length = answer.header("content-length").parse().unwrap_or(0);
            body = bytes[..length].to_vec();
            bytes = &bytes[length..];
        }
        answer.body = String::from_utf8_lossy(&body).into_owned();
        answers.push(answer);
    }
    answers
}

/// A body in chunks (RFC 9112 section 7.1), and what comes after it.
fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut body = Vec::new();
    loop {
        let end = find(bytes, b"\r\n").expect("the length of a chunk");
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        body.extend_from_slice(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 2 + length + 2..];
        if length == 0 {
            return (body, bytes);
        }
    }
}

/// Where the needle begins.
pub(super) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
