//! Token endpoints, good and bad.

use serde_json::json;

use super::kit::{CLIENT, Lie, Report, SECRET, WELL_KNOWN, check, html, metadata_but, oauth_error};
use crate::support::idp::Reply;

async fn check_token(lie: Lie, lines: &str, bad: &[&str], exit: i32) -> Report {
    let (report, idp) = check("/token", lie, lines, bad, exit).await;
    assert_eq!(idp.paths(), [WELL_KNOWN, "/keys", "/token"], "each is asked once");
    report
}

#[tokio::test]
async fn credentials_are_tried_with_a_refresh_token_that_nobody_issued() {
    let lie: Lie = |_| oauth_error("400 Bad Request", "invalid_grant");
    let (report, idp) = check("/token", lie, CLIENT, &[], 0).await;
    assert!(report.stdout.contains("its credentials are accepted"), "{report:?}");
    let hit = idp.hits().pop().unwrap();
    assert!(hit.head.starts_with("post /token http/1.1\r\n") && !hit.head.contains("\r\nauthorization: "));
    assert!(hit.head.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{}", hit.head);
    let sent: Vec<_> = hit.body.split('&').collect();
    let [grant, token, id, secret] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((*grant, *id), ("grant_type=refresh_token", "client_id=app"));
    assert_eq!(*secret, format!("client_secret={SECRET}"));
    assert!(token.starts_with("refresh_token=countersign-doctor-") && token.len() > 70, "{token}");

    let basic = CLIENT.replace("client_secret_post", "client_secret_basic");
    let (_report, idp) = check("/token", lie, &basic, &[], 0).await;
    let hit = idp.hits().pop().unwrap();
    // `app:hunter2-hunter2`, in lower case like the whole head.
    assert!(hit.head.contains("\r\nauthorization: basic yxbwomh1bnrlcjitahvudgvymg==\r\n"), "{}", hit.head);
    assert!(!hit.body.contains("client_"), "{}", hit.body);
}

#[tokio::test]
async fn credentials_that_are_refused_are_told() {
    check_token(|_| oauth_error("401 Unauthorized", "invalid_client"), CLIENT, &["client_refused"], 1).await;
    check_token(|_| oauth_error("400 Bad Request", "invalid_client"), CLIENT, &["client_refused"], 1).await;
    check_token(|_| html("401 Unauthorized"), CLIENT, &["client_refused"], 1).await;
    let not_permitted: Lie = |_| oauth_error("400 Bad Request", "unauthorized_client");
    check_token(not_permitted, CLIENT, &["client_not_permitted"], 1).await;
}

#[tokio::test]
async fn an_endpoint_that_hands_out_tokens_is_a_problem_and_shows_none_of_them() {
    let careless: Lie = |_| {
        let tokens = json!({"access_token": "body-of-an-answer", "refresh_token": "body-of-an-answer"});
        Reply::ok(tokens.to_string().into_bytes())
    };
    check_token(careless, CLIENT, &["token_endpoint_careless"], 1).await;
}

#[tokio::test]
async fn what_no_token_endpoint_answers_is_told_and_trouble_is_cannot_tell() {
    let wrong: [Lie; 4] = [
        |_| html("404 Not Found"),
        |_| html("200 OK"),
        |_| Reply::status("302 Found").with("location", "/login"),
        |_| Reply::Endless,
    ];
    for lie in wrong {
        check_token(lie, CLIENT, &["token_endpoint_wrong"], 1).await;
    }
    let trouble: [Lie; 2] = [|_| html("500 Oops"), |_| oauth_error("503 Later", "invalid_client")];
    for lie in trouble {
        check_token(lie, CLIENT, &["token_endpoint_unreachable"], 3).await;
    }
    let impatient = format!("{CLIENT}keys: {{timeout: 2s}}");
    check_token(|_| Reply::Stalled(""), &impatient, &["token_endpoint_unreachable"], 3).await;
    let odd: Lie = |_| oauth_error("400 Bad Request", "body-of-an-answer");
    check_token(odd, CLIENT, &["token_endpoint_unclear"], 3).await;
}

#[tokio::test]
async fn an_endpoint_that_is_missing_or_plain_http_gets_no_credentials() {
    let missing: Lie = |base| metadata_but(base, &json!({"token_endpoint": null}));
    let plain: Lie = |base| metadata_but(base, &json!({"token_endpoint": "http://idp.example/token"}));
    for (lie, code) in [(missing, "token_endpoint_missing"), (plain, "token_endpoint_plain_http")] {
        let (_report, idp) = check(WELL_KNOWN, lie, CLIENT, &[code], 1).await;
        assert_eq!(idp.paths(), [WELL_KNOWN, "/keys"]);
    }
}

#[tokio::test]
async fn a_method_that_is_not_listed_is_told() {
    let lie: Lie =
        |base| metadata_but(base, &json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}));
    check(WELL_KNOWN, lie, CLIENT, &["client_method_unlisted"], 0).await;
    let public = "clients: [{id: app, auth: none}]";
    check(WELL_KNOWN, lie, public, &[], 0).await;
}

/// An issuer whose keys are configured is asked for its document only because of the token endpoint in it.
#[tokio::test]
async fn clients_of_an_issuer_with_a_jwks_file_are_tried_too() {
    let lie: Lie = |base| metadata_but(base, &json!({"jwks_uri": null}));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    std::fs::write(&file, super::kit::key_set(&[super::kit::key("a")]).to_string()).unwrap();
    let lines = format!("{CLIENT}jwks_file: {}", file.display());
    let (_report, idp) = check(WELL_KNOWN, lie, &lines, &[], 0).await;
    assert_eq!(idp.paths(), [WELL_KNOWN, "/token"]);
}
