//! The audit log has a line for each request, with who, what and why, and never a token.

use countersign::proto::client::{RevokeRequest, revoke_request::Target};
use serde_json::Value;

use super::{demand, without_id};
use crate::api::kit::{ISSUER, Setup, pieces};

fn lines(setup: &Setup) -> Vec<Value> {
    let output = setup.service.output();
    let lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "countersign::audit").collect()
}

#[tokio::test]
async fn every_request_is_on_the_record_and_no_token_is() {
    let mut setup = Setup::start().await;
    let (named, nameless) = (setup.token(|claims| claims["jti"] = "t-77".into()), setup.token(without_id));
    setup.passes(&setup.of("bob", "s-1", "app")).await;
    let why = |request: RevokeRequest| RevokeRequest { reason: "a lost\nlaptop".into(), ..request };
    let revoked = setup.revoke(why(demand(Target::Subject("bob".into())))).await;
    setup.revoke(why(demand(Target::Token(named.clone())))).await;
    setup.revoke(why(demand(Target::Token(nameless.clone())))).await;
    let wrong = [
        demand(Target::TokenId(named.clone())),
        RevokeRequest {
            issuer: named.clone(),
            reason: nameless.clone(),
            ..demand(Target::Subject("x".into()))
        },
        RevokeRequest { issuer: nameless.clone(), ..RevokeRequest::default() },
        demand(Target::Token(format!("{named}="))),
    ];
    for request in wrong {
        setup.try_revoke(request).await.unwrap_err();
    }
    // Ends the process, so that all of it is written.
    setup.service.sigterm().await;
    assert!(setup.service.wait_exit().await.success());
    let lines = lines(&setup);
    let said: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |field: &str| line[field].as_str().unwrap_or("-");
            let reason = text("error.type");
            [
                text("message"),
                text("revocation.target"),
                text("revocation.issuer"),
                reason,
                text("request.field"),
            ]
        })
        .collect();
    assert_eq!(
        said,
        [
            ["revoked", "subject", ISSUER, "-", "-"],
            ["revoked", "token", ISSUER, "-", "-"],
            ["revoked", "token", ISSUER, "-", "-"],
            ["not revoked", "token_id", ISSUER, "INVALID_FIELD", "token_id"],
            ["not revoked", "subject", "(a token)", "INVALID_FIELD", "issuer"],
            ["not revoked", "none", "", "INVALID_FIELD", "target"],
            ["not revoked", "token", ISSUER, "INVALID_FIELD", "token"],
        ]
    );
    let subject = &lines[0];
    assert_eq!(subject["level"], "INFO");
    assert_eq!(subject["revocation.id"], "bob");
    assert_eq!(subject["revocation.reason"], "a lost\nlaptop");
    assert_eq!(subject["revocation.revision"], revoked.revision);
    assert_eq!(subject["revocation.sessions"], 1);
    let cut_off = revoked.effective_not_before.unwrap();
    assert_eq!(
        subject["revocation.not_before"],
        format!("{}.{:03}", cut_off.seconds, cut_off.nanos / 1_000_000)
    );
    assert_eq!(subject["client.address"], "unix", "a socket's peer has no address");
    assert_eq!(lines[1]["revocation.id"], "t-77");
    assert_eq!(lines[2]["revocation.id"].as_str().unwrap().len(), 12, "a fingerprint");
    for token in [&named, &nameless] {
        for piece in pieces(token) {
            assert!(!setup.service.output().contains(piece), "{piece}");
        }
    }
}
