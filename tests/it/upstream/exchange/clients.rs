//! How clients prove who they are at the token endpoint.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign::{
    config::{Config, Environment},
    issuer::{IssuerSettings, Revocable, Revoker, TokenEndpoint, TokenType},
};
use serde_json::{Value, json};

use super::{
    super::kit::{NOW, SECRET, WELL_KNOWN, host, http, now, secret},
    error, granted,
    kit::{exchange, refresh, rig},
};
use crate::support::{
    idp::{Hit, Idp, Reply},
    peer::OidcProvider,
};

/// A client's key.
struct Key {
    pem: String,
    public: Vec<u8>,
}

impl Key {
    fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let text = STANDARD.encode(pair.to_pkcs8v1().unwrap().as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        Self { pem, public: pair.public_key().as_ref().to_vec() }
    }

    fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
            "x": text(&self.public[1..33]), "y": text(&self.public[33..65]),
        })
    }

    fn settings(&self, issuer: &str, client: &str) -> IssuerSettings {
        let yaml = format!(
            "issuers: [{{name: idp, issuer: '{issuer}', audiences: [api], keys: {{timeout: 1s}}, clients: [{{id: {client}, \
             auth: private_key_jwt, key: {{env: PEM}}, key_id: k1}}]}}]"
        );
        let env = Environment::from_iter([("PEM", self.pem.as_str())]);
        let loaded = Config::parse(&yaml, &env, std::path::Path::new("/")).unwrap();
        loaded.config.issuers.into_iter().next().unwrap()
    }

    /// The claims of the assertion in a form, which this key signed.
    fn claims(&self, body: &str) -> Value {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let of = |name: &str| &form.iter().find(|(known, _)| known == name).unwrap().1;
        assert_eq!(of("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!(of("client_id"), "app");
        assert!(!form.iter().any(|(name, _)| name == "client_secret"));
        let (input, signature) = of("client_assertion").rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public);
        public.verify(input.as_bytes(), &signature).unwrap();
        let part =
            |text: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap() };
        let (header, claims) = input.split_once('.').unwrap();
        assert_eq!(part(header), json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}));
        part(claims)
    }
}

fn metadata(hit: &Hit, methods: Option<&[&str]>) -> Reply {
    let issuer = format!("http://{}", host(hit));
    let mut document = json!({
        "issuer": issuer, "jwks_uri": format!("{issuer}/keys"), "token_endpoint": format!("{issuer}/token"),
        "revocation_endpoint": format!("{issuer}/revoke"),
    });
    if let Some(methods) = methods {
        document["token_endpoint_auth_methods_supported"] = json!(methods);
    }
    Reply::ok(document.to_string().into_bytes())
}

#[tokio::test]
async fn each_method_proves_it_in_its_own_place() {
    for (client, has_header, body) in [
        (
            "{ id: app, secret: { env: CLIENT_SECRET } }",
            true,
            "grant_type=refresh_token&refresh_token=hunter2-token".to_owned(),
        ),
        (
            "{ id: app, auth: client_secret_post, secret: { env: CLIENT_SECRET } }",
            false,
            format!(
                "grant_type=refresh_token&refresh_token=hunter2-token&client_id=app&client_secret={SECRET}"
            ),
        ),
        (
            "{ id: app, auth: none }",
            false,
            "grant_type=refresh_token&refresh_token=hunter2-token&client_id=app".to_owned(),
        ),
    ] {
        let (rig, idp) = rig(|_| granted(), &[&format!("clients: [{client}]")]).await;
        let at = rig.locate().await.unwrap();
        assert_eq!(exchange(&rig, &at, refresh(&secret("hunter2-token"), &[])).await, "granted");
        let hit = idp.hits().pop().unwrap();
        assert_eq!(hit.body, body);
        // `app:hunter2-secret`, in lower case like the whole head.
        let header = "\r\nauthorization: basic yxbwomh1bnrlcjitc2vjcmv0\r\n";
        assert_eq!(hit.head.contains(header), has_header, "{}", hit.head);
        assert_eq!(hit.head.contains("\r\nauthorization: "), has_header);
    }
}

#[tokio::test]
async fn an_assertion_is_for_the_token_endpoint_also_where_tokens_are_revoked() {
    let key = Key::generate();
    let idp = Idp::start(|hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(hit, Some(&["private_key_jwt"])),
        _ => granted(),
    })
    .await;
    let settings = key.settings(&idp.url(""), "app");
    let endpoint = TokenEndpoint::new(&settings, http());
    let at = endpoint.locate().await.unwrap();
    assert_eq!(exchange(&endpoint, &at, refresh(&secret("hunter2-token"), &[])).await, "granted");
    let token = secret("hunter2-token");
    let what = Revocable::Token { token: &token, token_type: TokenType::Refresh, client_id: None };
    Revoker::new(settings, http()).tell(&what, now()).await.unwrap();

    let sent: Vec<Hit> = idp.hits().into_iter().filter(|hit| hit.path != WELL_KNOWN).collect();
    assert_eq!(sent.iter().map(|hit| hit.path.as_str()).collect::<Vec<_>>(), ["/token", "/revoke"]);
    let claims: Vec<Value> = sent.iter().map(|hit| key.claims(&hit.body)).collect();
    for claims in &claims {
        assert_eq!(
            *claims,
            json!({
                "iss": "app", "sub": "app", "aud": idp.url("/token"), "jti": claims["jti"],
                "iat": NOW, "exp": NOW + 60,
            })
        );
    }
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
}

#[tokio::test]
async fn nothing_is_sent_by_a_method_that_the_metadata_exclude() {
    for (methods, auth, expected) in [
        (Some(&["client_secret_basic"][..]), "client_secret_post", "client rejected: method_unlisted"),
        (Some(&["private_key_jwt", "odd"]), "client_secret_basic", "client rejected: method_unlisted"),
        (Some(&["client_secret_basic", "client_secret_post"]), "client_secret_post", "granted"),
        // Left out it says `client_secret_basic` (RFC 8414), and mostly nothing.
        (None, "client_secret_post", "granted"),
    ] {
        let idp = Idp::start(move |hit| match hit.path.as_str() {
            WELL_KNOWN => metadata(hit, methods),
            _ => granted(),
        })
        .await;
        let client = format!("clients: [{{ id: app, auth: {auth}, secret: {{ env: CLIENT_SECRET }} }}]");
        let rig = super::kit::endpoint(&idp.url(""), SECRET, &[&client]);
        let at = rig.locate().await.unwrap();
        assert_eq!(
            exchange(&rig, &at, refresh(&secret("hunter2-token"), &[])).await,
            expected,
            "{methods:?}"
        );
        assert_eq!(idp.paths().len(), if expected == "granted" { 2 } else { 1 }, "{methods:?}");
    }
}

#[tokio::test]
async fn clients_are_found_by_their_id_or_by_being_the_only_one() {
    let (one, _idp) = rig(|_| error("invalid_grant"), &[]).await;
    assert_eq!(one.client("").unwrap().id, "app");
    assert_eq!(one.client("app").unwrap().id, "app");
    assert!(one.client("other").is_none());
    let both = "clients: [{ id: a, auth: none }, { id: b, auth: none }]";
    let (two, _idp) = rig(|_| error("invalid_grant"), &[both]).await;
    assert!(two.client("").is_none());
    assert_eq!(two.client("b").unwrap().id, "b");
}

/// `invalid_grant` is what a provider says to a client that it has recognised.
#[tokio::test]
async fn a_real_provider_takes_the_assertion_and_refuses_another_keys() {
    let key = Key::generate();
    let provider = OidcProvider::start_with_client_key(&key.jwk()).await;
    let with = async |key: &Key| {
        let settings = key.settings(provider.issuer(), "signing-app");
        let endpoint = TokenEndpoint::new(&settings, http());
        let at = endpoint.locate().await.unwrap();
        let client = endpoint.client("").unwrap();
        let now = countersign::domain::time::Clock::now(&countersign::ops::clock::SystemClock);
        let token = secret("hunter2-nobody-s");
        let got = endpoint.exchange(&at, client, refresh(&token, &[]), super::kit::TIMEOUT, now).await;
        super::kit::said(got)
    };
    assert_eq!(with(&key).await, "invalid grant: invalid_grant");
    assert_eq!(with(&Key::generate()).await, "client rejected: client_refused");
}
