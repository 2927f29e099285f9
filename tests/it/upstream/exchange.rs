//! The token endpoint of providers, good and bad: what is sent, and what comes of each answer and of none.

mod clients;
mod kit;

use std::time::Duration;

use countersign::issuer::{Exchanged, Grant};
use serde_json::json;

use self::kit::{SCOPES, at_timeout, exchange, outcome, outcomes, refresh, rig};
use super::kit::{SECRET, WELL_KNOWN, json_reply, now, secret};
use crate::support::{
    idp::{Hit, Reply},
    peer::{AUDIENCE, OidcProvider},
};

/// How a token endpoint answers.
type Behaviour = fn(&Hit) -> Reply;

const HYDRA: &str = "Failed to refresh token because of multiple concurrent requests using the same token. \
                     Please retry the request.";

fn error(word: &str) -> Reply {
    json_reply("400 Bad Request", &json!({ "error": word, "error_description": "hunter2" }))
}

fn granted() -> Reply {
    Reply::ok(json!({"access_token": "hunter2-new", "token_type": "Bearer"}).to_string().into_bytes())
}

#[tokio::test]
async fn whatever_the_endpoint_does_comes_to_what_is_known_of_it() {
    let cases: [(Behaviour, &str); 17] = [
        (|_| granted(), "granted"),
        (|_| Reply::Stalled(""), "unknown: timeout -"),
        (|_| Reply::Stalled("HTTP/1.1 200"), "unknown: timeout -"),
        (|_| Reply::Stalled("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), "unknown: timeout -"),
        (|_| Reply::Stalled("HTTP/1.1 400 Bad Request\r\ncontent-length: 99\r\n\r\n{"), "unknown: timeout -"),
        (|_| Reply::Late(Duration::from_mins(1), Box::new(granted())), "unknown: timeout -"),
        (|_| Reply::CutShort(br#"{"access_token":"hunter2-new"}"#.to_vec()), "unknown: transport -"),
        (|_| Reply::Endless, "unknown: too_long -"),
        (|_| Reply::ok(b"<html>hunter2</html>".to_vec()), "unknown: no_token -"),
        (
            |_| Reply::ok(br#"{"access_token":"hunter2","access_token":"hunter2"}"#.to_vec()),
            "unknown: no_token -",
        ),
        (|_| Reply::status("302 Found").with("location", "/elsewhere"), "refused: redirect"),
        (|_| Reply::status("307 Temporary Redirect").with("location", "/elsewhere"), "refused: redirect"),
        (|_| Reply::status("429 Too Many Requests").with("retry-after", "5"), "not processed: unavailable 5"),
        (|_| Reply::status("503 Service Unavailable").with("retry-after", "17"), "unknown: unavailable 17"),
        (|_| Reply::status("502 Bad Gateway"), "unknown: unavailable -"),
        (|_| error("invalid_grant"), "invalid grant: invalid_grant"),
        (|_| error("hunter2"), "refused: refused"),
    ];
    for (behaviour, expected) in cases {
        let (said, idp) = outcome(behaviour).await;
        assert_eq!(said, expected);
        // Once: nothing that may have been processed is sent again, and no redirect is followed.
        assert_eq!(idp.paths(), [WELL_KNOWN, "/token"], "{expected}");
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_before_an_answer_leaves_it_unknown() {
    let (said, sent) = kit::reset().await;
    assert_eq!((said.as_str(), sent), ("unknown: transport -", 1));
}

#[tokio::test]
async fn a_provider_that_is_away_has_not_processed_anything() {
    let (rig, _idp) = rig(|_| granted(), &[]).await;
    let at = kit::nobody().await;
    assert_eq!(exchange(&rig, &at, refresh(&secret("r"), &[])).await, "not processed: transport -");
    let plain = "http://idp.example/token".parse().unwrap();
    assert_eq!(exchange(&rig, &plain, refresh(&secret("r"), &[])).await, "refused: plain_http");
}

#[tokio::test]
async fn two_requests_in_each_others_way_are_sent_once_more_and_no_more() {
    let conflict =
        || json_reply("400 Bad Request", &json!({ "error": "invalid_request", "error_description": HYDRA }));
    let (said, idp) = outcomes(vec![conflict(), granted()]).await;
    assert_eq!((said.as_str(), idp.paths().len()), ("granted", 3));
    let hits = idp.hits();
    assert_eq!(hits[1].body, hits[2].body, "the same token");
    let (said, idp) = outcomes(vec![conflict(), conflict(), granted()]).await;
    assert_eq!((said.as_str(), idp.paths().len()), ("not processed: conflict -", 3));
    let (said, _idp) = outcomes(vec![conflict(), Reply::Stalled("")]).await;
    assert_eq!(said, "unknown: timeout -", "the second one may have been processed");
}

/// What is sent again must not run on when the caller has counted it as lost.
#[tokio::test]
async fn what_is_sent_again_stays_within_the_time() {
    let conflict =
        || json_reply("400 Bad Request", &json!({"error": "invalid_request", "error_hint": HYDRA}));
    let (rig, idp) = rig(move |_| conflict(), &[]).await;
    let at = rig.locate().await.unwrap();
    let said = at_timeout(&rig, &at, refresh(&secret("r"), &[]), Duration::from_millis(90)).await;
    assert!(["not processed: conflict -", "unknown: timeout -"].contains(&said.as_str()), "{said}");
    assert_eq!(idp.paths().len(), 2);
}

#[tokio::test]
async fn scopes_that_are_refused_are_left_out_once_and_then_nothing_is_said_of_them() {
    let said = async |scopes: &[String], replies| {
        let (rig, idp) = kit::rig_in_turn(replies, &[]).await;
        let at = rig.locate().await.unwrap();
        (kit::exchanged(&rig, &at, refresh(&secret("r"), scopes)).await, idp)
    };
    let scopes = SCOPES.map(str::to_owned);
    let (got, idp) = said(&scopes, vec![error("invalid_scope"), granted()]).await;
    let Exchanged::Granted(got) = got else { panic!("{got:?}") };
    assert_eq!(got.scopes, Some(vec![]), "not as asked for");
    let bodies: Vec<String> = idp.hits().into_iter().skip(1).map(|hit| hit.body).collect();
    assert_eq!(
        bodies,
        [
            "grant_type=refresh_token&refresh_token=r&scope=read+write&client_id=app&client_secret=hunter2-secret",
            "grant_type=refresh_token&refresh_token=r&client_id=app&client_secret=hunter2-secret",
        ]
    );
    let (got, idp) = said(&scopes, vec![error("invalid_scope"), error("invalid_scope"), granted()]).await;
    assert!(matches!(got, Exchanged::ScopeRefused(_)) && idp.paths().len() == 3, "{got:?}");
    let (got, idp) = said(&[], vec![error("invalid_scope"), granted()]).await;
    assert!(matches!(got, Exchanged::ScopeRefused(_)) && idp.paths().len() == 2, "{got:?}");
    let (got, _idp) = said(&scopes, vec![granted()]).await;
    assert!(matches!(&got, Exchanged::Granted(got) if got.scopes.is_none()), "as asked for: {got:?}");
}

#[tokio::test]
async fn resources_and_an_audience_go_with_every_exchange() {
    let lines = ["refresh: { resource: ['urn:a', 'urn:b'], audience: api }"];
    let (rig, idp) = rig(|_| granted(), &lines).await;
    let at = rig.locate().await.unwrap();
    let (code, verifier, none) = (secret("c&1"), secret("v"), secret(""));
    for grant in [
        refresh(&secret("r"), &[]),
        Grant::Code { code: &code, redirect_uri: "https://app/cb?x=1", code_verifier: &verifier },
        Grant::Code { code: &code, redirect_uri: "https://app/cb", code_verifier: &none },
    ] {
        assert_eq!(exchange(&rig, &at, grant).await, "granted");
    }
    let bodies: Vec<String> = idp.hits().into_iter().skip(1).map(|hit| hit.body).collect();
    let rest = "resource=urn%3Aa&resource=urn%3Ab&audience=api&client_id=app&client_secret=hunter2-secret";
    let grant = "grant_type=authorization_code&code=c%261&redirect_uri=https%3A%2F%2Fapp%2Fcb";
    assert_eq!(
        bodies,
        [
            format!("grant_type=refresh_token&refresh_token=r&{rest}"),
            format!("{grant}%3Fx%3D1&code_verifier=v&{rest}"),
            format!("{grant}&{rest}"),
        ]
    );
}

#[tokio::test]
async fn a_real_provider_rotates_and_refuses_what_it_has_taken_back() {
    let provider = OidcProvider::start().await;
    let tokens = provider.user_tokens("alice").await;
    let lines = [
        "clients: [{ id: web-app, auth: client_secret_post, secret: { env: CLIENT_SECRET } }]",
        &format!("refresh: {{ resource: ['{AUDIENCE}'] }}"),
    ];
    let endpoint = kit::endpoint(provider.issuer(), "web-app-secret", &lines);
    let at = endpoint.locate().await.unwrap();
    let old = secret(&tokens.refresh_token);
    let Exchanged::Granted(got) = kit::exchanged(&endpoint, &at, refresh(&old, &[])).await else {
        panic!("it was good");
    };
    let successor = got.refresh_token.unwrap();
    assert!(successor != old && got.id_token.is_some() && got.expires_in.is_some());
    assert_eq!(exchange(&endpoint, &at, refresh(&old, &[])).await, "invalid grant: invalid_grant");
    assert_eq!(exchange(&endpoint, &at, refresh(&successor, &[])).await, "invalid grant: invalid_grant");
    let wrong = kit::endpoint(provider.issuer(), SECRET, &lines);
    wrong.locate().await.unwrap();
    let client = wrong.client("").unwrap();
    let said = wrong.exchange(&at, client, refresh(&old, &[]), kit::TIMEOUT, now()).await;
    assert!(matches!(&said, Exchanged::ClientRejected(_)), "{said:?}");
}
