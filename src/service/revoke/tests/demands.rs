//! What a caller gets wrong is said before anything is done.

use super::rig::{ISSUER, NOW, Rig, token};
use crate::{
    domain::time::UnixTime,
    service::revoke::{Aim, Demand, Named, NotRevoked, demand::WrongField},
};

fn about(aim: Aim<'_>) -> Demand<'_> {
    Demand { aim, issuer: ISSUER, not_before: None, except_session_id: "", reason: "", propagate: false }
}

fn named(named: Named<'_>) -> Demand<'_> {
    about(Aim::Named(named))
}

#[tokio::test]
async fn each_wrong_field_is_named_and_nothing_is_done() {
    let rig = Rig::start().await;
    let (long, long_reason) = ("x".repeat(1025), "x".repeat(513));
    let subject = named(Named::Subject("alice"));
    let now = Some(UnixTime::from_secs(NOW));
    let forged = format!("{}AAAA", token(|_| {}));
    let shown = token(|_| {});
    let foreign = token(|claims| claims["iss"] = "https://c.example".into());
    let of_b = token(|claims| claims["iss"] = "https://b.example".into());
    let cases = [
        ("token", about(Aim::Token(""))),
        ("token", about(Aim::Token("not.a.token"))),
        ("token", about(Aim::Token(&forged))),
        ("token", Demand { issuer: "", ..about(Aim::Token(&foreign)) }),
        ("issuer", about(Aim::Token(&of_b))),
        ("issuer", Demand { issuer: "https://c.example", ..about(Aim::Token(&of_b)) }),
        ("token_id", named(Named::TokenId(""))),
        ("session_id", named(Named::Session(""))),
        ("subject", named(Named::Subject(""))),
        ("client_id", named(Named::Client(""))),
        ("token_id", named(Named::TokenId(&long))),
        ("token_id", named(Named::TokenId(&shown))),
        ("session_id", named(Named::Session(&long))),
        ("subject", named(Named::Subject(&long))),
        ("client_id", named(Named::Client(&long))),
        ("except_session_id", Demand { except_session_id: &long, ..subject }),
        ("issuer", Demand { issuer: &long, ..subject }),
        ("issuer", Demand { issuer: "", ..subject }),
        ("issuer", Demand { issuer: "https://a.example/", ..subject }),
        ("reason", Demand { reason: &long_reason, ..subject }),
        ("not_before", Demand { not_before: now, ..named(Named::TokenId("t")) }),
        ("not_before", Demand { not_before: now, ..named(Named::Session("s")) }),
        ("not_before", Demand { not_before: Some(UnixTime::from_secs(NOW + 61)), ..subject }),
        ("except_session_id", Demand { except_session_id: "s", ..named(Named::Client("app")) }),
        ("except_session_id", Demand { except_session_id: "s", ..named(Named::Session("s")) }),
    ];
    for (at, (expected, demand)) in cases.into_iter().enumerate() {
        match rig.revoke(demand).await {
            Err(NotRevoked::Field(WrongField { field, .. })) => assert_eq!(field, expected, "case {at}"),
            other => panic!("case {at}: {other:?}"),
        }
    }
    assert_eq!((rig.store.attempts(), rig.revocations.total()), (0, 0));
    assert!(rig.has_counted(r#"countersign_revoke_requests_total{target="token",outcome="invalid"} 6"#));
}

#[tokio::test]
async fn what_is_just_within_its_bounds_is_taken() {
    let rig = Rig::start().await;
    let (long, long_reason) = ("x".repeat(1024), "x".repeat(512));
    let subject = named(Named::Subject(&long));
    let most = Demand {
        not_before: Some(UnixTime::from_secs(NOW + 60)),
        except_session_id: &long,
        reason: &long_reason,
        ..subject
    };
    let revoked = rig.revoke(most).await.unwrap();
    assert_eq!(revoked.done.effective_not_before, Some(UnixTime::from_secs(NOW + 60)));
    rig.revoke(Demand { not_before: Some(UnixTime::from_secs(0)), ..subject }).await.unwrap();
}
