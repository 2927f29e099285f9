//! One question for all who ask at the same time, which nobody takes from anybody, and not too many of them.

use std::time::Duration;

use countersign::domain::reason::Reason;
use futures_util::future::join_all;
use tokio::sync::watch;

use super::kit::{SOON, Said, TOKEN, World, active, introspecting, reply};
use crate::support::{
    idp::{DEADLINE, Idp, Reply},
    wait::{until, within},
};

/// An issuer that answers once it is let, and with what it is let.
async fn held(introspection: &str) -> (World, watch::Sender<bool>) {
    let (go, wait) = watch::channel(false);
    let body = active().to_string().into_bytes();
    let idp = Idp::start(introspecting(move |_| Reply::Held(wait.clone(), body.clone()))).await;
    (World::of(vec![(idp, Some(introspection))]).await, go)
}

async fn asked(world: &World, questions: usize) {
    let are_there = async || (world.questions(0) == questions).then_some(());
    until("the issuer to be asked", DEADLINE, are_there).await;
}

#[tokio::test]
async fn all_who_ask_about_a_token_share_one_question() {
    let (world, go) = held("{}").await;
    let world = &world;
    let asking = join_all((0..50).map(|_| world.ask(TOKEN)));
    let letting = async {
        asked(world, 1).await;
        go.send_replace(true);
    };
    let (said, ()) = within("the answers", DEADLINE, async { tokio::join!(asking, letting) }).await;
    assert!(said.iter().all(|said| *said == Said::Good), "{said:?}");
    assert_eq!(world.questions(0), 1);
}

#[tokio::test]
async fn a_shared_failure_is_everybodys_and_the_next_one_asks_again() {
    let world =
        World::with(|_| Reply::Late(Duration::from_millis(100), Box::new(Reply::status("500 No")))).await;
    let said = join_all((0..20).map(|_| world.ask(TOKEN))).await;
    let expected = Said::Fault("UPSTREAM_UNAVAILABLE", SOON);
    assert!(said.iter().all(|said| *said == expected), "{said:?}");
    assert_eq!(world.questions(0), 1);
    world.idps[0].change(introspecting(|_| reply(&active())));
    assert_eq!(world.ask(TOKEN).await, Said::Good, "no fault is kept");
}

#[tokio::test]
async fn k10_who_gives_up_cancels_nothing_and_a_late_answer_is_there_for_the_next() {
    let (world, go) = held("{}").await;
    tokio::select! {
        said = world.ask(TOKEN) => panic!("{said:?}"),
        () = asked(&world, 1) => {}
    }
    go.send_replace(true);
    let is_known = async || (world.ask(TOKEN).await == Said::Good).then_some(());
    until("the late answer", DEADLINE, is_known).await;
    assert_eq!(world.questions(0), 1);
}

#[tokio::test]
async fn so_many_questions_at_once_and_what_is_known_is_answered_all_the_same() {
    let (world, go) = held("{ max_concurrent: 2 }").await;
    go.send_replace(true);
    assert_eq!(world.ask("at_known").await, Said::Good);
    go.send_replace(false);
    let world = &world;
    let two = join_all(["at_1", "at_2"].map(|token| world.ask(token)));
    let third = async {
        asked(world, 3).await;
        let third = world.ask("at_3").await;
        let known = world.ask("at_known").await;
        go.send_replace(true);
        (third, known)
    };
    let (two, (third, known)) = within("the answers", DEADLINE, async { tokio::join!(two, third) }).await;
    assert_eq!(two, [Said::Good, Said::Good]);
    assert_eq!(third, Said::Fault("UPSTREAM_UNAVAILABLE", SOON));
    assert_eq!(known, Said::Good);
    assert_eq!(world.ask("at_3").await, Said::Good);
    let limited = "countersign_introspections_total{issuer=\"idp0\",outcome=\"limited\"}";
    assert_eq!(world.inner.counted(limited), 1);
}

#[tokio::test]
async fn so_many_questions_in_a_time() {
    let idp = Idp::start(introspecting(|_| reply(&serde_json::json!({"active": false})))).await;
    let world = World::of(vec![(idp, Some("{ max_per_second: 3, max_concurrent: 1000 }"))]).await;
    let tokens: Vec<_> = (0..200).map(|number| format!("at_{number}")).collect();
    let said = join_all(tokens.iter().map(|token| world.ask(token))).await;
    let answered = said.iter().filter(|said| **said == Said::Refused(Reason::Inactive)).count();
    let limited =
        said.iter().filter(|said| matches!(said, Said::Fault("UPSTREAM_UNAVAILABLE", Some(_)))).count();
    assert!((3..20).contains(&answered), "{answered}");
    assert_eq!(answered + limited, 200);
    assert_eq!(world.questions(0), answered);
}

#[tokio::test]
async fn an_issuer_that_asks_to_be_left_alone_is() {
    let world = World::with(|_| Reply::status("429 Too Many").with("retry-after", "30")).await;
    assert_eq!(world.ask("at_1").await, Said::Fault("UPSTREAM_UNAVAILABLE", Some(Duration::from_secs(30))));
    let Said::Fault("UPSTREAM_UNAVAILABLE", Some(again)) = world.ask("at_2").await else { panic!("a fault") };
    assert!(again > Duration::from_secs(20), "{again:?}");
    assert_eq!(world.questions(0), 1);
}
