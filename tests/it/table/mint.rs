//! The world of the table: issuers, keys, a fixed clock, and tokens made to measure.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::{
    config::{Config, Environment},
    domain::{
        decide::{Presented, Requirements, Scheme},
        kind::TokenKind,
        time::{Clock, UnixTime},
    },
    ops::drain::Tasks,
    service::{fault::Fault, validate::Question},
};
use serde_json::{Map, Value, json};

use super::Expected;
use crate::support::{inprocess::InProcess, tokens::Signer};

/// 2026-11-20T12:00:00Z: when every row is asked.
pub(crate) const NOW: i64 = 1_795_176_000;
pub(crate) const ISSUER: &str = "https://issuer.example.test";
pub(crate) const SHARED: &str = "https://shared.example.test";
pub(crate) const SCALEKIT: &str = "https://acme.scalekit.dev";
pub(crate) const POOL: &str = "https://pool.example.test";
pub(crate) const AUDIENCE: &str = "https://api.example.test";
pub(crate) const SECRET: &[u8; 64] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<UnixTime>);

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        *self.0.lock().unwrap()
    }
}

impl ManualClock {
    pub(crate) fn at(seconds: i64) -> Self {
        Self(Mutex::new(UnixTime::from_secs(seconds)))
    }

    pub(crate) fn set(&self, seconds: i64) {
        *self.0.lock().unwrap() = UnixTime::from_secs(seconds);
    }

    pub(crate) fn secs(&self) -> i64 {
        self.now().as_secs()
    }

    pub(crate) fn move_by(&self, seconds: i64) {
        self.set(self.secs() + seconds);
    }
}

/// What a row asks, beside the token.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) kind: TokenKind,
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) scheme: Scheme,
    pub(crate) certificate: Option<[u8; 32]>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            kind: TokenKind::Access,
            issuer: String::new(),
            audiences: vec![],
            scopes: vec![],
            roles: vec![],
            permissions: vec![],
            scheme: Scheme::Bearer,
            certificate: None,
        }
    }
}

pub(crate) struct World {
    pub(crate) inner: InProcess,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) signers: Vec<Signer>,
    pub(crate) scalekit: Signer,
    /// A key of the same kind that the issuer does not publish.
    pub(crate) stranger: Signer,
    _tasks: Tasks,
    _directory: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let algorithms =
            ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
        let signers: Vec<_> = algorithms.into_iter().map(Signer::of).collect();
        let mut keys: Vec<Value> = signers.iter().map(Signer::jwk).collect();
        // Published, but not for signatures, or not usable: none of them may ever verify anything.
        for (kid, change) in [
            ("enc", json!({"use": "enc"})),
            ("ops", json!({"use": null, "key_ops": ["encrypt"]})),
            ("other-alg", json!({"alg": "RS512"})),
            ("private", json!({"d": "AQAB"})),
        ] {
            let mut jwk = signers[0].jwk();
            for (name, value) in change.as_object().unwrap() {
                jwk[name] = value.clone();
            }
            jwk["kid"] = json!(kid);
            jwk.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            keys.push(jwk);
        }
        keys.push(json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}));
        keys.push(json!({"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"}));
        std::fs::write(directory.path().join("jwks.json"), json!({"keys": keys}).to_string()).unwrap();
        // Keys belong to (issuer, kid): Scalekit's own key has the same kid as another issuer's.
        let scalekit = Signer::fresh("RS256");
        assert_eq!(scalekit.key_id(), signers[0].key_id());
        let of_scalekit = json!({"keys": [scalekit.jwk()]}).to_string();
        std::fs::write(directory.path().join("scalekit.json"), of_scalekit).unwrap();
        // An issuer that publishes keys without `alg`, and one key twice under different names.
        let mut untyped = [signers[0].jwk(), signers[6].jwk(), Signer::fresh("RS256").named("second").jwk()];
        for jwk in &mut untyped {
            jwk.as_object_mut().unwrap().remove("alg");
        }
        std::fs::write(directory.path().join("untyped.json"), json!({"keys": untyped}).to_string()).unwrap();
        std::fs::write(directory.path().join("secret"), SECRET).unwrap();
        let yaml = format!(
            "
issuers:
  - name: public
    issuer: {ISSUER}
    jwks_file: jwks.json
    audiences: ['{AUDIENCE}', web]
    max_token_lifetime: 24h
    kinds: {{ id: {{ typ: [JWT], require: [auth_time], forbid: [client_id, scope, scp, scopes] }} }}
  - name: shared
    issuer: {SHARED}
    secret: {{ file: secret }}
    algorithms: [HS256, HS384, HS512]
    audiences: ['{AUDIENCE}']
    max_token_age: 1h
    required_claims: [sub, tenant]
    leeway: 0s
  - name: scalekit
    profile: scalekit
    issuer: {SCALEKIT}
    jwks_file: scalekit.json
    audiences: [skc_123]
  - name: pool
    issuer: {POOL}
    jwks_file: untyped.json
    audience_claim: client_id
    audiences: [app-1, m2m-1]
    kinds: {{ access: {{ typ: [JWT], require: [client_id] }}, id: {{ typ: [JWT], require: [nonce], forbid: [client_id] }} }}
"
        );
        let loaded = Config::parse(&yaml, &Environment::default(), directory.path()).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let tasks = Tasks::default();
        let inner =
            crate::support::inprocess::validator(loaded.config, Arc::<ManualClock>::clone(&clock), &tasks)
                .await;
        Self {
            inner,
            clock,
            signers,
            scalekit,
            stranger: Signer::fresh("RS256").named("stranger"),
            _tasks: tasks,
            _directory: directory,
        }
    }

    pub(crate) fn signer(&self, alg: &str) -> &Signer {
        self.signers.iter().find(|signer| signer.algorithm() == alg).unwrap()
    }

    /// A good access token of the public issuer, to be changed by the row.
    pub(crate) fn token(&self) -> Mint<'_> {
        self.signed_by(self.signer("RS256"))
    }

    #[expect(clippy::unused_self, reason = "a token is of this world, whoever signs it")]
    pub(crate) fn signed_by<'w>(&'w self, signer: &'w Signer) -> Mint<'w> {
        Mint {
            signer,
            header: object(json!({"alg": signer.algorithm(), "kid": signer.key_id(), "typ": "at+jwt"})),
            claims: object(json!({
                "iss": ISSUER, "sub": "user-1", "aud": AUDIENCE, "exp": NOW + 300, "iat": NOW - 10,
                "jti": "token-1", "client_id": "web", "scope": "orders:read orders:write", "roles": ["admin"],
                "permissions": ["invoices:pay"], "sid": "session-1",
            })),
        }
    }

    pub(crate) fn shared(&self, alg: &str) -> Mint<'_> {
        let signer: &'static Signer = Box::leak(Box::new(Signer::shared(alg, SECRET)));
        let mut mint = self.signed_by(signer);
        mint.header.remove("kid");
        mint.claim("iss", json!(SHARED)).claim("tenant", json!("acme"))
    }

    /// An access token as Scalekit makes them.
    pub(crate) fn scalekit(&self) -> Mint<'_> {
        let mut mint = self.signed_by(&self.scalekit);
        mint.header = object(json!({"alg": "RS256", "kid": mint.signer.key_id(), "typ": "JWT"}));
        mint.claims = object(json!({
            "iss": SCALEKIT, "sub": "usr_1", "aud": ["skc_123"], "client_id": "skc_123", "exp": NOW + 299,
            "iat": NOW, "nbf": NOW, "jti": "tkn_1", "sid": "ses_1", "oid": "org_1", "roles": ["admin"],
            "permissions": ["invoices:pay"],
        }));
        mint
    }

    /// An access token as Cognito makes them: untyped, without `aud`.
    pub(crate) fn pool(&self) -> Mint<'_> {
        let mint = self.token().header("typ", json!("JWT")).claim("iss", json!(POOL)).no_claim("aud");
        mint.claim("client_id", json!("app-1")).claim("token_use", json!("access"))
    }

    pub(crate) async fn ask(&self, token: &str, asked: &Asked) -> Result<Expected, Fault> {
        ask(&self.inner, token, asked).await
    }
}

/// What a validator says to a token.
pub(crate) async fn ask(inner: &InProcess, token: &str, asked: &Asked) -> Result<Expected, Fault> {
    let question = Question {
        token: token.as_bytes(),
        requirements: Requirements {
            kind: asked.kind,
            issuer: &asked.issuer,
            audiences: &asked.audiences,
            scopes: &asked.scopes,
            roles: &asked.roles,
            permissions: &asked.permissions,
            presented: Presented { scheme: asked.scheme, certificate: asked.certificate },
        },
        min_revision: None,
        max_staleness: None::<Duration>,
    };
    let answer = inner.validator.validate(&question, |_pass| ()).await?;
    Ok(match answer.outcome {
        Ok(()) => Expected::Good,
        Err(refusal) => Expected::Refused(refusal.reason()),
    })
}

/// A token in the making.
#[derive(Clone)]
pub(crate) struct Mint<'w> {
    pub(crate) signer: &'w Signer,
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
}

impl Mint<'_> {
    pub(crate) fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn no_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn no_claim(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    pub(crate) fn make(&self) -> String {
        self.raw(&json!(self.header).to_string(), &json!(self.claims).to_string())
    }

    /// Signs these very texts, whatever they are.
    pub(crate) fn raw(&self, header: &str, claims: &str) -> String {
        self.signer.sign(header.as_bytes(), claims.as_bytes())
    }

    pub(crate) fn header_text(&self) -> String {
        json!(self.header).to_string()
    }

    pub(crate) fn claims_text(&self) -> String {
        json!(self.claims).to_string()
    }
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("not an object") };
    members
}
