//! The real provider does what the other tests rely on.

use crate::support::{
    peer::{AUDIENCE, Algorithm, Mode, OidcProvider, WEB_APP},
    tokens::unverified,
};
use serde_json::json;

#[tokio::test]
async fn access_tokens_come_in_every_algorithm_and_say_what_they_are() {
    let provider = OidcProvider::start().await;
    for algorithm in Algorithm::ALL {
        let token = provider.client_credentials_token(algorithm, "read").await;
        let (header, claims) = unverified(&token);
        assert_eq!(header["typ"], "at+jwt");
        assert_eq!(claims["iss"], provider.issuer());
        assert_eq!(claims["aud"], AUDIENCE);
        assert_eq!(claims["client_id"], algorithm.client());
        assert_eq!(claims["scope"], "read");
        assert!(provider.keys().iter().any(|key| header["kid"] == key.id()), "{header}");
    }
}

#[tokio::test]
async fn a_login_gives_tokens_and_a_refresh_token_that_works_once() {
    let provider = OidcProvider::start().await;
    let tokens = provider.user_tokens("alice").await;
    assert_eq!(unverified(&tokens.access_token).1["aud"], AUDIENCE);
    let (header, claims) = unverified(&tokens.id_token);
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!(WEB_APP), &json!("alice")));
    assert!(header["typ"].is_null(), "{header}");

    let refresh = async |token: &str| {
        let form = json!({ "grant_type": "refresh_token", "refresh_token": token });
        provider.post("/token", WEB_APP, form).await
    };
    let second = refresh(&tokens.refresh_token).await;
    assert_eq!(second.status, 200, "{}", second.body);
    let reused = refresh(&tokens.refresh_token).await;
    assert_eq!((reused.status, &reused.body["error"]), (400, &json!("invalid_grant")));
    let successor = refresh(second.body["refresh_token"].as_str().unwrap()).await;
    assert_eq!(successor.body["error"], "invalid_grant", "reuse ends the whole grant");
}

#[tokio::test]
async fn keys_change_without_a_restart_and_sessions_survive_that() {
    let mut provider = OidcProvider::start().await;
    let tokens = provider.user_tokens("alice").await;
    let next = provider.generate(Algorithm::Rs256, "next").await;
    let keys = [provider.keys(), std::slice::from_ref(&next)].concat();
    provider.rotate_keys(keys.clone(), &[]).await;
    let token = provider.client_credentials_token(Algorithm::Rs256, "read").await;
    assert_eq!(unverified(&token).0["kid"], "rs256-1", "published ahead, not yet signing");

    provider.rotate_keys(keys, &[&next]).await;
    let token = provider.client_credentials_token(Algorithm::Rs256, "read").await;
    assert_eq!(unverified(&token).0["kid"], "next");

    let form = json!({ "grant_type": "refresh_token", "refresh_token": tokens.refresh_token });
    assert_eq!(provider.post("/token", WEB_APP, form).await.status, 200);
}

#[tokio::test]
async fn a_restart_keeps_address_and_keys() {
    let mut provider = OidcProvider::start().await;
    let next = provider.generate(Algorithm::Es256, "next").await;
    let keys = [provider.keys_but(Algorithm::Es256), vec![next.clone()]].concat();
    provider.rotate_keys(keys, &[&next]).await;
    provider.kill().await;
    provider.restart_on_same_port().await;
    let token = provider.client_credentials_token(Algorithm::Es256, "read").await;
    let (header, claims) = unverified(&token);
    assert_eq!((&header["kid"], &claims["iss"]), (&json!("next"), &json!(provider.issuer())));
}

#[tokio::test]
async fn requests_are_counted_and_failures_ordered() {
    let provider = OidcProvider::start().await;
    let port = provider.port();
    assert_eq!(provider.key_fetches().await, 0);
    let fetch = async || crate::support::http::get(port, "/jwks").await.unwrap();
    assert_eq!(fetch().await.status, 200);
    provider.set_mode("/jwks", Mode::Fails).await;
    assert_eq!(fetch().await.status, 500);
    provider.set_mode("/jwks", Mode::Works).await;
    assert!(!fetch().await.body.contains("\"d\""), "private keys are published");
    assert_eq!(provider.key_fetches().await, 3);
}
