//! Real providers: node-oidc-provider, and the issuer of `countersign dev`.

use std::sync::Arc;

use countersign::{
    dev::{DevIssuer, DevOptions},
    ops::{clock::SystemClock, drain::Tasks},
};

use super::kit::{entry, run};
use crate::support::peer::{OidcProvider, WEB_APP};

/// One client a row: its id, secret and method; what is said about it.
async fn check(issuer: &str, clients: &[(&str, &str, &str, &str)]) {
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Vec::new();
    for (index, (id, secret, method, _)) in clients.iter().enumerate() {
        std::fs::write(directory.path().join(format!("secret-{index}")), secret).unwrap();
        entries.push(format!("{{id: {id}, secret: {{file: secret-{index}}}, auth: {method}}}"));
    }
    let config = format!("issuers:\n{}", entry(issuer, &format!("clients: [{}]", entries.join(", "))));
    let report = run(directory.path(), &config, &["--json"]).await;
    let findings = report.json()["issuers"][0]["findings"].clone();
    let codes: Vec<_> =
        findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    let (steps, about_clients) = codes.split_at(4);
    assert_eq!(steps, ["discovery", "keys", "algorithms", "clock"], "{report:?}");
    let expected: Vec<_> = clients.iter().map(|(_, _, _, code)| *code).collect();
    assert_eq!(about_clients, expected, "{report:?}");
    for (_, secret, _, _) in clients {
        assert!(!report.stdout.contains(secret), "{report:?}");
    }
    let good = expected.iter().all(|code| *code == "client");
    assert_eq!(report.exit, i32::from(!good), "{report:?}");
}

#[tokio::test]
async fn node_oidc_provider_says_which_credentials_are_good() {
    let provider = OidcProvider::start().await;
    let good = (WEB_APP, "web-app-secret", "client_secret_post", "client");
    check(provider.issuer(), &[good]).await;
    check(
        provider.issuer(),
        &[
            good,
            // It may not refresh; this provider calls that `invalid_request`, which may mean anything.
            ("machine-es256", "machine-es256-secret", "client_secret_post", "token_endpoint_unclear"),
            ("machine-rs256", "another-secret", "client_secret_post", "client_refused"),
            ("nobody", "whatever-it-is", "client_secret_post", "client_refused"),
        ],
    )
    .await;
    // Registered with `client_secret_post`; this provider takes either.
    check(
        provider.issuer(),
        &[
            (WEB_APP, "web-app-secret", "client_secret_basic", "client"),
            ("machine-rs256", "another-secret", "client_secret_basic", "client_refused"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_session_outlives_a_probe() {
    let provider = OidcProvider::start().await;
    let tokens = provider.user_tokens("alice").await;
    check(provider.issuer(), &[(WEB_APP, "web-app-secret", "client_secret_post", "client")]).await;
    let form = serde_json::json!({ "grant_type": "refresh_token", "refresh_token": tokens.refresh_token });
    assert_eq!(provider.post("/token", WEB_APP, form).await.status, 200);
}

#[tokio::test]
async fn the_development_issuer_is_healthy() {
    let tasks = Tasks::default();
    let issuer = DevIssuer::start(DevOptions::default(), Arc::new(SystemClock), &tasks).await.unwrap();
    let (id, secret) = (issuer.client_id(), issuer.client_secret());
    let both = [(id, secret, "client_secret_basic", "client")];
    check(issuer.issuer_url(), &both).await;
    check(issuer.issuer_url(), &[(id, secret, "client_secret_post", "client")]).await;
    check(issuer.issuer_url(), &[(id, "not-its-secret", "client_secret_basic", "client_refused")]).await;
    tasks.stop().await;
}
