//! What these tests share: a service that answers checks, and HTTP by hand, so that odd requests can be sent, too.

use std::{net::Ipv4Addr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    ports,
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::within,
};

pub(super) const ISSUER: &str = "https://idp.example.test";
pub(super) const AUDIENCE: &str = "https://api.example.test";
/// An issuer whose key server nobody has ever reached.
const UNREACHABLE: &str = "https://unreachable.example.test";

pub(super) const TO_ANSWER: Duration = Duration::from_secs(40);

/// A running service, the port of its checks, and its issuer's key.
pub(super) struct Setup {
    pub(super) service: Service,
    pub(super) port: u16,
    signer: Signer,
    yaml: String,
}

impl Setup {
    /// `http` and `more`: what else is in that section, and further sections.
    pub(super) async fn with(http: &str, more: &str) -> Self {
        let (signer, port) = (Signer::es256(), ports::reserve());
        let yaml = format!(
            "\
issuers:
  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}
  - {{ issuer: {UNREACHABLE}, audiences: [{AUDIENCE}], jwks_uri: http://127.0.0.1:{}/keys }}
http: {{ listen: 127.0.0.1:{port}{http} }}
",
            ports::reserve(),
        );
        let keys = key_set(&[&signer]).to_string();
        let service =
            Service::start_with_files(&format!("{yaml}{more}"), &[("keys.json", keys.as_bytes())]).await;
        Self { service, port, signer, yaml }
    }

    /// Gives the service other further sections.
    pub(super) fn reconfigure(&self, more: &str) {
        self.service.configure(&format!("{}{more}", self.yaml));
    }

    /// A good access token, changed.
    pub(super) fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims(ISSUER, AUDIENCE);
        change(&mut claims);
        self.signer.access_token(&claims)
    }

    /// `Authorization` with a good access token.
    pub(super) fn good(&self) -> String {
        format!("Bearer {}", self.token(|_| {}))
    }

    /// The same with one that would be good if its issuer's keys were known.
    pub(super) fn undecidable(&self) -> String {
        format!("Bearer {}", self.token(|claims| claims["iss"] = UNREACHABLE.into()))
    }

    /// A whole number among the metrics.
    pub(super) async fn count(&self, sample: &str) -> String {
        count(&self.service, sample).await
    }

    /// `GET` of a check.
    pub(super) async fn check(&self, query: &str, headers: &[(&str, &str)]) -> Response {
        send(self.port, "GET", &format!("/check{query}"), headers).await
    }
}

/// A whole number among a service's metrics, as it is printed.
pub(super) async fn count(service: &Service, sample: &str) -> String {
    service.metric(sample).await.to_string()
}

/// What came back.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Response {
    /// The only value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "{name} is there twice");
        Some(value)
    }

    /// The identity headers, by name.
    pub(super) fn identity(&self) -> Vec<(&str, &str)> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut identity: Vec<_> = headers.filter(|(name, _)| name.starts_with("x-auth-")).collect();
        identity.sort_unstable();
        identity
    }

    /// `reason` of its JSON.
    pub(super) fn reason(&self) -> String {
        let body: Value =
            serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        body["reason"].as_str().unwrap().to_owned()
    }
}

/// One request on a connection of its own.
pub(super) async fn send(port: u16, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{}\r\n",
        headers.concat()
    );
    within("an answer", TO_ANSWER, raw(port, request.as_bytes())).await
}

/// Bytes that are a request, after which the peer closes.
pub(super) async fn raw(port: u16, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    parsed(&String::from_utf8(bytes).unwrap())
}

pub(super) fn parsed(text: &str) -> Response {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Response { status, headers: lines.map(header).collect(), body: body.to_owned() }
}
