//! What is signed, and with which keys.

use super::*;
use crate::domain::kind::TokenKind;

#[tokio::test]
async fn every_algorithm_makes_tokens_that_verify_as_what_they_are() {
    let it = Fixture::new();
    for algorithm in SigningAlgorithm::ALL {
        let form = format!("subject=alice&scope=openid+a.read&algorithm={}", algorithm.as_str());
        let login = it.log_in(&form).await;
        let access = it.verify(login.text("access_token")).await.unwrap();
        assert_eq!(access.kind(), TokenKind::Access);
        assert!(access.at(it.clock.now()).is_ok());
        let claims = access.claims();
        assert_eq!((claims.subject(), claims.client_id()), ("alice", "dev-client"));
        assert!(claims.audiences().iter().eq(["countersign-dev"]));
        assert!(claims.scopes().iter().eq(["openid", "a.read"]));
        assert_eq!((claims.roles().iter().count(), claims.permissions().iter().count()), (1, 2));
        assert!(claims.session_id().starts_with("ses_") && claims.token_id().starts_with("tkn_"));
        assert_eq!(claims.organization_id(), "org_dev");
        assert_eq!(claims.expires_at.as_secs() - START, 300);

        let id = it.verify(login.text("id_token")).await.unwrap();
        assert_eq!(id.kind(), TokenKind::Id);
        assert_eq!(id.claims().session_id(), claims.session_id());
    }
    let refused = it.post("/dev/login", "algorithm=HS256", None).await;
    assert_eq!((refused.status, refused.text("error")), (StatusCode::BAD_REQUEST, "invalid_request"));
}

#[tokio::test]
async fn rotated_keys_sign_at_once_and_old_ones_leave_one_rotation_later() {
    let it = Fixture::new();
    let old = it.log_in("").await;
    it.rotate("").await;
    assert_eq!(it.get("/jwks").await.body["keys"].as_array().unwrap().len(), 6);
    assert!(it.verify(old.text("access_token")).await.is_ok(), "still published");
    let new = it.log_in("").await;
    it.rotate("").await;
    assert!(matches!(it.verify(old.text("access_token")).await, Err(Reason::UnknownKey)));
    assert!(it.verify(new.text("access_token")).await.is_ok(), "it was signed with the second keys");
    it.rotate("?withdraw=now").await;
    assert_eq!(it.get("/jwks").await.body["keys"].as_array().unwrap().len(), 3);
    assert!(matches!(it.verify(new.text("access_token")).await, Err(Reason::UnknownKey)));
    assert_eq!(it.post("/dev/rotate?withdraw=never", "", None).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_unchanged_key_set_is_not_sent_again() {
    let it = Fixture::new();
    let tag = it.get("/jwks").await.headers[header::ETAG].to_str().unwrap().to_owned();
    let again = || {
        let request = Request::get("/jwks").header(header::HOST, AUTHORITY);
        it.send(request.header(header::IF_NONE_MATCH, &tag).body(Body::empty()).unwrap())
    };
    assert_eq!(again().await.status, StatusCode::NOT_MODIFIED);
    it.rotate("").await;
    let changed = again().await;
    assert_eq!(changed.status, StatusCode::OK);
    assert!(changed.headers[header::CACHE_CONTROL].to_str().unwrap().contains("max-age"));
}
