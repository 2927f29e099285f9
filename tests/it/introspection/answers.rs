//! What an answer means, for how long, and what is asked beside it.

use countersign::domain::{
    decide::Scheme, kind::TokenKind, reason::Reason, revocation::Target, token::RawToken,
};
use serde_json::{Value, json};

use super::kit::{Said, TOKEN, World, active, reply};
use crate::table::mint::{Asked, NOW};

const HIT: &str = "countersign_cache_lookups_total{result=\"hit\"}";
const REFUSAL_HIT: &str = "countersign_cache_lookups_total{result=\"refusal_hit\"}";

fn with(others: &Value) -> Value {
    let mut answer = active();
    answer.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    answer
}

#[tokio::test]
async fn the_issuer_is_asked_as_the_rfc_says_and_by_a_client_that_proves_who_it_is() {
    let world = World::with(|_| reply(&active())).await;
    assert_eq!(world.ask("at+1/2=&x").await, Said::Good);
    let hits = world.asked(0);
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].body, "token=at%2B1%2F2%3D%26x&token_type_hint=access_token");
    // `us:hunter2`
    assert!(hits[0].head.contains("authorization: basic dxm6ahvudgvymg=="), "{}", hits[0].head);
    assert!(hits[0].head.starts_with("post /introspect "), "{}", hits[0].head);
    assert!(hits[0].head.contains("content-type: application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn what_a_request_asks_for_is_checked_on_an_answer_and_on_every_hit() {
    let world = World::with(|_| reply(&active())).await;
    let asked = Asked::default;
    let issuer = world.issuer(0);
    for _ in 0..2 {
        for (asked, expected) in [
            (asked(), Said::Good),
            (Asked { scopes: vec!["read".into()], ..asked() }, Said::Good),
            (Asked { scopes: vec!["write".into()], ..asked() }, Said::Refused(Reason::InsufficientScope)),
            (Asked { audiences: vec!["other".into()], ..asked() }, Said::Refused(Reason::AudienceMismatch)),
            (Asked { roles: vec!["admin".into()], ..asked() }, Said::Refused(Reason::InsufficientRole)),
            (Asked { issuer: issuer.clone(), ..asked() }, Said::Good),
            (Asked { scheme: Scheme::Dpop, ..asked() }, Said::Refused(Reason::BindingMismatch)),
            (Asked { kind: TokenKind::Id, ..asked() }, Said::Refused(Reason::WrongKind)),
        ] {
            assert_eq!(world.ask_for(TOKEN, &asked).await, expected, "{asked:?}");
        }
    }
    assert_eq!(world.questions(0), 1);
}

#[tokio::test]
async fn an_id_token_is_never_opaque_so_nobody_is_asked() {
    let world = World::with(|_| reply(&active())).await;
    let asked = Asked { kind: TokenKind::Id, ..Asked::default() };
    assert_eq!(world.ask_for(TOKEN, &asked).await, Said::Refused(Reason::WrongKind));
    assert_eq!(world.questions(0), 0);
}

#[tokio::test]
async fn an_answer_counts_for_the_configured_time_and_never_beyond_the_tokens_end() {
    let world = World::with(|_| reply(&active())).await;
    for (seconds, questions) in [(0, 1), (29, 1), (30, 2), (59, 2), (60, 3)] {
        world.clock.set(NOW + seconds);
        assert_eq!(world.ask(TOKEN).await, Said::Good, "{seconds}");
        assert_eq!(world.questions(0), questions, "{seconds}");
    }
    assert_eq!(world.inner.counted(HIT), 2);

    let world = World::with(|_| reply(&with(&json!({"exp": NOW + 5})))).await;
    for (seconds, questions, expected) in [
        (0, 1, Said::Good),
        (4, 1, Said::Good),
        // Within the leeway it is still good, but the issuer is asked.
        (5, 2, Said::Good),
        (65, 3, Said::Refused(Reason::Expired)),
    ] {
        world.clock.set(NOW + seconds);
        assert_eq!((world.ask(TOKEN).await, world.questions(0)), (expected, questions), "{seconds}");
    }
}

#[tokio::test]
async fn that_a_token_is_no_good_is_remembered_for_ten_seconds() {
    for (answer, reason) in [
        (json!({"active": false}), Reason::Inactive),
        (json!({"active": true, "aud": "api", "typ": "Refresh", "sub": "alice"}), Reason::WrongKind),
        (with(&json!({"iss": "https://other.example"})), Reason::UnknownIssuer),
    ] {
        let world = World::with(move |_| reply(&answer)).await;
        for (seconds, questions) in [(0, 1), (9, 1), (10, 2)] {
            world.clock.set(NOW + seconds);
            assert_eq!(world.ask(TOKEN).await, Said::Refused(reason));
            assert_eq!(world.questions(0), questions, "{seconds}");
        }
        assert_eq!(world.inner.counted(REFUSAL_HIT), 1);
        // A refusal is one token's.
        assert_eq!(world.ask("at_another").await, Said::Refused(reason));
        assert_eq!(world.questions(0), 3);
    }
}

#[tokio::test]
async fn r1_a_revoked_token_is_refused_at_once_and_by_its_bytes_without_asking() {
    let answer = with(&json!({"jti": "t1", "sid": "s1"}));
    for (revoked, asks_first) in
        [("bytes", false), ("jti", true), ("sid", true), ("sub", true), ("client", true)]
    {
        let answer = answer.clone();
        let world = World::with(move |_| reply(&answer)).await;
        let issuer = world.issuer(0);
        assert_eq!(world.ask(TOKEN).await, Said::Good);
        world.revoke(match revoked {
            "bytes" => Target::whole_token(&issuer, RawToken::new(TOKEN, 99).unwrap()),
            "jti" => Target::token_id(&issuer, "t1"),
            "sid" => Target::session(&issuer, "s1"),
            "sub" => Target::subject(&issuer, "alice"),
            _ => Target::client(&issuer, "web"),
        });
        assert_eq!(world.ask(TOKEN).await, Said::Refused(Reason::Revoked), "{revoked}");
        assert_eq!(world.questions(0), 1);
        // The issuer goes on saying that it is good.
        world.clock.move_by(40);
        assert_eq!(world.ask(TOKEN).await, Said::Refused(Reason::Revoked), "{revoked}");
        assert_eq!(world.questions(0), if asks_first { 2 } else { 1 }, "{revoked}");
    }
}

#[tokio::test]
async fn c6_an_answer_that_repeats_the_token_is_not_kept() {
    let world = World::with(|_| reply(&with(&json!({"jti": TOKEN})))).await;
    for questions in 1..3 {
        assert_eq!(world.ask(TOKEN).await, Said::Good);
        assert_eq!(world.questions(0), questions);
    }
}

#[tokio::test]
async fn the_questions_are_counted_by_what_became_of_them() {
    let counted = |world: &World, outcome: &str| {
        world
            .inner
            .counted(&format!("countersign_introspections_total{{issuer=\"idp0\",outcome=\"{outcome}\"}}"))
    };
    let world =
        World::with(|hit| reply(&json!({"active": hit.body.contains("good"), "aud": "api", "sub": "a"})))
            .await;
    for (token, expected) in [
        ("good1", Said::Good),
        ("bad1", Said::Refused(Reason::Inactive)),
        ("bad2", Said::Refused(Reason::Inactive)),
        ("good1", Said::Good),
    ] {
        assert_eq!(world.ask(token).await, expected);
    }
    assert_eq!(["active", "inactive", "failed"].map(|outcome| counted(&world, outcome)), [1, 2, 0]);
}
