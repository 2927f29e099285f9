//! The issuer as its users meet it: over HTTP, and with what it signs checked by the domain's rules.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, Response, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tower::Service;

use super::*;
use crate::domain::{
    algorithm::AllowedAlgorithms,
    jws::UnverifiedParts,
    key::{Candidates, Curve, KeySet, PublicNumbers, VerifyingKey},
    kind::{KindRule, KindRules},
    policy::{AudienceClaim, ClaimNames, ClaimPath, IssuerPolicy},
    reason::Reason,
    token::RawToken,
    verify::{Verified, VerifiedToken, verify},
};

mod keys;
mod oauth;
mod running;

const START: i64 = 1_800_000_000;
const AUTHORITY: &str = "127.0.0.1:8080";
const FORM: &str = "application/x-www-form-urlencoded";

#[derive(Debug, Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(START + self.0.load(Ordering::Relaxed))
    }
}

/// An issuer without its socket.
struct Fixture {
    shared: Arc<Shared>,
    clock: Arc<TestClock>,
    router: Router,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }
}

impl Fixture {
    fn new() -> Self {
        let clock = Arc::new(TestClock::default());
        let keys = Generation::generate().unwrap();
        let shared =
            Arc::new(Shared::new(AUTHORITY.parse().unwrap(), Arc::<TestClock>::clone(&clock), keys).unwrap());
        Self { router: http::router(Arc::clone(&shared)), shared, clock }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let mut router = self.router.clone();
        let answer: Response<Body> = router.call(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header(header::HOST, AUTHORITY).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &str, authorization: Option<&str>) -> Answer {
        let mut request =
            Request::post(path).header(header::HOST, AUTHORITY).header(header::CONTENT_TYPE, FORM);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    fn basic(&self) -> String {
        let credentials = format!("dev-client:{}", self.shared.client.expose_secret());
        format!("Basic {}", STANDARD.encode(credentials))
    }

    async fn log_in(&self, form: &str) -> Answer {
        let answer = self.post("/dev/login", form, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer
    }

    async fn refresh(&self, refresh_token: &str, more: &str) -> Answer {
        let form = format!("grant_type=refresh_token&refresh_token={refresh_token}{more}");
        self.post("/token", &form, Some(&self.basic())).await
    }

    async fn rotate(&self, query: &str) {
        assert_eq!(self.post(&format!("/dev/rotate{query}"), "", None).await.status, StatusCode::OK);
    }

    /// Verifies a token as Countersign would, with the keys that are published now.
    async fn verify(&self, token: &str) -> Result<VerifiedToken, Reason> {
        let keys = key_set(&self.get("/jwks").await.body);
        let parts = UnverifiedParts::decode(RawToken::new(token, 16 * 1024).unwrap()).unwrap();
        let jws = parts.read().unwrap();
        let Candidates::Keys(candidates) =
            keys.candidates(jws.header.key_id.as_deref(), jws.header.algorithm.unwrap())
        else {
            return Err(Reason::UnknownKey);
        };
        let verified = verify(&jws, &candidates, &Arc::new(policy(&self.shared.issuer)));
        verified.map(Verified::into_token).map_err(|refusal| refusal.reason())
    }
}

/// The rules of the `generic` profile, in short.
fn policy(issuer: &str) -> IssuerPolicy {
    let rule = |typ: &str| KindRule { typ: vec![typ.to_owned()], ..KindRule::default() };
    let claim = |name: &str| vec![ClaimPath::new(name)];
    IssuerPolicy {
        name: "dev".to_owned(),
        issuer: issuer.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        audience_claim: AudienceClaim::Aud,
        algorithms: AllowedAlgorithms::asymmetric(),
        kinds: KindRules { access: rule("at+jwt"), id: rule("JWT"), ..KindRules::default() },
        leeway: Duration::ZERO,
        max_token_lifetime: Duration::from_hours(1),
        max_session_lifetime: Duration::from_hours(24 * 90),
        max_token_age: None,
        required_claims: claim("sub"),
        claims: ClaimNames {
            session_id: claim("sid"),
            token_id: claim("jti"),
            client_id: claim("client_id"),
            scopes: claim("scope"),
            roles: claim("roles"),
            permissions: claim("permissions"),
            organization_id: claim("org_id"),
        },
    }
}

fn key_set(jwks: &Value) -> KeySet {
    let keys = jwks["keys"].as_array().unwrap().iter().map(|jwk| {
        let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default()).unwrap();
        let (n, e, x, y) = (number("n"), number("e"), number("x"), number("y"));
        let numbers = match jwk["kty"].as_str().unwrap() {
            "RSA" => PublicNumbers::Rsa { n: &n, e: &e },
            "EC" => PublicNumbers::Ec { curve: Curve::P256, x: &x, y: &y },
            _ => PublicNumbers::Ed25519 { x: &x },
        };
        let algorithm = jwk["alg"].as_str().unwrap().parse().unwrap();
        let id = jwk["kid"].as_str().unwrap().to_owned();
        VerifyingKey::public(Some(id), numbers, Some(algorithm), &AllowedAlgorithms::asymmetric()).unwrap()
    });
    KeySet::new(keys.map(Arc::new).collect())
}
