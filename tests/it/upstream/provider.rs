//! Real providers: node-oidc-provider, and the issuer of `countersign dev`.

use std::sync::Arc;

use countersign::{
    dev::{DevIssuer, DevOptions},
    issuer::TokenType,
    ops::{clock::SystemClock, drain::Tasks},
};
use serde_json::json;

use super::kit::{revoke, revoker};
use crate::support::peer::{Algorithm, Mode, OidcProvider, WEB_APP};

const WEB_APP_CLIENT: &str =
    "clients: [{ id: web-app, auth: client_secret_post, secret: { env: CLIENT_SECRET } }]";

#[tokio::test]
async fn a_refresh_token_that_is_revoked_at_the_provider_is_dead_there() {
    let provider = OidcProvider::start().await;
    let tokens = provider.user_tokens("alice").await;
    let revoker = revoker(provider.issuer(), "web-app-secret", &[WEB_APP_CLIENT]);
    let refresh = async |token: &str| {
        let form = json!({ "grant_type": "refresh_token", "refresh_token": token });
        let posted = provider.post("/token", WEB_APP, form).await;
        (
            posted.status,
            posted.body["error"].as_str().map(str::to_owned),
            posted.body["refresh_token"].clone(),
        )
    };

    let (status, _, successor) = refresh(&tokens.refresh_token).await;
    assert_eq!(status, 200, "it lived");
    let live = successor.as_str().unwrap();
    assert_eq!(revoke(&revoker, live, TokenType::Refresh, Some(WEB_APP)).await, "done");
    assert_eq!(refresh(live).await.1.as_deref(), Some("invalid_grant"));
    assert_eq!(revoke(&revoker, live, TokenType::Refresh, Some(WEB_APP)).await, "done", "again");
    assert_eq!(revoke(&revoker, "nobody-s", TokenType::Refresh, None).await, "done", "one it never gave");
}

#[tokio::test]
async fn jwt_access_tokens_cannot_be_revoked_at_node_oidc_provider_which_says_so() {
    let provider = OidcProvider::start().await;
    let tokens = provider.user_tokens("alice").await;
    let revoker = revoker(provider.issuer(), "web-app-secret", &[WEB_APP_CLIENT]);
    let said = revoke(&revoker, &tokens.access_token, TokenType::Access, Some(WEB_APP)).await;
    assert_eq!(said, "unsupported: unsupported_token_type");
    let machine = provider.client_credentials_token(Algorithm::Es256, "read").await;
    let said = revoke(&revoker, &machine, TokenType::Access, Some("machine-es256")).await;
    assert_eq!(said, "unsupported: unsupported_token_type", "of another client, too");
}

#[tokio::test]
async fn wrong_credentials_and_outages_of_a_real_provider_are_told_apart() {
    let provider = OidcProvider::start().await;
    let tokens = provider.user_tokens("alice").await;
    let revoke = async |secret: &str| {
        let revoker = revoker(provider.issuer(), secret, &[WEB_APP_CLIENT]);
        revoke(&revoker, &tokens.refresh_token, TokenType::Refresh, None).await
    };
    assert_eq!(revoke("wrong").await, "misconfigured: client_refused");
    provider.set_mode("/token/revocation", Mode::Fails).await;
    assert_eq!(revoke("web-app-secret").await, "unavailable: unavailable -");
    provider.set_mode("/token/revocation", Mode::Hangs).await;
    assert_eq!(revoke("web-app-secret").await, "unavailable: timeout -");
    provider.set_mode("/token/revocation", Mode::Works).await;
    assert_eq!(revoke("web-app-secret").await, "done");
}

#[tokio::test]
async fn the_development_issuer_takes_refresh_tokens_and_says_that_it_takes_no_others() {
    let tasks = Tasks::default();
    let issuer = DevIssuer::start(DevOptions::default(), Arc::new(SystemClock), &tasks).await.unwrap();
    let tokens = issuer.login().unwrap();
    let client = format!("clients: [{{ id: {}, secret: {{ env: CLIENT_SECRET }} }}]", issuer.client_id());
    let with = |secret: &str| revoker(issuer.issuer_url(), secret, &[&client]);
    let good = with(issuer.client_secret());
    assert_eq!(
        revoke(&good, &tokens.access_token, TokenType::Access, None).await,
        "unsupported: unsupported_token_type"
    );
    let bad = with("hunter2-wrong");
    assert_eq!(
        revoke(&bad, &tokens.refresh_token, TokenType::Refresh, None).await,
        "misconfigured: client_refused"
    );
    assert_eq!(revoke(&good, &tokens.refresh_token, TokenType::Refresh, None).await, "done");
    tasks.stop().await;
}
