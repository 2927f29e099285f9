//! What Envoy's question costs, without an Envoy: the same messages, sent as fast as they are answered.

pub(crate) mod noop;

use std::{collections::HashMap, net::SocketAddr, path::Path, process::Command, time::Instant};

use bytes::Bytes;
use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::{
        envoy::{
            config::core::v3::{Address, Metadata, SocketAddress, address, socket_address::PortSpecifier},
            service::auth::v3::{
                AttributeContext,
                attribute_context::{HttpRequest, Peer, Request},
            },
        },
        google::protobuf::Timestamp,
    },
};
use prost::Message as _;

use crate::{
    load::{CONNECTIONS, Load, Round},
    process::{Process, free_address},
    report::{note, row},
    rounds::{in_turn, medians, ratios},
    scenes::{TOKEN_BYTES, config},
    tokens::Signer,
};

const METHOD: &str = "/envoy.service.auth.v3.Authorization/Check";
const CALLS: usize = if cfg!(debug_assertions) { 400 } else { 60_000 };

/// What the route asks for.
pub(crate) const POLICY: [(&str, &str); 1] = [("required_scopes", "orders:read")];

/// The service, and servers that answer what it answers without a look.
pub(crate) struct Edge {
    pub(crate) countersign: Process,
    pub(crate) noop: Process,
    pub(crate) blind: Process,
    pub(crate) token: String,
    answer: usize,
}

impl Edge {
    pub(crate) async fn start(directory: &Path, signer: &Signer, now: u64) -> Self {
        let (path, address) = config(directory, "edge", "5m");
        let mut countersign = Process::countersign(&path, address);
        countersign.accepting(Instant::now());
        let token = signer.token(0, TOKEN_BYTES, now);
        let answer = load(&countersign, &token).await.once().await;
        assert!(is_allowed(&answer), "the token was refused");
        let file = directory.join("check.bin");
        std::fs::write(&file, &answer).unwrap();
        let [noop, blind] = [noop::DECODING, noop::BLIND].map(|kind| start_noop(&file, kind));
        Self { countersign, noop, blind, token, answer: answer.len() }
    }
}

fn start_noop(answer: &Path, kind: &str) -> Process {
    let address = free_address();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("noop-check").arg(address.to_string()).arg(answer).arg(kind);
    let mut started = Process::start(command, address);
    started.accepting(Instant::now());
    started
}

async fn load(process: &Process, token: &str) -> Load {
    Load::of(CONNECTIONS, process, METHOD, vec![request(token)], is_allowed).await
}

/// Begins with an empty `status`, whose code is 0.
fn is_allowed(answer: &[u8]) -> bool {
    answer.starts_with(&[0x0a, 0])
}

/// As Envoy 1.40 writes one, of a request that a browser has sent.
fn request(token: &str) -> Bytes {
    let headers = headers(&format!("Bearer {token}"));
    let http = HttpRequest {
        id: "5577006791947779410".to_owned(),
        method: "GET".to_owned(),
        path: headers[":path"].clone(),
        host: headers[":authority"].clone(),
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        headers,
        ..HttpRequest::default()
    };
    let time = Some(Timestamp { seconds: 1_800_000_000, nanos: 123_456_000 });
    let attributes = AttributeContext {
        source: Some(peer(([10, 0, 0, 7], 51_234).into())),
        destination: Some(peer(([10, 0, 0, 1], 8443).into())),
        request: Some(Request { time, http: Some(http) }),
        context_extensions: POLICY.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        metadata_context: Some(Metadata::default()),
        route_metadata_context: Some(Metadata::default()),
        ..AttributeContext::default()
    };
    CheckRequest { attributes: Some(attributes) }.encode_to_vec().into()
}

fn peer(address: SocketAddr) -> Peer {
    let address = SocketAddress {
        address: address.ip().to_string(),
        port_specifier: Some(PortSpecifier::PortValue(address.port().into())),
        ..SocketAddress::default()
    };
    let address = Address { address: Some(address::Address::SocketAddress(address)) };
    Peer { address: Some(address), ..Peer::default() }
}

fn headers(authorization: &str) -> HashMap<String, String> {
    let headers = [
        (":authority", "shop.example.test"),
        (":method", "GET"),
        (":path", "/orders/4711?expand=lines"),
        (":scheme", "https"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate, br"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("authorization", authorization),
        ("referer", "https://shop.example.test/orders"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-origin"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"),
        ("x-auth-subject", "forged"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "5b0cbe7a-51c3-4f6e-9a53-8a4fd4a3a1d2"),
    ];
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The same request, as a client sends it to a proxy: what the proxy adds is not there yet.
pub(crate) fn http(token: &str) -> Bytes {
    let headers = headers(&format!("Bearer {token}"));
    let is_of_client = |name: &str| !name.starts_with(':') && !PROXY_ADDS.contains(&name);
    let of_client = headers.iter().filter(|(name, _)| is_of_client(name));
    let lines: Vec<_> = of_client.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (path, host) = (&headers[":path"], &headers[":authority"]);
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{}\r\n", lines.concat()).into()
}

const PROXY_ADDS: [&str; 2] = ["x-forwarded-proto", "x-request-id"];

/// The row, and beside it the same with a server that does not even decode.
pub(crate) async fn measure(edge: &Edge) {
    let ours = load(&edge.countersign, &edge.token).await;
    let noop = load(&edge.noop, &edge.token).await;
    let blind = load(&edge.blind, &edge.token).await;
    let (of_ours, of_noop) = in_turn(
        async || ours.round(&edge.countersign, CALLS).await,
        async || noop.round(&edge.noop, CALLS).await,
    )
    .await;
    let ratio = ratios(&of_ours, &of_noop, Round::per_cpu_second);
    row("Check, cached RS256 / no-op", &format!("{ratio:.3} calls per CPU s"), ">= 0.90", ratio >= 0.90);
    note(&format!(
        "ours {:.1} us, no-op {:.1} us of server CPU per call; {:.0} and {:.0} calls per second; request {} bytes, answer {}",
        medians(&of_ours, Round::cpu_micros),
        medians(&of_noop, Round::cpu_micros),
        medians(&of_ours, Round::per_second),
        medians(&of_noop, Round::per_second),
        request(&edge.token).len(),
        edge.answer,
    ));
    let (of_ours, of_blind) = in_turn(
        async || ours.round(&edge.countersign, CALLS).await,
        async || blind.round(&edge.blind, CALLS).await,
    )
    .await;
    note(&format!(
        "against a no-op that does not decode the request: {:.3} calls per CPU s, {:.1} us",
        ratios(&of_ours, &of_blind, Round::per_cpu_second),
        medians(&of_blind, Round::cpu_micros),
    ));
}
