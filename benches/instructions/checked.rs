//! Envoy's question about a cached token, from the message's bytes to the answer's.

use std::{collections::HashMap, hint::black_box, sync::Arc};

use bytes::Bytes;
use countersign::{
    api::grpc::ext_authz::ExtAuthz,
    domain::edge::settings::EdgeSettings,
    ops::{
        metrics::{self, CheckMetrics},
        readiness::Readiness,
    },
    service::{check::Checker, validate::Validator},
};
use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::envoy::service::auth::v3::{
        AttributeContext,
        attribute_context::{HttpRequest, Request},
    },
};
use prost::Message as _;
use tokio::runtime::Runtime;
use tonic::server::UnaryService as _;

const NAMES: [&str; 14] = [
    ":authority",
    ":method",
    ":path",
    ":scheme",
    "accept",
    "accept-encoding",
    "accept-language",
    "referer",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "user-agent",
    "x-forwarded-proto",
    "x-request-id",
];
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

pub(super) fn edge(validator: Arc<Validator>) -> ExtAuthz {
    let metrics = CheckMetrics::register(&mut metrics::registry());
    // Whoever can tell does not look at it.
    let readiness = Readiness::default();
    let checker = Checker::new(validator, EdgeSettings::default(), readiness, metrics);
    ExtAuthz::new(Arc::new(checker), MAX_MESSAGE_BYTES)
}

pub(super) fn check(runtime: &Runtime, edge: &ExtAuthz, tokens: &[&str]) {
    // All of them are the same one.
    let message = request(tokens[0]);
    let mut edge = edge.clone();
    runtime.block_on(async {
        for _ in tokens {
            let answer = edge.call(black_box(tonic::Request::new(message.clone()))).await.unwrap();
            // An empty `status`, whose code is 0.
            assert!(black_box(answer).into_inner().starts_with(&[0x0a, 0]));
        }
    });
}

/// With as many headers as a browser's request has. Their order changes with each run, and nothing with it: all are looked at.
fn request(token: &str) -> Bytes {
    let authorization = format!("Bearer {token}");
    let mut headers = HashMap::from([("authorization".to_owned(), authorization)]);
    for name in NAMES {
        headers.insert(name.to_owned(), "something of about this length".to_owned());
    }
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: "/orders/4711".to_owned(),
        host: "shop.example".to_owned(),
        scheme: "https".to_owned(),
        headers,
        ..HttpRequest::default()
    };
    let attributes = AttributeContext {
        request: Some(Request { time: None, http: Some(http) }),
        context_extensions: HashMap::from([("required_scopes".to_owned(), "orders:read".to_owned())]),
        ..AttributeContext::default()
    };
    CheckRequest { attributes: Some(attributes) }.encode_to_vec().into()
}
