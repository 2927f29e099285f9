//! Traces: whose they are and what they say.

mod lost;

use countersign::{
    ops::drain::Tasks,
    proto::client::{BatchValidateRequest, ValidateRequest, token_service_client::TokenServiceClient},
};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use prost::Message as _;
use tonic::{Request, Status, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::kit::{AUDIENCE, ISSUER, OTHER_HISTORY, TO_ANSWER, about, raw, status_in};
use crate::support::{
    collector::{Collector, hexadecimal, shown},
    idp::{Idp, Reply},
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::{until, within},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A service that has fetched the old key; its issuer publishes the new one, too.
struct Setup {
    collector: Option<Collector>,
    idp: Idp,
    service: Service,
    old: Signer,
    new: Signer,
}

impl Setup {
    async fn start(sample_ratio: &str) -> Self {
        let collector = Collector::start().await;
        let setup = Self::with(sample_ratio, &collector.url()).await;
        Self { collector: Some(collector), ..setup }
    }

    async fn with(sample_ratio: &str, collector: &str) -> Self {
        let (old, new) = (Signer::es256().named("old"), Signer::es256().named("new"));
        let document = key_set(&[&old]).to_string().into_bytes();
        let idp = Idp::start(move |_| Reply::ok(document.clone())).await;
        let service = Service::start(&config(&idp, collector, sample_ratio)).await;
        let document = key_set(&[&old, &new]).to_string().into_bytes();
        idp.change(move |_| Reply::ok(document.clone()));
        Self { collector: None, idp, service, old, new }
    }

    fn old_token(&self) -> String {
        self.old.access_token(&claims(ISSUER, AUDIENCE))
    }

    fn new_token(&self) -> String {
        self.new.access_token(&claims(ISSUER, AUDIENCE))
    }

    /// Ends the service, which hands over what it has, and returns that.
    async fn end(mut self) -> (Vec<Span>, Collector) {
        self.service.sigterm().await;
        assert!(self.service.wait_exit().await.success(), "{}", self.service.output());
        let collector = self.collector.expect("it has one");
        collector.spans().iter().for_each(assert_documented);
        (collector.spans(), collector)
    }
}

fn config(idp: &Idp, collector: &str, sample_ratio: &str) -> String {
    let keys = "{ min_refetch: 1ms, refresh_after: 1h, max_age: 24h }";
    format!(
        "\
issuers:
  - {{ name: idp, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_uri: '{}', keys: {keys} }}
telemetry: {{ log: debug, otlp_endpoint: '{collector}', sample_ratio: {sample_ratio} }}
",
        idp.url("/keys")
    )
}

fn traced(token: &str, traceparent: &str) -> Request<ValidateRequest> {
    let mut request = Request::new(about(token));
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    request
}

async fn asked(
    client: &mut TokenServiceClient<Channel>,
    request: Request<ValidateRequest>,
) -> Result<(), Status> {
    within("an answer", TO_ANSWER, client.validate(request)).await.map(drop)
}

/// Names are API (docs/tracing.md).
#[track_caller]
fn assert_documented(span: &Span) {
    let page = include_str!("../../../docs/tracing.md");
    let name = if span.name.contains('/') { "package.Service/Method" } else { &span.name };
    for name in span.attributes.iter().map(|attribute| attribute.key.as_str()).chain([name]) {
        assert!(page.contains(&format!("`{name}`")), "docs/tracing.md does not name {name}");
    }
}

#[track_caller]
fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    let [span] = found.as_slice() else { panic!("{} called {name} in {spans:#?}", found.len()) };
    span
}

#[tokio::test]
async fn a_call_belongs_to_its_caller_s_trace_and_so_does_the_fetch_that_it_waits_for() {
    let setup = Setup::start("0").await;
    let mut request = traced(&setup.new_token(), &format!("00-{TRACE}-{CALLER}-01"));
    request.metadata_mut().insert("tracestate", "vendor=of-the-caller".parse().unwrap());
    asked(&mut setup.service.client().await, request).await.unwrap();
    let (hits, port) = (setup.idp.hits(), setup.idp.address.port());
    let (spans, collector) = setup.end().await;
    assert_eq!(spans.len(), 4, "{spans:#?}");
    for span in &spans {
        assert_eq!(hexadecimal(&span.trace_id), TRACE);
        assert_eq!(span.trace_state, "vendor=of-the-caller");
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let call = named(&spans, "countersign.v1.TokenService/Validate");
    assert_eq!((hexadecimal(&call.parent_span_id).as_str(), call.kind()), (CALLER, SpanKind::Server));
    let expected = [
        "countersign.outcome=permitted",
        "rpc.grpc.status_code=0",
        "rpc.method=Validate",
        "rpc.service=countersign.v1.TokenService",
        "rpc.system=grpc",
    ];
    assert_eq!(shown(&call.attributes), expected);
    let wait = named(&spans, "wait for keys");
    assert_eq!(
        (&wait.parent_span_id, shown(&wait.attributes)),
        (&call.span_id, vec!["token.issuer=idp".into()])
    );
    let fetch = named(&spans, "fetch keys");
    assert_eq!(fetch.parent_span_id, call.span_id);
    assert_eq!(shown(&fetch.attributes), ["countersign.trigger=demand", "token.issuer=idp"]);
    let get = named(&spans, "GET");
    assert_eq!((&get.parent_span_id, get.kind()), (&fetch.span_id, SpanKind::Client));
    let expected = [
        "http.request.method=GET",
        "http.response.status_code=200",
        "server.address=127.0.0.1",
        &format!("server.port={port}"),
    ];
    assert_eq!(shown(&get.attributes), expected);

    let [start, demand] = hits.as_slice() else { panic!("{hits:?}") };
    assert!(!start.head.contains("traceparent"), "not recorded: {}", start.head);
    let sent = format!("traceparent: 00-{TRACE}-{}-01\r\n", hexadecimal(&get.span_id));
    assert!(demand.head.contains(&sent), "{sent} in {}", demand.head);
    assert!(demand.head.contains("tracestate: vendor=of-the-caller\r\n"), "{}", demand.head);

    let resource = collector.requests()[0].resource_spans[0].resource.clone().unwrap();
    let resource = shown(&resource.attributes);
    assert!(resource.contains(&"service.name=countersign".to_owned()), "{resource:?}");
    assert!(resource.contains(&format!("service.version={}", env!("CARGO_PKG_VERSION"))), "{resource:?}");
    assert!(resource.iter().any(|shown| shown.starts_with("service.instance.id=")), "{resource:?}");
}

#[tokio::test]
async fn with_ratio_0_only_a_caller_whose_trace_is_recorded_makes_a_span() {
    let setup = Setup::start("0").await;
    let mut client = setup.service.client().await;
    asked(&mut client, Request::new(about(setup.old_token()))).await.unwrap();
    for traceparent in [
        &format!("00-{TRACE}-{CALLER}-00"),
        &format!("00-{}-{CALLER}-01", "0".repeat(32)),
        &format!("00-{TRACE}-{CALLER}"),
        "nonsense",
    ] {
        asked(&mut client, traced(&setup.old_token(), traceparent)).await.unwrap();
    }
    asked(&mut client, traced(&setup.old_token(), &format!("00-{TRACE}-{CALLER}-01"))).await.unwrap();
    let (spans, _) = setup.end().await;
    assert_eq!(spans.len(), 1, "{spans:#?}");
    assert_eq!(hexadecimal(&spans[0].trace_id), TRACE);
}

#[tokio::test]
async fn with_ratio_1_everything_is_recorded_that_its_caller_does_not_leave_out() {
    let setup = Setup::start("1").await;
    let mut client = setup.service.client().await;
    asked(&mut client, Request::new(about(setup.old_token()))).await.unwrap();
    asked(&mut client, traced("no token", "nonsense")).await.unwrap();
    asked(&mut client, traced(&setup.old_token(), &format!("00-{TRACE}-{CALLER}-00"))).await.unwrap();
    let (spans, _) = setup.end().await;
    let mut told: Vec<_> =
        spans.iter().map(|span| (span.name.as_str(), span.parent_span_id.is_empty())).collect();
    told.sort_unstable();
    let call = ("countersign.v1.TokenService/Validate", true);
    assert_eq!(told, [("GET", false), call, call, ("fetch keys", true)]);
    let fetch = named(&spans, "fetch keys");
    assert_eq!(shown(&fetch.attributes), ["countersign.trigger=scheduled", "token.issuer=idp"]);
}

#[tokio::test]
async fn a_span_says_what_came_of_its_call() {
    let setup = Setup::start("1").await;
    let (channel, mut client) = (setup.service.channel().await, setup.service.client().await);
    asked(&mut client, Request::new(about("no token"))).await.unwrap();
    let stale = ValidateRequest { min_revision: OTHER_HISTORY.into(), ..about(setup.old_token()) };
    assert!(asked(&mut client, Request::new(stale)).await.is_err());
    let requests = [setup.old_token(), String::new(), setup.old_token()].map(about).to_vec();
    let batch = BatchValidateRequest { requests, include_claims: false };
    within("an answer", TO_ANSWER, client.batch_validate(batch)).await.unwrap();
    let unknown = "/countersign.v1.TokenService/Nothing";
    status_in(raw(&channel, unknown, about("x").encode_to_vec()).await);
    let check = HealthCheckRequest::default();
    within("an answer", TO_ANSWER, HealthClient::new(channel).check(check)).await.unwrap();
    let (spans, _) = setup.end().await;
    let mut told: Vec<_> = spans
        .iter()
        .filter(|span| span.kind() == SpanKind::Server)
        .map(|span| {
            let said = shown(&span.attributes).into_iter();
            let said: Vec<_> =
                said.filter(|said| !said.starts_with("rpc.s") && !said.starts_with("rpc.m")).collect();
            let failed = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
            format!("{}{} {}", span.name, if failed { "!" } else { "" }, said.join(" "))
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "countersign.v1.TokenService/BatchValidate countersign.batch.faults=0 countersign.batch.permitted=2 \
             countersign.batch.refused=1 countersign.batch.size=3 rpc.grpc.status_code=0",
            "countersign.v1.TokenService/Validate countersign.outcome=refused countersign.reason=malformed \
             rpc.grpc.status_code=0",
            "countersign.v1.TokenService/Validate! countersign.outcome=fault countersign.reason=revocations_stale \
             rpc.grpc.status_code=14",
            "other! rpc.grpc.status_code=12",
        ]
    );
}

#[tokio::test]
async fn a_call_whose_caller_goes_away_is_recorded_as_cancelled_and_a_failed_fetch_as_failed() {
    let setup = Setup::start("0").await;
    setup.idp.change(|_| Reply::Stalled(""));
    let mut client = setup.service.client().await;
    let request = traced(&setup.new_token(), &format!("00-{TRACE}-{CALLER}-01"));
    let call = Tasks::default().spawn(async move { client.validate(request).await.map(drop) });
    setup.idp.wait_for_hits(|hits| hits.len() > 1).await;
    call.abort();
    let cancelled =
        r#"countersign_requests_total{method="countersign.v1.TokenService/Validate",code="CANCELLED"}"#;
    until("the call to be given up", TO_ANSWER, async || {
        (setup.service.metric(cancelled).await > 0.5).then_some(())
    })
    .await;
    setup.idp.change(|_| Reply::status("503 Service Unavailable"));
    asked(&mut setup.service.client().await, traced(&setup.new_token(), &format!("00-{TRACE}-{CALLER}-01")))
        .await
        .unwrap_err();
    let (spans, _) = setup.end().await;
    let codes: Vec<_> = spans
        .iter()
        .filter(|span| span.kind() == SpanKind::Server)
        .map(|span| shown(&span.attributes).into_iter().find(|said| said.starts_with("rpc.grpc")).unwrap())
        .collect();
    assert_eq!(codes, ["rpc.grpc.status_code=1", "rpc.grpc.status_code=14"]);
    let fetch = spans.iter().find(|span| span.name == "fetch keys").expect("a fetch");
    assert_eq!(fetch.status.as_ref().unwrap().code(), StatusCode::Error);
    assert!(shown(&fetch.attributes).contains(&"error.type=timeout".to_owned()), "{fetch:?}");
}
