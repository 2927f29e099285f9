//! Validate says everything that a good token says.

use std::time::Duration;

use countersign::{
    domain::time::Clock as _,
    ops::clock::SystemClock,
    proto::client::{Principal, TokenInfo, TokenKind, ValidateRequest, ValidateResponse},
};
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::json;

use super::kit::{AUDIENCE, ISSUER, Setup, TO_ANSWER, VALIDATE, about, ask, raw, token_in};
use crate::support::wait::until;

fn now() -> i64 {
    SystemClock.now().as_secs()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

/// Everything in it, for a comparison that says what differs.
fn shown(token: &TokenInfo) -> String {
    let TokenInfo { issuer, subject, principal, audiences, scopes, roles, permissions, client_id, .. } =
        token;
    let TokenInfo { session_id, token_id, organization_id, issued_at, expires_at, .. } = token;
    let TokenInfo { kind, claims_json, should_refresh, .. } = token;
    format!(
        "{issuer:?} {subject:?} {principal} {audiences:?} {scopes:?} {roles:?} {permissions:?} {client_id:?} \
         {session_id:?} {token_id:?} {organization_id:?} {issued_at:?} {expires_at:?} {kind} {claims_json:?} \
         {should_refresh}"
    )
}

/// JSON as no library writes it: order, white space, escapes and numbers must come back as they were signed.
fn odd_payload(issued: i64, expires: i64) -> String {
    format!(
        "\n{{ \"scope\":\"read  write\",\t\"zeta\" : [ 1e2, 1.50,{{}}, null ] ,\"exp\":{expires}.0,\r\n \
         \"aud\":[\"other\",\"{AUDIENCE}\"],\"sub\":\"\\u0061lice \\ud83d\\ude00\", \"iss\" :\"{ISSUER}\",\"iat\" \
         :{issued},\"roles\":[\"admin\",\"b c\"],\"permissions\":[\"orders:read\"],\"azp\":\"ignored\",\
         \"client_id\":\"app\",\"sid\":\"session-1\",\"jti\":\"token-1\",\"org_id\":\"org-1\",\"alpha\":\"\\/\" }} "
    )
}

#[tokio::test]
async fn every_field_of_a_good_token_is_told_and_its_claims_byte_for_byte_as_signed() {
    let Setup { service, signer } = Setup::start().await;
    let (issued, expires) = (now() - 5, now() + 600);
    let payload = odd_payload(issued, expires);
    let token = signer.sign(signer.header().to_string(), &payload);
    let mut client = service.client().await;
    let expected = TokenInfo {
        issuer: ISSUER.to_owned(),
        subject: "alice \u{1f600}".to_owned(),
        principal: Principal::User.into(),
        audiences: vec!["other".to_owned(), AUDIENCE.to_owned()],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        roles: vec!["admin".to_owned(), "b c".to_owned()],
        permissions: vec!["orders:read".to_owned()],
        client_id: "app".to_owned(),
        session_id: "session-1".to_owned(),
        token_id: "token-1".to_owned(),
        organization_id: "org-1".to_owned(),
        issued_at: Some(at(issued)),
        expires_at: Some(at(expires)),
        kind: TokenKind::Access.into(),
        claims_json: payload.into_bytes().into(),
        should_refresh: false,
    };
    let response = ask(&mut client, about(token)).await.unwrap();
    assert!(response.revision.ends_with("-0"), "nothing was revoked yet: {}", response.revision);
    let age = now() - response.revocations_as_of.unwrap().seconds;
    assert!(age < 60, "{age} s");
    assert_eq!(shown(&token_in(response)), shown(&expected));
}

#[tokio::test]
async fn what_a_token_does_not_say_is_empty() {
    let setup = Setup::start().await;
    let expires = now() + 600;
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": expires });
    let token = setup.signer.access_token(&claims);
    let info = token_in(ask(&mut setup.service.client().await, about(token)).await.unwrap());
    let expected = TokenInfo {
        issuer: ISSUER.to_owned(),
        subject: "alice".to_owned(),
        principal: Principal::User.into(),
        audiences: vec![AUDIENCE.to_owned()],
        expires_at: Some(at(expires)),
        kind: TokenKind::Access.into(),
        claims_json: claims.to_string().into_bytes().into(),
        ..TokenInfo::default()
    };
    assert_eq!(shown(&info), shown(&expected));
}

#[tokio::test]
async fn a_token_whose_subject_is_its_client_speaks_for_the_client() {
    let setup = Setup::start().await;
    let token = setup.token(|claims| claims["sub"] = "app".into());
    let info = token_in(ask(&mut setup.service.client().await, about(token)).await.unwrap());
    assert_eq!(info.principal(), Principal::Client);
}

#[tokio::test]
async fn an_id_token_is_told_as_one_when_it_is_asked_for() {
    let setup = Setup::start().await;
    let expires = now() + 600;
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "nonce": "n", "exp": expires });
    let header = json!({ "alg": "ES256", "kid": setup.signer.key_id() });
    let token = setup.signer.sign(header.to_string(), claims.to_string());
    let request = ValidateRequest { kind: TokenKind::Id.into(), ..about(token) };
    let info = token_in(ask(&mut setup.service.client().await, request).await.unwrap());
    assert_eq!((info.kind(), info.subject.as_str()), (TokenKind::Id, "alice"));
}

#[tokio::test]
async fn c2_a_cached_token_is_answered_with_the_same_bytes() {
    let setup = Setup::start().await;
    let channel = setup.service.channel().await;
    let request = about(setup.good()).encode_to_vec();
    let first = raw(&channel, VALIDATE, request.clone()).await.unwrap();
    let second = raw(&channel, VALIDATE, request.clone()).await.unwrap();
    let third = raw(&channel, VALIDATE, request).await.unwrap();
    let [first, second, third] =
        [first, second, third].map(|answer| token_in(ValidateResponse::decode(answer).unwrap()));
    assert_eq!(first.encode_to_vec(), second.encode_to_vec());
    assert_eq!(first.encode_to_vec(), third.encode_to_vec());
    assert!(!first.claims_json.is_empty());
    for (result, times) in [("hit", 2.0), ("miss", 1.0)] {
        let sample = format!("countersign_cache_lookups_total{{result=\"{result}\"}}");
        assert!((setup.service.metric(&sample).await - times).abs() < f64::EPSILON, "{result}");
    }
}

/// A life of 15 seconds with 5 of them left: the last fifth begins two seconds from now.
#[tokio::test]
async fn c2_should_refresh_turns_true_near_the_end_of_a_cached_token() {
    let setup = Setup::start().await;
    let mut client = setup.service.client().await;
    let far = token_in(ask(&mut client, about(setup.good())).await.unwrap());
    assert!(!far.should_refresh);
    let token = setup.token(|claims| {
        claims["iat"] = (now() - 10).into();
        claims["exp"] = (now() + 5).into();
    });
    let mut seen = vec![];
    let near = until("the hint to refresh", TO_ANSWER, async || {
        let info = token_in(ask(&mut client, about(token.clone())).await.unwrap());
        seen.push(info.should_refresh);
        info.should_refresh.then_some(info)
    })
    .await;
    assert!(seen.len() > 1, "it was not close to its end at first");
    assert!(SystemClock.now().plus(Duration::from_secs(4)).as_secs() >= near.expires_at.unwrap().seconds);
}
