//! Every target, for tokens that are cached and for those that nobody has seen.

use countersign::proto::client::{RevokeRequest, Upstream, ValidateRequest, revoke_request::Target};
use tonic::Code;

use super::{demand, without_id};
use crate::api::kit::{Setup, about, ask, reason_of, status_in, token_in};

#[tokio::test]
async fn a_token_that_is_shown_or_named_is_refused_and_its_siblings_are_not() {
    let setup = Setup::start().await;
    let (shown, named, nameless, other) = (
        setup.good(),
        setup.token(|claims| claims["jti"] = "a-name".into()),
        setup.token(without_id),
        setup.good(),
    );
    for token in [&shown, &named, &nameless, &other] {
        setup.passes(token).await;
    }
    for target in
        [Target::Token(shown.clone()), Target::TokenId("a-name".into()), Target::Token(nameless.clone())]
    {
        let response = setup.revoke(demand(target)).await;
        assert_eq!((response.effective_not_before, response.revoked_sessions), (None, 0));
        assert_eq!(response.upstream(), Upstream::NotAsked);
    }
    for token in [&shown, &named, &nameless] {
        setup.is_revoked(token).await;
    }
    setup.passes(&other).await;
}

#[tokio::test]
async fn a_session_a_subject_a_client_and_an_issuer_are_refused_cached_or_not() {
    for target in ["session", "subject", "client", "issuer"] {
        let setup = Setup::start().await;
        let (cached, fresh) = (setup.of("bob", "s-1", "shop"), setup.of("bob", "s-1", "shop"));
        let other = setup.of("carol", "s-2", "desk");
        setup.passes(&cached).await;
        setup.passes(&other).await;
        let response = setup
            .revoke(demand(match target {
                "session" => Target::SessionId("s-1".into()),
                "subject" => Target::Subject("bob".into()),
                "client" => Target::ClientId("shop".into()),
                _ => Target::AllOfIssuer(true),
            }))
            .await;
        setup.is_revoked(&cached).await;
        setup.is_revoked(&fresh).await;
        if target == "issuer" {
            setup.is_revoked(&other).await;
        } else {
            setup.passes(&other).await;
        }
        assert_eq!(response.effective_not_before.is_some(), target != "session", "{target}");
        let sessions = u32::from(["session", "subject"].contains(&target));
        assert_eq!(response.revoked_sessions, sessions, "{target}");
    }
}

#[tokio::test]
async fn r4_a_cut_off_in_the_past_lets_pass_what_began_after_it() {
    let setup = Setup::start().await;
    let issued = |ago: i64| {
        setup.token(|claims| {
            let iat = claims["iat"].as_i64().unwrap() - ago;
            (claims["sub"], claims["iat"]) = ("bob".into(), iat.into());
        })
    };
    let (before, after) = (issued(300), issued(100));
    let now = after_epoch(&setup);
    let not_before = Some(prost_types::Timestamp { seconds: now - 200, nanos: 0 });
    let response = setup.revoke(RevokeRequest { not_before, ..demand(Target::Subject("bob".into())) }).await;
    assert_eq!(response.effective_not_before, not_before);
    setup.is_revoked(&before).await;
    setup.passes(&after).await;
}

/// The clock that the tokens' times come from.
fn after_epoch(setup: &Setup) -> i64 {
    let (_, claims) = crate::support::tokens::unverified(&setup.good());
    claims["iat"].as_i64().unwrap()
}

#[tokio::test]
async fn the_one_session_that_is_spared_goes_on_until_it_is_revoked_itself() {
    let setup = Setup::start().await;
    let (here, elsewhere) = (setup.of("bob", "here", "shop"), setup.of("bob", "elsewhere", "shop"));
    setup.passes(&here).await;
    setup.passes(&elsewhere).await;
    let subject = demand(Target::Subject("bob".into()));
    let response = setup.revoke(RevokeRequest { except_session_id: "here".into(), ..subject }).await;
    assert_eq!(response.revoked_sessions, 1);
    setup.passes(&here).await;
    setup.passes(&setup.of("bob", "here", "shop")).await;
    setup.is_revoked(&elsewhere).await;
    setup.revoke(demand(Target::SessionId("here".into()))).await;
    setup.is_revoked(&here).await;
}

#[tokio::test]
async fn r1_a_restart_goes_on_refusing() {
    let mut setup = Setup::start().await;
    let (token, session, subject) =
        (setup.good(), setup.of("bob", "s-1", "shop"), setup.of("carol", "s-2", "shop"));
    setup.passes(&session).await;
    setup.revoke(demand(Target::Token(token.clone()))).await;
    setup.revoke(demand(Target::SessionId("s-1".into()))).await;
    setup.revoke(demand(Target::Subject("carol".into()))).await;
    setup.service.kill9().await;
    setup.service.restart().await;
    setup.is_revoked(&token).await;
    setup.is_revoked(&session).await;
    setup.is_revoked(&subject).await;
    setup.passes(&setup.good()).await;
}

#[tokio::test]
async fn r8_a_revision_is_one_that_validate_knows_and_answers_with() {
    let setup = Setup::start().await;
    let revision = setup.revoke(demand(Target::TokenId("somebody".into()))).await.revision;
    let mut client = setup.service.client().await;
    let with = |min_revision: String| ValidateRequest { min_revision, ..about(setup.good()) };
    let answer = ask(&mut client, with(revision.clone())).await.unwrap();
    assert_eq!(answer.revision, revision);
    drop(token_in(answer));
    let (epoch, sequence) = revision.split_once('-').unwrap();
    let next = format!("{epoch}-{}", sequence.parse::<u64>().unwrap() + 1);
    let status = status_in(ask(&mut client, with(next)).await);
    assert_eq!((status.code(), reason_of(&status).as_str()), (Code::Unavailable, "REVOCATIONS_STALE"));
}

#[tokio::test]
async fn r10_the_unknown_the_dead_and_the_revoked_are_ok() {
    let setup = Setup::start().await;
    setup.revoke(demand(Target::SessionId("never seen".into()))).await;
    let dead = setup.token(|claims| {
        let now = claims["iat"].as_i64().unwrap();
        // So long that no clock that is set back makes it valid again.
        (claims["iat"], claims["exp"]) = ((now - 8000).into(), (now - 7400).into());
    });
    let request = RevokeRequest { propagate: true, ..demand(Target::Token(dead)) };
    assert_eq!(setup.revoke(request).await.upstream(), Upstream::NothingToSend);
    let token = Target::Token(setup.good());
    let first = setup.revoke(demand(token.clone())).await.revision;
    assert_ne!(setup.revoke(demand(token)).await.revision, first, "each is an order of its own");
}
