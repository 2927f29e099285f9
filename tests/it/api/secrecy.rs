//! E1: no token, no part of one and no secret gets out, however loud the log.

use bytes::Bytes;
use countersign::proto::client::{BatchValidateRequest, RequestContext, ValidateRequest};
use http::uri::PathAndQuery;
use prost::Message as _;
use serde_json::json;
use tonic::{Request, Status, metadata::MetadataValue};

use super::kit::{AUDIENCE, BATCH_VALIDATE, ISSUER, UNREACHABLE, VALIDATE, ask, pieces, raw};
use crate::support::{
    collector::Collector,
    idp::{Idp, Reply},
    ports,
    service::Service,
    tokens::{Signer, claims, encode, key_set},
};

const SECRET: &[u8; 48] = b"a-shared-secret-that-must-never-be-seen-anywhere";

fn config(idp: &Idp, collector: &Collector, log: &str) -> String {
    format!(
        "\
issuers:
  - {{ name: secret, issuer: {ISSUER}/secret, audiences: [{AUDIENCE}], secret: {{ file: ./secret }} }}
  - {{ name: keys, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_uri: {} }}
  - {{ name: down, issuer: {UNREACHABLE}, audiences: [{AUDIENCE}], jwks_uri: http://127.0.0.1:{}/keys }}
telemetry: {{ log: '{log}', format: json, otlp_endpoint: '{}', sample_ratio: 1 }}
",
        idp.url("/keys"),
        ports::reserve(),
        collector.url(),
    )
}

/// Tokens good, bad, oversized and not even text for machines; each has its own `jti`, so that no two are alike.
fn tokens(signer: &Signer) -> Vec<String> {
    let changed = |name: &'static str, value: serde_json::Value| {
        let mut claims = claims(ISSUER, AUDIENCE);
        claims[name] = value;
        signer.access_token(&claims)
    };
    let good = || signer.access_token(&claims(ISSUER, AUDIENCE));
    let shared = Signer::shared("HS256", SECRET);
    let crit = json!({ "alg": "ES256", "kid": signer.key_id(), "crit": ["exp"] }).to_string();
    vec![
        good(),
        shared.access_token(&claims(&format!("{ISSUER}/secret"), AUDIENCE)),
        Signer::shared("HS256", &[7; 32]).access_token(&claims(&format!("{ISSUER}/secret"), AUDIENCE)),
        changed("exp", json!(1_700_000_000)),
        changed("nbf", json!("tomorrow")),
        changed("aud", json!("https://other.example.test")),
        changed("iss", json!("https://unknown.example.test")),
        changed("iss", json!(UNREACHABLE)),
        changed("large", json!("x".repeat(40_000))),
        Signer::es256().access_token(&claims(ISSUER, AUDIENCE)),
        Signer::es256().named("unknown").access_token(&claims(ISSUER, AUDIENCE)),
        Signer::rs256().named(signer.key_id()).access_token(&claims(ISSUER, AUDIENCE)),
        signer.sign(crit, claims(ISSUER, AUDIENCE).to_string()),
        signer.sign(signer.header().to_string(), "{ \"iss\": not JSON at all"),
        signer.sign("not JSON as a header", claims(ISSUER, AUDIENCE).to_string()),
        format!("Bearer {}", good()),
        format!("{}=", good()),
        format!("{}\n", good()),
        good().replace('.', "\u{0}\u{1b}[31m"),
        good().replace('.', "\u{e9}\u{202e}"),
        format!("%{}", good()),
        "an-opaque-refresh-token-of-somebody-0123456789".to_owned(),
    ]
}

/// The same token wherever a request has room for text.
fn questions(token: &str) -> Vec<ValidateRequest> {
    let about = |token: &str| super::kit::about(token);
    let scheme = RequestContext { authorization_scheme: token.into(), ..RequestContext::default() };
    let context = RequestContext {
        client_certificate_sha256: token.into(),
        user_agent: token.into(),
        dpop_proof: token.into(),
        http_uri: token.into(),
        ..RequestContext::default()
    };
    vec![
        about(token),
        about(token),
        ValidateRequest { refusal_as_status: true, kind: 2, ..about(token) },
        ValidateRequest { issuer: token.into(), audiences: vec![token.into()], ..about(token) },
        ValidateRequest { required_scopes: vec![token.into()], ..about(token) },
        ValidateRequest { required_roles: vec![token.into()], ..about(token) },
        ValidateRequest { min_revision: token.into(), ..about(token) },
        ValidateRequest { context: Some(scheme), ..about(token) },
        ValidateRequest { context: Some(context), ..about(token) },
    ]
}

#[track_caller]
fn assert_silent(what: &str, said: &str, tokens: &[String]) {
    let secret = std::str::from_utf8(SECRET).unwrap();
    let hexadecimal = SECRET.map(|byte| format!("{byte:02x}")).concat();
    let listed = format!("{SECRET:?}").trim_matches(['[', ']']).to_owned();
    for secret in [secret, &encode(SECRET), &hexadecimal, &listed] {
        assert!(!said.contains(secret), "{what} holds the shared secret as {secret}");
    }
    for token in tokens {
        for piece in pieces(token) {
            // A header that says nothing but `{"alg":...,"kid":...}` is a part, too.
            assert!(!said.contains(piece), "{what} holds {piece}");
        }
    }
}

async fn ask_everything(service: &Service, tokens: &[String]) -> Vec<Status> {
    let channel = service.channel().await;
    let mut client = service.client().await;
    let mut statuses = vec![];
    for token in tokens {
        let requests = questions(token);
        for request in &requests {
            statuses.extend(ask(&mut client, request.clone()).await.err());
        }
        for include_claims in [false, true] {
            let batch = BatchValidateRequest { requests: requests.clone(), include_claims };
            statuses.extend(raw(&channel, BATCH_VALIDATE, batch.encode_to_vec()).await.err());
        }
        // Cut in the middle, and as a field that is not text.
        let bytes = requests[0].encode_to_vec();
        statuses.extend(raw(&channel, VALIDATE, bytes[..bytes.len() - 1].to_vec()).await.err());
        statuses.extend(raw(&channel, VALIDATE, [&bytes, &b"\x0a\x02\xff\xff"[..]].concat()).await.err());
        // Where it does not belong: a header, the name of a method.
        if let Ok(value) = MetadataValue::try_from(token.as_str()) {
            let mut request = Request::new(requests[0].clone());
            request.metadata_mut().insert("traceparent", value.clone());
            request.metadata_mut().insert("authorization", value);
            statuses.extend(client.validate(request).await.err());
        }
        let path = format!("/countersign.v1.TokenService/{token}");
        if path.parse::<PathAndQuery>().is_ok() {
            statuses.extend(raw(&channel, &path, Bytes::new()).await.err());
        }
    }
    statuses
}

async fn check(log: &str) {
    let signer = Signer::es256();
    let document = key_set(&[&signer]).to_string().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(document.clone())).await;
    let files = [("secret", &SECRET[..])];
    let collector = Collector::start().await;
    let mut service = Service::start_with_files(&config(&idp, &collector, log), &files).await;
    let tokens = tokens(&signer);
    let statuses = ask_everything(&service, &tokens).await;
    assert!(statuses.len() > tokens.len(), "each has been in something that failed");
    for status in &statuses {
        assert_silent("a status", &format!("{status:?}"), &tokens);
        assert_silent("its details", &String::from_utf8_lossy(status.details()), &tokens);
    }
    assert_silent("/metrics", &service.admin_get("/metrics").await.body, &tokens);
    assert_silent("/readyz", &service.admin_get("/readyz").await.body, &tokens);
    assert!(service.validate(&tokens[0]).await.is_good() && service.validate(&tokens[1]).await.is_good());
    service.sigterm().await;
    assert!(service.wait_exit().await.success());
    let output = service.output();
    assert!(output.contains("shut down"), "all of it is here");
    assert!(output.contains("\"TRACE\"") && output.contains("\"h2::"), "it is loud");
    assert_silent("the log", &output, &tokens);
    assert!(collector.spans().len() > statuses.len(), "every call has left a span");
    for request in collector.requests() {
        assert_silent("a span", &format!("{request:?}"), &tokens);
        assert_silent("its bytes", &String::from_utf8_lossy(&request.encode_to_vec()), &tokens);
    }
}

/// The loudest that there is: a plain `trace` leaves libraries out that print what they read.
#[tokio::test]
async fn e1_no_token_and_no_secret_is_in_the_log_the_metrics_a_status_or_a_span_at_trace_libraries_included()
{
    let libraries = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tower"];
    let loud = libraries.map(|library| format!("{library}=trace")).join(",");
    check(&format!("trace,{loud}")).await;
}
