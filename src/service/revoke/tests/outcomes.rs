//! What is refused, stored and said.

use super::rig::{ISSUER, NOW, Rig, token};
use crate::{
    domain::{
        revocation::{Reach, Target},
        time::UnixTime,
    },
    service::{
        propagate::Upstream,
        revoke::{Aim, Demand, Named, NotRevoked},
    },
};

fn about(aim: Aim<'_>) -> Demand<'_> {
    Demand { aim, issuer: ISSUER, not_before: None, except_session_id: "", reason: "", propagate: false }
}

fn named(named: Named<'_>) -> Demand<'_> {
    about(Aim::Named(named))
}

fn secs(secs: i64) -> UnixTime {
    UnixTime::from_secs(secs)
}

#[tokio::test]
async fn r1_what_is_answered_is_stored_and_refused_here() {
    let rig = Rig::start().await;
    let shown = token(|_| {});
    let cases = [
        (about(Aim::Token(&shown)), Target::token_id(ISSUER, "t-1")),
        (named(Named::TokenId("t-2")), Target::token_id(ISSUER, "t-2")),
        (named(Named::Session("s")), Target::session(ISSUER, "s")),
        (named(Named::Subject("alice")), Target::subject(ISSUER, "alice")),
        (named(Named::Client("app")), Target::client(ISSUER, "app")),
        (named(Named::AllOfIssuer), Target::issuer(ISSUER)),
    ];
    for (at, (demand, target)) in (1..).zip(cases) {
        let revoked = rig.revoke(demand).await.unwrap();
        assert_eq!(revoked.done.revision.sequence, at);
        assert_eq!(revoked.upstream, Upstream::NotAsked);
        assert_eq!(rig.known(&target), rig.stored(&target), "{target:?}");
        assert!(rig.known(&target).is_some(), "{target:?}");
        assert_eq!(rig.revocations.revision(), Some(revoked.done.revision), "the set is as new as the store");
    }
}

#[tokio::test]
async fn r3_each_kind_lives_as_long_as_it_can_match() {
    let rig = Rig::start().await;
    let (hour, minute, session) = (3_600, 60, 90 * 86_400);
    let shown = token(|_| {});
    rig.revoke(about(Aim::Token(&shown))).await.unwrap();
    let kept = rig.store.revocation(&Target::token_id(ISSUER, "t-1")).unwrap();
    assert_eq!((kept.until, kept.kept_until), (secs(NOW + 600 + minute), secs(NOW + 600 + minute)));
    rig.revoke(named(Named::TokenId("t-2"))).await.unwrap();
    let kept = rig.store.revocation(&Target::token_id(ISSUER, "t-2")).unwrap();
    // It may have been issued by a clock that is ahead by the leeway.
    assert_eq!((kept.until, kept.kept_until), (secs(NOW + hour + 2 * minute), secs(NOW + hour + 2 * minute)));
    rig.revoke(named(Named::Session("s"))).await.unwrap();
    let kept = rig.store.revocation(&Target::session(ISSUER, "s")).unwrap();
    assert_eq!(kept.until, secs(NOW + hour + 2 * minute));
    assert_eq!(kept.kept_until, secs(NOW + hour + 2 * minute + session));
    let not_before = Some(secs(NOW + 30));
    rig.revoke(Demand { not_before, ..named(Named::Client("app")) }).await.unwrap();
    let kept = rig.store.revocation(&Target::client(ISSUER, "app")).unwrap();
    assert_eq!(kept.until, secs(NOW + 30 + hour + minute));
    assert_eq!(kept.kept_until, secs(NOW + 30 + hour + minute + session));
}

#[tokio::test]
async fn r4_a_cut_off_without_a_time_is_now_in_whole_seconds_and_the_issuers_clock_ahead() {
    let rig = Rig::start().await;
    for (millis, expected) in [(NOW * 1000, NOW + 2), (NOW * 1000 + 1, NOW + 3), (NOW * 1000 + 999, NOW + 3)]
    {
        rig.set_millis(millis);
        let id = millis.to_string();
        let revoked = rig.revoke(named(Named::Subject(&id))).await.unwrap();
        assert_eq!(revoked.done.effective_not_before, Some(secs(expected)), "{millis}");
        let reach = rig.known(&Target::subject(ISSUER, &id)).unwrap();
        assert_eq!(reach, Reach::UpTo(secs(expected)));
    }
    let single = rig.revoke(named(Named::Session("s"))).await.unwrap();
    assert_eq!(single.done.effective_not_before, None, "a session has none");
}

#[tokio::test]
async fn r5_all_byte_forms_of_a_token_without_an_id_are_one() {
    let rig = Rig::start().await;
    let shown = token(|claims| {
        claims.as_object_mut().unwrap().remove("jti");
    });
    rig.revoke(about(Aim::Token(&shown))).await.unwrap();
    let (input, _) = shown.rsplit_once('.').unwrap();
    assert!(rig.known(&Target::signing_input(ISSUER, input.as_bytes())).is_some());
}

#[tokio::test]
async fn r10_the_unknown_and_the_dead_are_ok() {
    let rig = Rig::start().await;
    for demand in [named(Named::TokenId("never seen")), named(Named::Session("never seen"))] {
        assert_eq!(rig.revoke(demand).await.unwrap().done.sessions, 0);
    }
    let before = (rig.store.attempts(), rig.revocations.total());
    let dead = token(|claims| {
        claims["iat"] = (NOW - 4300).into();
        claims["exp"] = (NOW - 3660).into();
    });
    let revoked = rig.revoke(Demand { propagate: true, ..about(Aim::Token(&dead)) }).await.unwrap();
    assert_eq!(revoked.upstream, Upstream::NothingToSend);
    assert_eq!(Some(revoked.done.revision), rig.revocations.revision());
    assert_eq!((rig.store.attempts(), rig.revocations.total()), before, "nothing has to be kept");
    assert!(rig.has_counted(r#"countersign_revoke_requests_total{target="token",outcome="dead"} 1"#));
    let dying = token(|claims| {
        claims["iat"] = (NOW - 4300).into();
        claims["exp"] = (NOW - 3659).into();
    });
    rig.revoke(about(Aim::Token(&dying))).await.unwrap();
    let kept = rig.store.revocation(&Target::token_id(ISSUER, "t-1"));
    assert!(kept.is_some(), "if the clock is set back by an hour, it still passes");
}

#[tokio::test]
async fn r11_the_later_of_two_cut_offs_counts_and_is_the_one_that_is_said() {
    let rig = Rig::start().await;
    let up_to = |time: i64| Demand { not_before: Some(secs(time)), ..named(Named::Subject("alice")) };
    for (asked, effective) in [(NOW, NOW), (NOW - 500, NOW), (NOW + 9, NOW + 9)] {
        let revoked = rig.revoke(up_to(asked)).await.unwrap();
        assert_eq!(revoked.done.effective_not_before, Some(secs(effective)), "{asked}");
    }
}

#[tokio::test]
async fn a_subjects_sessions_end_with_it_but_for_the_one_that_is_spared() {
    let rig = Rig::start().await;
    rig.saw(&[("s-1", "alice", 50), ("s-2", "alice", 40), ("here", "alice", 30), ("s-4", "bob", 20)]).await;
    let demand = Demand { except_session_id: "here", ..named(Named::Subject("alice")) };
    let revoked = rig.revoke(demand).await.unwrap();
    assert_eq!(revoked.done.sessions, 2);
    let session = |id: &str| Target::session(ISSUER, id);
    for ended in ["s-1", "s-2"] {
        assert_eq!(rig.known(&session(ended)), Some(Reach::All), "{ended}");
        assert!(rig.store.session(&session(ended)).unwrap().ended_at.is_some(), "{ended}");
    }
    for alive in ["here", "s-4"] {
        assert!(rig.known(&session(alive)).is_none(), "{alive}");
        assert!(rig.store.session(&session(alive)).unwrap().ended_at.is_none(), "{alive}");
    }
    let exception = rig.known(&Target::exception(ISSUER, "alice", "here")).unwrap();
    assert_eq!(exception, Reach::UpTo(revoked.done.effective_not_before.unwrap()));
    assert_eq!(rig.revoke(demand).await.unwrap().done.sessions, 0, "they have ended already");
}

#[tokio::test]
async fn a_session_that_is_revoked_counts_once() {
    let rig = Rig::start().await;
    rig.saw(&[("s-1", "alice", 50)]).await;
    let session = named(Named::Session("s-1"));
    assert_eq!(rig.revoke(session).await.unwrap().done.sessions, 1);
    assert_eq!(rig.revoke(session).await.unwrap().done.sessions, 0);
}

#[tokio::test]
async fn r2_a_full_set_takes_cut_offs_and_what_it_knows_and_no_other_single_target() {
    let rig = Rig::start().await;
    for id in 0..1000 {
        rig.revoke(named(Named::TokenId(&id.to_string()))).await.unwrap();
    }
    let stored = rig.store.sequence();
    for demand in [named(Named::TokenId("more")), named(Named::Session("more"))] {
        assert_eq!(rig.revoke(demand).await.err(), Some(NotRevoked::Full));
    }
    assert_eq!(rig.store.sequence(), stored, "nothing was done");
    rig.revoke(named(Named::TokenId("7"))).await.unwrap();
    for demand in [named(Named::Subject("a")), named(Named::Client("a")), named(Named::AllOfIssuer)] {
        rig.revoke(demand).await.unwrap();
    }
    assert!(rig.has_counted(r#"countersign_revoke_requests_total{target="session",outcome="fault"} 1"#));
}

/// Both within one second, so that their cut-offs would be the same.
#[tokio::test]
async fn r11_whoever_revokes_the_subject_again_means_the_session_that_was_spared() {
    let rig = Rig::start().await;
    let sparing = Demand { except_session_id: "here", ..named(Named::Subject("alice")) };
    let first = rig.revoke(sparing).await.unwrap().done.effective_not_before.unwrap();
    let exception = Target::exception(ISSUER, "alice", "here");
    assert_eq!(rig.known(&exception), Some(Reach::UpTo(first)));
    let again = rig.revoke(sparing).await.unwrap().done.effective_not_before.unwrap();
    assert_eq!(again, first, "the same again changes nothing");
    let all = rig.revoke(named(Named::Subject("alice"))).await.unwrap().done.effective_not_before.unwrap();
    assert!(all > first);
    assert_eq!(rig.known(&Target::subject(ISSUER, "alice")), Some(Reach::UpTo(all)));
    assert!(rig.known(&exception).unwrap() < Reach::UpTo(all), "it is spared no more");
}
