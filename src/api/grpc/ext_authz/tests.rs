//! Every way to a `CheckResponse`: none but the allow path has code 0, which is all that Envoy looks at (E4, E6).

use std::collections::{BTreeMap, HashMap};

use envoy_types::{
    ext_authz::v3::pb::{CheckRequest, CheckResponse, HeaderAppendAction, HttpResponse, OkHttpResponse},
    pb::{
        envoy::service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Request as CheckedRequest},
        },
        google::protobuf::{Struct, value::Kind},
    },
};
use prost::Message as _;
use serde_json::json;

use super::*;
use crate::{
    api::grpc::token::encode,
    domain::{
        edge::{
            settings::{EdgeSettings, Field, IdentityNames, Login, UpstreamAuthorization},
            source::Source,
        },
        testing::{claims_with, compact},
    },
    ops::{
        metrics::{CheckMetrics, registry},
        readiness::Readiness,
    },
    service::validate::testing::{Setup, encoding, not_telling},
};

struct Edge(ExtAuthz);

/// What Envoy makes of an answer.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// `status.code` is 0.
    Allowed,
    /// With this status to the client.
    Denied(i32),
    Error(i32),
    Rpc(tonic::Code),
}

fn edge(setup: Setup, settings: EdgeSettings) -> Edge {
    let readiness = Readiness::default();
    drop(readiness.register("nothing"));
    edge_of(setup, settings, readiness)
}

fn edge_of(setup: Setup, settings: EdgeSettings, readiness: Readiness) -> Edge {
    let metrics = CheckMetrics::register(&mut registry());
    let checker = Checker::new(Arc::new(setup.validator), settings, readiness, metrics);
    Edge(ExtAuthz::new(Arc::new(checker), 1024 * 1024))
}

fn ending() -> Readiness {
    let readiness = Readiness::default();
    drop(readiness.register("nothing"));
    readiness.drain();
    readiness
}

fn telling(settings: EdgeSettings) -> Edge {
    edge(encoding(encode), settings)
}

fn with_query() -> EdgeSettings {
    let sources =
        vec![Source::Authorization, Source::Header("x-token".to_owned()), Source::Query("t".to_owned())];
    EdgeSettings { sources, ..EdgeSettings::default() }
}

fn message(headers: &[(&str, &str)], target: &str, words: &[(&str, &str)]) -> Bytes {
    let owned = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let http = HttpRequest {
        method: headers.iter().find(|(name, _)| *name == ":method").map_or("GET", |(_, it)| it).to_owned(),
        headers: owned(headers),
        path: target.to_owned(),
        host: "shop.example".to_owned(),
        scheme: "https".to_owned(),
        ..HttpRequest::default()
    };
    let request = Some(CheckedRequest { time: None, http: Some(http) });
    let context_extensions = owned(words);
    let attributes = Some(AttributeContext { request, context_extensions, ..AttributeContext::default() });
    CheckRequest { attributes }.encode_to_vec().into()
}

impl Edge {
    async fn ask(&self, message: Bytes) -> Result<CheckResponse, Status> {
        self.0.answer(message).await.map(|bytes| CheckResponse::decode(bytes).unwrap())
    }

    async fn get(&self, headers: &[(&str, &str)], words: &[(&str, &str)]) -> CheckResponse {
        self.ask(message(headers, "/", words)).await.unwrap()
    }

    async fn passes(&self, headers: &[(&str, &str)]) -> (OkHttpResponse, Option<Struct>) {
        let response = self.get(headers, &[]).await;
        assert_eq!(outcome(&Ok(response.clone())), Outcome::Allowed);
        match response.http_response {
            Some(HttpResponse::OkResponse(ok)) => (ok, response.dynamic_metadata),
            _ => panic!("an allow has an ok_response"),
        }
    }
}

/// As Envoy decides: by the code alone.
fn outcome(answer: &Result<CheckResponse, Status>) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        Err(status) => return Outcome::Rpc(status.code()),
    };
    if response.status.as_ref().is_none_or(|status| status.code == 0) {
        return Outcome::Allowed;
    }
    match response.http_response.as_ref().unwrap() {
        HttpResponse::DeniedResponse(reply) => Outcome::Denied(reply.status.as_ref().unwrap().code),
        HttpResponse::ErrorResponse(reply) => Outcome::Error(reply.status.as_ref().unwrap().code),
        HttpResponse::OkResponse(_) => panic!("an ok_response with another code than 0"),
    }
}

fn authorized(value: &str) -> Vec<(&str, &str)> {
    vec![("authorization", value)]
}

fn bearer(claims: &serde_json::Value) -> String {
    format!("Bearer {}", compact(&claims_with(claims)))
}

fn set(ok: &OkHttpResponse) -> BTreeMap<&str, &str> {
    ok.headers
        .iter()
        .map(|option| {
            assert_eq!(option.append_action, i32::from(HeaderAppendAction::OverwriteIfExistsOrAdd));
            let header = option.header.as_ref().unwrap();
            (header.key.as_str(), header.value.as_str())
        })
        .collect()
}

#[tokio::test]
async fn e4_e6_of_every_answer_there_is_only_an_allow_has_code_0() {
    let good = bearer(&json!({}));
    let (short, expired) =
        (bearer(&json!({"scope": "read"})), bearer(&json!({"exp": 1_600_000_000, "iat": 1_599_990_000})));
    let preflight = vec![
        (":method", "OPTIONS"),
        ("origin", "https://a.example"),
        ("access-control-request-method", "PUT"),
    ];
    let page = vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let login = Some(Login { url: "https://login.example/".to_owned(), return_to: None });
    let rpc = || EdgeSettings { cannot_tell: CannotTell::RpcError, ..EdgeSettings::default() };
    let told = || telling(EdgeSettings::default());
    let cases: Vec<(&str, Edge, Bytes, Outcome)> = vec![
        ("good", told(), message(&authorized(&good), "/", &[]), Outcome::Allowed),
        ("anonymous", told(), message(&[], "/", &[("optional", "true")]), Outcome::Allowed),
        ("preflight", told(), message(&preflight, "/", &[("preflight", "true")]), Outcome::Allowed),
        ("no preflight here", told(), message(&preflight, "/", &[]), Outcome::Denied(401)),
        ("none", told(), message(&[], "/", &[]), Outcome::Denied(401)),
        ("basic", told(), message(&authorized("Basic YTpi"), "/", &[]), Outcome::Denied(401)),
        ("expired", told(), message(&authorized(&expired), "/", &[]), Outcome::Denied(401)),
        (
            "made up",
            told(),
            message(&authorized("Bearer a.b.c"), "/", &[("optional", "true")]),
            Outcome::Denied(401),
        ),
        ("empty", told(), message(&authorized("Bearer"), "/", &[("optional", "true")]), Outcome::Denied(401)),
        (
            "conflict",
            told(),
            message(&authorized("Bearer a,Bearer b"), "/", &[("optional", "true")]),
            Outcome::Denied(401),
        ),
        (
            "scope",
            told(),
            message(&authorized(&short), "/", &[("required_scopes", "write")]),
            Outcome::Denied(403),
        ),
        (
            "misspelt",
            told(),
            message(&authorized(&good), "/", &[("required_scope", "write")]),
            Outcome::Denied(500),
        ),
        ("misspelt, and optional", told(), message(&[], "/", &[("optinal", "true")]), Outcome::Denied(500)),
        (
            "login",
            telling(EdgeSettings { login, ..EdgeSettings::default() }),
            message(&page, "/", &[]),
            Outcome::Denied(302),
        ),
        ("no attributes", told(), Bytes::new(), Outcome::Denied(400)),
        (
            "cannot tell",
            edge(not_telling(encode), EdgeSettings::default()),
            message(&authorized(&good), "/", &[]),
            Outcome::Error(503),
        ),
        (
            "cannot tell, as a status",
            edge(not_telling(encode), rpc()),
            message(&authorized(&good), "/", &[]),
            Outcome::Rpc(tonic::Code::Unavailable),
        ),
        (
            "cannot tell, and starting",
            edge_of(not_telling(encode), EdgeSettings::default(), Readiness::default()),
            message(&authorized(&good), "/", &[]),
            Outcome::Rpc(tonic::Code::Unavailable),
        ),
        (
            "cannot tell, and ending",
            edge_of(not_telling(encode), EdgeSettings::default(), ending()),
            message(&authorized(&good), "/", &[]),
            Outcome::Rpc(tonic::Code::Unavailable),
        ),
        ("no message", told(), Bytes::from_static(&[0x0a, 9]), Outcome::Rpc(tonic::Code::InvalidArgument)),
    ];
    for (name, edge, message, expected) in cases {
        assert_eq!(outcome(&edge.ask(message).await), expected, "{name}");
    }
}

#[tokio::test]
async fn e2_what_is_set_is_not_removed_and_all_else_is() {
    let edge = telling(with_query());
    let (ok, metadata) =
        edge.passes(&[("authorization", &bearer(&json!({"roles": ["a"], "sid": null})))]).await;
    let headers = set(&ok);
    assert_eq!(headers.get("x-auth-subject"), Some(&"alice"));
    assert_eq!(headers.get("x-auth-roles"), Some(&"a"));
    for name in headers.keys() {
        assert!(!ok.headers_to_remove.iter().any(|removed| removed == name), "{name}");
    }
    let names = IdentityNames::default();
    for spelling in names.spellings().iter().filter(|spelling| !headers.contains_key(spelling.as_str())) {
        assert!(ok.headers_to_remove.contains(spelling), "{spelling}");
    }
    assert!(names.of(Field::Session).is_some_and(|name| !headers.contains_key(name)));
    assert!(
        ["authorization", "x-token", "x_token"]
            .iter()
            .all(|name| ok.headers_to_remove.iter().any(|it| it == name))
    );
    assert!(ok.query_parameters_to_remove.is_empty());
    let fields = metadata.unwrap().fields;
    assert_eq!(fields["subject"].kind, Some(Kind::StringValue("alice".to_owned())));
    let Some(Kind::StructValue(claims)) = &fields["claims"].kind else { panic!("claims are a struct") };
    assert_eq!(claims.fields["sub"].kind, Some(Kind::StringValue("alice".to_owned())));
}

#[tokio::test]
async fn e6_whoever_passes_without_a_token_has_no_identity() {
    let response =
        telling(EdgeSettings::default()).get(&[("x-auth-subject", "root")], &[("optional", "true")]).await;
    assert!(response.dynamic_metadata.is_none());
    let Some(HttpResponse::OkResponse(ok)) = response.http_response else { panic!("it passes") };
    assert!(ok.headers.is_empty());
    let spellings = IdentityNames::default();
    assert!(spellings.spellings().iter().all(|spelling| ok.headers_to_remove.contains(spelling)));
    assert!(ok.headers_to_remove.iter().any(|name| name == "authorization"));
}

/// A header that a route did not look at may hold another token, which nobody has verified.
#[tokio::test]
async fn the_credential_goes_on_only_as_what_was_verified() {
    let settings =
        EdgeSettings { upstream_authorization: UpstreamAuthorization::AccessToken, ..with_query() };
    let edge = telling(settings);
    let value = bearer(&json!({}));
    let token = value.strip_prefix("Bearer ").unwrap();
    let (plain, _) = edge.passes(&[("authorization", &value)]).await;
    assert!(!set(&plain).contains_key("authorization"));
    assert!(!plain.headers_to_remove.iter().any(|name| name == "authorization"));
    let (other, _) = edge.passes(&[("x-token", token)]).await;
    assert_eq!(set(&other).get("authorization"), Some(&value.as_str()));
    assert!(other.headers_to_remove.iter().any(|name| name == "x-token"));
    let ignored = [("authorization", "Bearer forged"), ("x-token", token)];
    let only = [("sources", "header:x-token")];
    let Some(HttpResponse::OkResponse(ok)) = edge.get(&ignored, &only).await.http_response else { panic!() };
    assert_eq!(set(&ok).get("authorization"), Some(&value.as_str()));
    let nobody = [("sources", "header:x-token"), ("optional", "true")];
    let anonymous = edge.get(&ignored[..1], &nobody).await;
    let Some(HttpResponse::OkResponse(ok)) = anonymous.http_response else { panic!() };
    assert!(ok.headers_to_remove.iter().any(|name| name == "authorization"));
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_token_and_its_route_only() {
    let edge = telling(EdgeSettings::default());
    let (alice, bob) = (bearer(&json!({})), bearer(&json!({"sub": "bob", "jti": "t2"})));
    for _ in 0..2 {
        for (value, subject) in [(&alice, "alice"), (&bob, "bob")] {
            let (ok, _) = edge.passes(&[("authorization", value)]).await;
            assert_eq!(set(&ok).get("x-auth-subject"), Some(&subject));
        }
        let other_route = edge.get(&[("authorization", &alice)], &[("required_scopes", "write")]).await;
        assert_eq!(outcome(&Ok(other_route)), Outcome::Denied(403));
    }
}

#[tokio::test]
async fn e4_nobody_can_tell_comes_with_a_body_and_when_to_ask_again() {
    let edge = edge(not_telling(encode), EdgeSettings::default());
    let response = edge.get(&[("authorization", &bearer(&json!({})))], &[]).await;
    assert_eq!(response.status.as_ref().unwrap().code, 14);
    let Some(HttpResponse::ErrorResponse(reply)) = response.http_response else { panic!("it is an error") };
    let header = |name: &str| {
        let found = reply.headers.iter().find(|option| option.header.as_ref().unwrap().key == name);
        found.map(|option| option.header.as_ref().unwrap().value.clone())
    };
    assert!(header("retry-after").is_some());
    assert!(reply.body.contains("REVOCATIONS_STALE"), "{}", reply.body);
}

#[test]
fn another_method_of_the_service_is_not_served() {
    assert!(ExtAuthz::serves("/envoy.service.auth.v3.Authorization/Check"));
    assert!(!ExtAuthz::serves("/envoy.service.auth.v3.Authorization/Other"));
}

#[tokio::test]
async fn a_parameter_with_the_token_is_taken_out_where_it_is() {
    let edge = telling(with_query());
    let value = bearer(&json!({}));
    let token = value.strip_prefix("Bearer ").unwrap();
    let passes = async |target: &str, words: &[(&str, &str)]| {
        let response = edge.ask(message(&authorized(&value), target, words)).await.unwrap();
        match response.http_response {
            Some(HttpResponse::OkResponse(ok)) => Some(ok.query_parameters_to_remove),
            _ => None,
        }
    };
    assert_eq!(passes("/?a=b", &[]).await, Some(vec![]));
    assert_eq!(passes(&format!("/?t={token}"), &[]).await, Some(vec!["t".to_owned()]));
    // On a route that does not look there, too: nobody has verified that one.
    let only = [("sources", "authorization")];
    assert_eq!(passes("/?t=forged", &only).await, Some(vec!["t".to_owned()]));
    assert_eq!(passes("/?a=b", &only).await, Some(vec![]));
    assert_eq!(passes("/?%74=forged", &only).await, None, "spelt so that Envoy does not find it");
}

#[tokio::test]
async fn a_route_for_an_issuer_that_nobody_knows_is_a_misspelt_policy() {
    let edge = telling(EdgeSettings::default());
    let good = bearer(&json!({}));
    for (issuer, expected) in
        [(crate::domain::testing::ISSUER, Outcome::Allowed), ("https://isuer.example", Outcome::Denied(500))]
    {
        let answer = edge.ask(message(&authorized(&good), "/", &[("issuer", issuer)])).await;
        assert_eq!(outcome(&answer), expected, "{issuer}");
    }
}
