//! Each refusal over gRPC: as docs/errors.md has it, as an answer and as a status, and silent about the token.

use std::collections::BTreeMap;

use countersign::proto::client::{
    Reason, Recovery, RequestContext, RevokeRequest, TokenKind, ValidateRequest, revoke_request::Target,
    token_service_client::TokenServiceClient,
};
use serde_json::{Value, json};
use tonic::{Code, transport::Channel};
use tonic_types::StatusExt as _;

use super::kit::{
    ISSUER, Setup, TO_ANSWER, UNREACHABLE, about, ask, pieces, reason_of, rejection_in, status_in, token_in,
};
use crate::support::{
    idp::{Idp, Reply},
    service::Service,
    tokens::{Signer, claims},
    wait::within,
};

const PAGE: &str = include_str!("../../../docs/errors.md");

/// The page's table of rejections: reason -> (recovery, status).
fn page() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let table = PAGE.split("## ").find_map(|section| section.strip_prefix("Rejections")).unwrap();
    let rows = table.lines().filter_map(|line| {
        let mut columns = line.strip_prefix("| `")?.split(" | ");
        Some((columns.next()?.trim_end_matches('`'), (columns.next()?, columns.next()?)))
    });
    rows.collect()
}

/// A question for every reason that this version gives.
fn refused(setup: &Setup) -> Vec<(Reason, ValidateRequest)> {
    let with = |name: &'static str, value: Value| about(setup.token(|claims| claims[name] = value));
    let scopes = |scopes: &[&str]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": setup.signer.key_id() }).to_string();
    let untyped = setup.signer.sign(header, claims(ISSUER, super::kit::AUDIENCE).to_string());
    let hmac = Signer::hs256().named(setup.signer.key_id());
    let other = Signer::es256();
    let claims = claims(ISSUER, super::kit::AUDIENCE);
    let missing = ValidateRequest { required_permissions: scopes(&["orders:write"]), ..about(setup.good()) };
    vec![
        (Reason::Missing, about("")),
        (Reason::Malformed, about(format!("Bearer {}", setup.good()))),
        (Reason::Malformed, about("not-a-token")),
        (Reason::TooLarge, with("large", "x".repeat(16 * 1024).into())),
        (Reason::UnknownIssuer, with("iss", format!("{ISSUER}/").into())),
        (Reason::IssuerMismatch, ValidateRequest { issuer: UNREACHABLE.into(), ..about(setup.good()) }),
        (Reason::UnknownKey, about(other.clone().named("nobody").access_token(&claims))),
        (Reason::AlgorithmNotAllowed, about(hmac.access_token(&claims))),
        (Reason::BadSignature, about(other.access_token(&claims))),
        (Reason::Expired, with("exp", json!(1_700_000_000))),
        (Reason::NotYetValid, with("nbf", json!(claims["exp"].as_i64().unwrap()))),
        (Reason::AudienceMismatch, with("aud", "https://other.example.test".into())),
        (Reason::AudienceMismatch, ValidateRequest { audiences: scopes(&["other"]), ..about(setup.good()) }),
        (Reason::ClaimInvalid, with("sub", json!(5))),
        (Reason::WrongKind, about(untyped)),
        (Reason::WrongKind, ValidateRequest { kind: TokenKind::Id.into(), ..about(setup.good()) }),
        (
            Reason::InsufficientScope,
            ValidateRequest { required_scopes: scopes(&["read", "erase"]), ..about(setup.good()) },
        ),
        (Reason::InsufficientScope, missing),
        (
            Reason::InsufficientRole,
            ValidateRequest { required_roles: scopes(&["admin"]), ..about(setup.good()) },
        ),
        (Reason::BindingMismatch, with("cnf", json!({ "jkt": "x" }))),
    ]
}

/// Nothing of the token, and neither its subject.
#[track_caller]
fn assert_silent(said: &[u8], token: &str) {
    for piece in pieces(token).into_iter().chain(["alice"]) {
        let found = said.windows(piece.len()).any(|window| window == piece.as_bytes());
        assert!(!found, "{piece} in {}", String::from_utf8_lossy(said));
    }
}

#[tokio::test]
async fn every_refusal_has_the_reason_the_recovery_and_the_status_of_the_page_and_no_token_content() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let mut left = page();
    // What `Refresh` alone says is tried where that is tried.
    left.retain(|name, _| !name.starts_with("REFRESH_"));
    let revoked = setup.good();
    let target = Some(Target::Token(revoked.clone()));
    within("an answer", TO_ANSWER, client.revoke(RevokeRequest { target, ..RevokeRequest::default() }))
        .await
        .unwrap();
    for (reason, request) in refused(&setup).into_iter().chain([(Reason::Revoked, about(revoked))]) {
        left.remove(check_refusal(&mut client, reason, request).await);
    }
    let (inactive, _idp) = service_of_an_issuer_that_says_no().await;
    let request = about("at_opaque-0123456789");
    left.remove(check_refusal(&mut inactive.client().await, Reason::Inactive, request).await);
    assert!(left.is_empty(), "not asked for: {left:?}");
}

/// Returns the reason's name on the page.
async fn check_refusal(
    client: &mut TokenServiceClient<Channel>,
    reason: Reason,
    request: ValidateRequest,
) -> &'static str {
    let name = reason.as_str_name().strip_prefix("REASON_").unwrap();
    let (recovery, code) = page()[name];
    // Twice, because the second answer may come from the cache.
    for _ in 0..2 {
        let rejection = rejection_in(ask(client, request.clone()).await.unwrap());
        assert_eq!(rejection.reason(), reason, "{}", rejection.message);
        assert_eq!(rejection.recovery().as_str_name(), format!("RECOVERY_{recovery}"), "{name}");
        assert!(!rejection.message.is_empty(), "{name}");
        assert_silent(rejection.message.as_bytes(), &request.token);
    }
    let request = ValidateRequest { refusal_as_status: true, ..request };
    let status = status_in(ask(client, request.clone()).await);
    let expected = if code == "PERMISSION_DENIED" { Code::PermissionDenied } else { Code::Unauthenticated };
    assert_eq!(status.code(), expected, "{name}: {status:?}");
    assert!(!status.message().is_empty());
    assert_eq!(reason_of(&status), "TOKEN_REJECTED");
    let metadata = status.get_details_error_info().unwrap().metadata;
    let told = [("reason", name), ("recovery", recovery)].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(metadata, told.into(), "{name}");
    assert!(status.get_details_retry_info().is_none(), "waiting does not help");
    assert_silent(status.message().as_bytes(), &request.token);
    assert_silent(status.details(), &request.token);
    name
}

/// It is asked about opaque tokens, of which it knows none.
async fn service_of_an_issuer_that_says_no() -> (Service, Idp) {
    let idp = Idp::start(|hit| {
        let host = hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let issuer = format!("http://{host}");
        let endpoint = format!("{issuer}/introspect");
        let answer = json!({ "active": false, "issuer": issuer, "introspection_endpoint": endpoint });
        Reply::ok(answer.to_string().into_bytes())
    })
    .await;
    let yaml = format!(
        "issuers:\n  - issuer: {}\n    secret: {{ file: secret }}\n    audiences: [api]\n    \
         clients: [{{ id: us, secret: {{ file: secret }} }}]\n    introspection: {{}}\n",
        idp.url("")
    );
    let secret = b"a-made-up-secret-that-protects-nothing";
    (Service::start_with_files(&yaml, &[("secret", secret)]).await, idp)
}

#[tokio::test]
async fn a_good_token_is_an_answer_whether_or_not_refusals_are_statuses() {
    let setup = Setup::start().await;
    let request = ValidateRequest { refusal_as_status: true, ..about(setup.good()) };
    token_in(ask(&mut setup.service.client().await, request).await.unwrap());
}

#[tokio::test]
async fn c2_what_one_request_asks_of_a_cached_token_does_not_answer_the_next() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let token = setup.good();
    for _ in 0..2 {
        token_in(ask(&mut client, about(token.clone())).await.unwrap());
        for (_, request) in refused(&setup) {
            let request = ValidateRequest { token: token.clone(), ..request };
            if request != about(token.clone()) {
                rejection_in(ask(&mut client, request).await.unwrap());
            }
        }
    }
}

#[tokio::test]
async fn e8_a_bound_token_passes_with_its_certificate_and_never_without() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let hexadecimal = "ab".repeat(32);
    let thumbprint = crate::support::tokens::encode([0xab; 32]);
    let bound = setup.token(|claims| claims["cnf"] = json!({ "x5t#S256": thumbprint }));
    let mut shown = async |token: &str, certificate: &str, scheme: &str| {
        let context = RequestContext {
            client_certificate_sha256: certificate.to_owned(),
            authorization_scheme: scheme.to_owned(),
            ..RequestContext::default()
        };
        let request = ValidateRequest { context: Some(context), ..about(token) };
        ask(&mut client, request).await.unwrap()
    };
    token_in(shown(&bound, &thumbprint, "").await);
    token_in(shown(&bound, &hexadecimal.to_uppercase(), "bearer").await);
    for (certificate, scheme) in [("", ""), (&*"ac".repeat(32), ""), (&*hexadecimal, "DPoP")] {
        let rejection = rejection_in(shown(&bound, certificate, scheme).await);
        let told = (rejection.reason(), rejection.recovery());
        assert_eq!(told, (Reason::BindingMismatch, Recovery::None), "{certificate} {scheme}");
    }
    let unbound = rejection_in(shown(&setup.good(), "", "DPoP").await);
    assert_eq!(unbound.reason(), Reason::BindingMismatch, "RFC 9449 section 7.1");
    for cnf in [json!({ "jkt": thumbprint }), json!({ "x5t#S256": thumbprint, "jkt": thumbprint }), json!({})]
    {
        let token = setup.token(|claims| claims["cnf"] = cnf.clone());
        for scheme in ["Bearer", "DPoP"] {
            let rejection = rejection_in(shown(&token, &thumbprint, scheme).await);
            assert_eq!(rejection.reason(), Reason::BindingMismatch, "{cnf} {scheme}");
        }
    }
}
