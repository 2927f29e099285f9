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
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let lines = lines.concat();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: edge.test\r\n{lines}connection: close\r\n\r\n");
    let mut answers = exchange(port, head.as_bytes()).await;
    assert!(answers.len() == 1, "not one answer: {answers:?}");
    answers.remove(0)
}

/// Sends these bytes and returns everything that was answered before the connection ended: what they caused, all of it, has
/// happened then. The last of them asks for that end, unless it comes by itself.
pub(super) async fn exchange(port: u16, bytes: &[u8]) -> Vec<Answer> {
    let what = format!("an answer to {}", bytes.escape_ascii());
    within(&what, LONG, async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        // Who refuses the beginning may hang up before it has read all.
        drop(stream.write_all(bytes).await);
        let mut received = Vec::new();
        while let Ok(1..) = stream.read_buf(&mut received).await {
            // Envoy leaves it open for a while after an answer that says so.
            if parse(&received).last().is_some_and(|answer| answer.header("connection") == "close") {
                break;
            }
        }
        parse(&received)
    })
    .await
}

/// Every answer that is there in whole.
fn parse(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some((answer, rest)) = first(bytes) {
        answers.push(answer);
        bytes = rest;
    }
    answers
}

/// The first answer, if it is there in whole, and what comes after it.
pub(super) fn first(bytes: &[u8]) -> Option<(Answer, &[u8])> {
    let end = find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: String::new() };
    let rest = &bytes[end + 4..];
    let (body, rest) = if answer.header("transfer-encoding") == "chunked" {
        unchunk(rest)?
    } else {
        let length = answer.header("content-length").parse().unwrap_or(0);
        let (body, rest) = rest.split_at_checked(length)?;
        (body.to_vec(), rest)
    };
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Some((answer, rest))
}

/// A body in chunks (RFC 9112 section 7.1), and what comes after it.
fn unchunk(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = find(bytes, b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        let (chunk, rest) = bytes[end + 2..].split_at_checked(length)?;
        body.extend_from_slice(chunk);
        bytes = rest.strip_prefix(b"\r\n")?;
        if length == 0 {
            return Some((body, bytes));
        }
    }
}

/// Where the needle begins.
pub(super) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
