//! What an issuer that misbehaves is answered as: never as a bad token.

use super::kit::{SOON, Said, TOKEN, World, active, introspecting, reply};
use crate::support::{
    idp::{DEADLINE, Idp, Reply},
    wait::until,
};

const UNAVAILABLE: &str = "UPSTREAM_UNAVAILABLE";

async fn check(answer: impl Fn() -> Reply + Send + Sync + 'static, expected: Said) {
    let world = World::with(move |_| answer()).await;
    assert_eq!(world.ask(TOKEN).await, expected);
    // It says nothing about the token, so nothing is remembered of it.
    world.idps[0].change(introspecting(|_| reply(&active())));
    assert_eq!(world.ask(TOKEN).await, Said::Good);
}

fn status(status: &'static str, body: &'static str) -> Reply {
    Reply::Whole { status, headers: vec![], body: body.as_bytes().to_vec() }
}

#[tokio::test]
async fn an_outage_is_an_outage() {
    let later = || Said::Fault(UNAVAILABLE, SOON);
    check(|| Reply::status("500 No"), later()).await;
    check(|| Reply::status("502 No"), later()).await;
    check(|| Reply::status("503 No"), later()).await;
    check(|| Reply::status("408 Late"), later()).await;
    check(|| Reply::Stalled(""), later()).await;
    check(|| Reply::Stalled("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"active\""), later()).await;
    check(|| Reply::CutShort(active().to_string().into_bytes()), later()).await;
    check(|| Reply::Endless, later()).await;
    let long = || reply(&serde_json::json!({"active": true, "aud": "api", "x": "x".repeat(70_000)}));
    check(long, later()).await;
}

#[tokio::test]
async fn an_answer_that_says_neither_yes_nor_no_is_no_no() {
    let later = || Said::Fault(UNAVAILABLE, SOON);
    for body in [
        "",
        "<html>",
        "null",
        "[]",
        "{}",
        "{\"active\":\"false\"}",
        "{\"active\":null}",
        "{\"active\":false,\"active\":false}",
        "{\"error\":\"invalid_token\"}",
    ] {
        check(move || status("200 OK", body), later()).await;
    }
}

#[tokio::test]
async fn refused_credentials_are_ours_and_other_refusals_say_nothing() {
    let rejected = || Said::Fault("CLIENT_REJECTED", None);
    check(|| status("401 No", ""), rejected()).await;
    check(|| status("401 No", "{\"active\":false}"), rejected()).await;
    check(|| status("403 No", ""), rejected()).await;
    check(|| status("400 No", "{\"error\":\"invalid_client\"}"), rejected()).await;
    let refused = || Said::Fault(UNAVAILABLE, None);
    check(|| status("400 No", "{\"error\":\"invalid_request\"}"), refused()).await;
    check(|| status("404 No", "{\"active\":false}"), refused()).await;
    check(|| status("302 There", "").with("location", "/login"), refused()).await;
}

#[tokio::test]
async fn an_issuer_without_an_endpoint_or_metadata_cannot_be_asked() {
    let bare = |hit: &crate::support::idp::Hit| {
        let host = hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        reply(
            &serde_json::json!({"issuer": format!("http://{host}"), "jwks_uri": format!("http://{host}/keys")}),
        )
    };
    let world = World::of(vec![(Idp::start(bare).await, Some("{}"))]).await;
    assert_eq!(world.ask(TOKEN).await, Said::Fault("CLIENT_NOT_CONFIGURED", None));
    assert_eq!(world.questions(0), 0);
    // It is looked for again, so that an outage at the first question is not for ever.
    world.idps[0].change(|_| Reply::status("500 No"));
    world.ask(TOKEN).await;
    let world = World::of(vec![(Idp::start(|_| Reply::status("500 No")).await, Some("{}"))]).await;
    assert_eq!(world.ask(TOKEN).await, Said::Fault(UNAVAILABLE, SOON));
    world.idps[0].change(introspecting(|_| reply(&active())));
    assert_eq!(world.ask(TOKEN).await, Said::Good);
}

#[tokio::test]
async fn the_tokens_of_another_issuers_metadata_go_nowhere() {
    let liar = |_: &crate::support::idp::Hit| {
        reply(
            &serde_json::json!({"issuer": "https://other.example", "introspection_endpoint": "https://other.example/x"}),
        )
    };
    let world = World::of(vec![(Idp::start(liar).await, Some("{}"))]).await;
    assert_eq!(world.ask(TOKEN).await, Said::Fault(UNAVAILABLE, None));
}

/// Metadata that cannot be had must not keep an endpoint that works from being asked.
#[tokio::test]
async fn an_endpoint_that_moves_is_found_and_nobody_waits_for_that() {
    let world = World::with(|_| reply(&active())).await;
    // Asked until `done`, each time anew.
    let ask_until = async |what: &str, done: &(dyn Fn() -> bool + Sync)| {
        let asked = async || {
            assert_eq!(world.ask(TOKEN).await, Said::Good);
            world.clock.move_by(31);
            done().then_some(())
        };
        until(what, DEADLINE, asked).await;
    };
    let discoveries = || world.idps[0].paths().iter().filter(|path| path.contains("well-known")).count();
    let answer = |path: &str| path.starts_with("/introspect") || path == "/elsewhere";
    assert_eq!(world.ask(TOKEN).await, Said::Good);
    assert_eq!(discoveries(), 1);
    world.idps[0].change(move |hit| if answer(&hit.path) { reply(&active()) } else { Reply::Stalled("") });
    world.clock.move_by(31);
    ask_until("the metadata to be asked for again", &|| discoveries() > 1).await;
    world.idps[0].change(move |hit| {
        let host = hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let issuer = format!("http://{host}");
        let endpoint = format!("{issuer}/elsewhere");
        let metadata = serde_json::json!({"issuer": issuer, "introspection_endpoint": endpoint});
        reply(&if answer(&hit.path) { active() } else { metadata })
    });
    let is_elsewhere = || world.idps[0].paths().iter().any(|path| path == "/elsewhere");
    ask_until("the endpoint to be found where it is now", &is_elsewhere).await;
}
