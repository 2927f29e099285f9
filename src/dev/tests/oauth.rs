//! The token and revocation endpoints.

use serde_json::json;

use super::*;
use crate::domain::kind::TokenKind;

#[tokio::test]
async fn a_refresh_keeps_the_session_and_replaces_the_tokens() {
    let it = Fixture::new();
    let login = it.log_in("subject=alice").await;
    it.clock.0.store(100, Ordering::Relaxed);
    let fresh = it.refresh(login.text("refresh_token"), "&scope=notes.read").await;
    assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.body);
    assert_eq!(fresh.headers[header::CACHE_CONTROL], "no-store");
    assert_ne!(fresh.text("refresh_token"), login.text("refresh_token"));
    assert_eq!((fresh.text("scope"), fresh.body["expires_in"].as_u64()), ("notes.read", Some(300)));
    let [old, new] = [&login, &fresh].map(|answer| answer.text("access_token").to_owned());
    let (old, new) = (it.verify(&old).await.unwrap(), it.verify(&new).await.unwrap());
    assert_eq!(new.claims().session_id(), old.claims().session_id());
    assert_eq!(new.claims().subject(), "alice");
    assert_ne!(new.claims().token_id(), old.claims().token_id());
    assert_eq!(new.claims().expires_at.as_secs() - START, 400);
}

#[tokio::test]
async fn a_reused_refresh_token_ends_the_session_for_thief_and_owner() {
    let it = Fixture::new();
    let first = it.log_in("").await;
    let second = it.refresh(first.text("refresh_token"), "").await;
    let reused = it.refresh(first.text("refresh_token"), "").await;
    assert_eq!((reused.status, reused.text("error")), (StatusCode::BAD_REQUEST, "invalid_grant"));
    let owner = it.refresh(second.text("refresh_token"), "").await;
    assert_eq!((owner.status, owner.text("error")), (StatusCode::BAD_REQUEST, "invalid_grant"));
}

#[tokio::test]
async fn revocation_is_fine_with_the_unknown_and_honest_about_access_tokens() {
    let it = Fixture::new();
    let login = it.log_in("").await;
    let basic = it.basic();
    let revoke = |token: &str| format!("token={token}&token_type_hint=refresh_token");
    assert_eq!(it.post("/revoke", &revoke("unknown"), Some(&basic)).await.status, StatusCode::OK);
    let access = it.post("/revoke", &revoke(login.text("access_token")), Some(&basic)).await;
    assert_eq!((access.status, access.text("error")), (StatusCode::BAD_REQUEST, "unsupported_token_type"));
    assert_eq!(it.post("/revoke", &revoke("x"), None).await.status, StatusCode::UNAUTHORIZED);
    let refresh = it.post("/revoke", &revoke(login.text("refresh_token")), Some(&basic)).await;
    assert_eq!((refresh.status, refresh.body), (StatusCode::OK, Value::Null));
    assert_eq!(it.refresh(login.text("refresh_token"), "").await.text("error"), "invalid_grant");
}

#[tokio::test]
async fn the_client_speaks_for_itself_with_client_credentials() {
    let it = Fixture::new();
    let secret = it.shared.client.expose_secret();
    let form = format!("grant_type=client_credentials&scope=a+b&client_id=dev-client&client_secret={secret}");
    let answer = it.post("/token", &form, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.get("refresh_token").is_none() && answer.body.get("id_token").is_none());
    let token = it.verify(answer.text("access_token")).await.unwrap();
    assert_eq!((token.kind(), token.claims().subject()), (TokenKind::Access, "dev-client"));
    assert_eq!(token.claims().session_id(), "");
}

#[tokio::test]
async fn a_client_that_is_not_ours_gets_nothing() {
    let it = Fixture::new();
    let secret = it.shared.client.expose_secret().to_owned();
    let encoded = |text: String| Some(format!("Basic {}", STANDARD.encode(text)));
    let in_body = |id: &str, secret: &str| format!("&client_id={id}&client_secret={secret}");
    for (authorization, more, status, error, challenged) in [
        (None, String::new(), 401, "invalid_client", false),
        (None, in_body("dev-client", "wrong"), 401, "invalid_client", false),
        (None, in_body("other", &secret), 401, "invalid_client", false),
        (None, format!("&client_secret={secret}"), 401, "invalid_client", false),
        (encoded("dev-client:wrong".to_owned()), String::new(), 401, "invalid_client", true),
        (encoded(format!("other:{secret}")), String::new(), 401, "invalid_client", true),
        (encoded(secret.clone()), String::new(), 401, "invalid_client", true),
        (Some("Basic !".to_owned()), String::new(), 401, "invalid_client", true),
        (Some(format!("Bearer {secret}")), String::new(), 401, "invalid_client", true),
        (Some(it.basic()), in_body("dev-client", &secret), 400, "invalid_request", false),
    ] {
        let form = format!("grant_type=client_credentials{more}");
        let answer = it.post("/token", &form, authorization.as_deref()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("error")),
            (status, error),
            "{authorization:?} {more}"
        );
        assert_eq!(answer.headers.contains_key(header::WWW_AUTHENTICATE), challenged);
        assert!(!answer.body.to_string().contains(&secret));
    }
}

#[tokio::test]
async fn requests_that_are_no_token_requests_are_told_so() {
    let it = Fixture::new();
    let basic = it.basic();
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=unknown", "invalid_grant"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=a++b", "invalid_scope"),
        ("grant_type=client_credentials&scope=%22", "invalid_scope"),
    ] {
        let answer = it.post("/token", form, Some(&basic)).await;
        assert_eq!((answer.status, answer.text("error")), (StatusCode::BAD_REQUEST, error), "{form}");
    }
    let request = Request::post("/token")
        .header(header::HOST, AUTHORITY)
        .header(header::AUTHORIZATION, &basic)
        .header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "grant_type": "client_credentials" }).to_string();
    assert_eq!(it.send(request.body(Body::from(body)).unwrap()).await.text("error"), "invalid_request");
}
