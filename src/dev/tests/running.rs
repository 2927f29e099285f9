//! The running issuer: who reaches it, and what it shows.

use axum::http::Method;

use super::*;

#[tokio::test]
async fn discovery_names_this_issuer_and_its_own_endpoints() {
    let it = Fixture::new();
    let document = it.get("/.well-known/openid-configuration").await.body;
    assert_eq!(document["issuer"], "http://127.0.0.1:8080");
    for name in ["jwks_uri", "token_endpoint", "revocation_endpoint"] {
        assert!(document[name].as_str().unwrap().starts_with("http://127.0.0.1:8080/"), "{name}");
    }
}

#[tokio::test]
async fn web_pages_are_kept_out() {
    let it = Fixture::new();
    let login = |host: &str, origin: Option<&str>| {
        let mut request =
            Request::builder().method(Method::POST).uri("/dev/login").header(header::HOST, host);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        it.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(login("rebound.example:8080", None).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(login("127.0.0.1:8081", None).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(login(AUTHORITY, Some("https://page.example")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(login(AUTHORITY, Some("null")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(login("localhost:8080", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn it_listens_on_loopback_only_and_stops_with_its_tasks() {
    let tasks = Tasks::default();
    let clock = || Arc::new(TestClock::default());
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let options = DevOptions { listen: address.parse().unwrap() };
        let refused = DevIssuer::start(options, clock(), &tasks).await;
        assert!(matches!(refused, Err(DevError::NotLoopback(_))), "{address}");
    }
    let issuer = DevIssuer::start(DevOptions::default(), clock(), &tasks).await.unwrap();
    let url = format!("{}/.well-known/openid-configuration", issuer.issuer_url());
    let http = reqwest::ClientBuilder::new().no_proxy().build().unwrap();
    let mut answer = http.get(url).send().await.unwrap();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["issuer"], issuer.issuer_url());
    let taken = DevOptions { listen: issuer.shared.authority };
    let refused = DevIssuer::start(taken, clock(), &tasks).await;
    assert!(matches!(refused, Err(DevError::Bind { .. })));
    tasks.stop().await;
    assert!(TcpListener::bind(taken.listen).await.is_ok(), "the port is free again");
}

#[tokio::test]
async fn nothing_secret_shows_in_debug() {
    let tasks = Tasks::default();
    let issuer =
        DevIssuer::start(DevOptions::default(), Arc::new(TestClock::default()), &tasks).await.unwrap();
    let tokens = issuer.login().unwrap();
    let shown = format!("{issuer:?} {issuer:#?}");
    for secret in [issuer.client_secret(), &tokens.access_token, &tokens.refresh_token, &tokens.id_token] {
        assert!(secret.len() > 40 && !shown.contains(secret));
    }
    tasks.stop().await;
}
