//! Whom a token is sent to: one issuer at most.

use countersign::domain::reason::Reason::{IssuerMismatch, Malformed, UnknownIssuer};

use super::kit::{Said, TOKEN, World, active, introspecting, reply};
use crate::{
    support::{
        idp::Idp,
        tokens::{Signer, encode},
    },
    table::mint::Asked,
};

async fn idp() -> Idp {
    Idp::start(introspecting(|_| reply(&active()))).await
}

fn from(issuer: String) -> Asked {
    Asked { issuer, ..Asked::default() }
}

impl World {
    fn all_questions(&self) -> Vec<usize> {
        (0..self.idps.len()).map(|number| self.questions(number)).collect()
    }
}

#[tokio::test]
async fn without_introspection_an_opaque_token_is_malformed_as_ever() {
    let world = World::of(vec![(idp().await, None)]).await;
    assert_eq!(world.ask(TOKEN).await, Said::Refused(Malformed));
    assert_eq!(world.questions(0), 0);
}

#[tokio::test]
async fn the_only_issuer_that_is_asked_gets_all_others_are_not_told() {
    let world = World::of(vec![(idp().await, None), (idp().await, Some("{}"))]).await;
    assert_eq!(world.ask(TOKEN).await, Said::Good);
    assert_eq!(world.ask("..").await, Said::Good);
    assert_eq!(world.all_questions(), [0, 2]);
    let other = world.ask_for("at_2", &from(world.issuer(0))).await;
    assert_eq!(other, Said::Refused(UnknownIssuer), "one that is not asked");
    assert_eq!(
        world.ask_for("at_2", &from("https://nobody.example".to_owned())).await,
        Said::Refused(UnknownIssuer)
    );
    assert_eq!(world.all_questions(), [0, 2]);
}

#[tokio::test]
async fn of_several_the_one_that_is_named_is_asked_or_the_one_with_the_longest_prefix_or_nobody() {
    let world = World::of(vec![
        (idp().await, Some("{ prefix: [at_, x_] }")),
        (idp().await, Some("{ prefix: [at_b_] }")),
        (idp().await, Some("{}")),
    ])
    .await;
    assert_eq!(world.ask("at_1").await, Said::Good);
    assert_eq!(world.all_questions(), [1, 0, 0]);
    assert_eq!(world.ask("at_b_1").await, Said::Good);
    assert_eq!(world.all_questions(), [1, 1, 0]);
    assert_eq!(world.ask("x_1").await, Said::Good);
    assert_eq!(world.all_questions(), [2, 1, 0]);
    assert_eq!(world.ask("other").await, Said::Refused(UnknownIssuer));
    assert_eq!(world.all_questions(), [2, 1, 0]);
    assert_eq!(world.ask_for("other", &from(world.issuer(2))).await, Said::Good);
    assert_eq!(world.all_questions(), [2, 1, 1]);
    assert_eq!(
        world.ask_for("at_1", &from(world.issuer(1))).await,
        Said::Good,
        "what one said is not another's word"
    );
    assert_eq!(world.all_questions(), [2, 2, 1]);
}

#[tokio::test]
async fn an_only_issuer_with_prefixes_is_asked_about_no_other_token() {
    let world = World::of(vec![(idp().await, Some("{ prefix: [at_] }"))]).await;
    assert_eq!(world.ask("rt_1").await, Said::Refused(UnknownIssuer));
    assert_eq!(world.questions(0), 0);
    assert_eq!(world.ask(TOKEN).await, Said::Good);
}

/// Whatever is wrong with it, and whoever is named.
#[tokio::test]
async fn what_has_the_form_of_a_jws_is_never_sent() {
    let world = World::of(vec![(idp().await, Some("{}")), (idp().await, None)]).await;
    let good = world.jwt(0);
    assert_eq!(world.ask(&good).await, Said::Good);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let payload = input.split_once('.').unwrap().1;
    let header = |json: &str| format!("{}.{payload}.{signature}", encode(json));
    let forms = [
        format!("{good}="),
        format!("{input}."),
        format!("{input}.!"),
        format!("{input}.{signature}.{signature}.{signature}"),
        header("{}"),
        header("{\"alg\":\"none\"}"),
        header("{\"alg\":\"HS256\",\"alg\":\"HS256\"}"),
        header("{\"alg\":\"HS256\",\"crit\":[\"x\"]}"),
        header(" {\"alg\":1}"),
        Signer::eddsa().access_token(&serde_json::json!({"iss": world.issuer(0)})),
        Signer::eddsa().access_token(&serde_json::json!({"iss": "https://nobody.example"})),
        Signer::eddsa().access_token(&serde_json::json!({"sub": "alice"})),
    ];
    for form in &forms {
        for issuer in [String::new(), world.issuer(0)] {
            let said = world.ask_for(form, &from(issuer)).await;
            assert!(matches!(said, Said::Refused(_)), "{form}: {said:?}");
        }
    }
    assert_eq!(world.ask_for(&good, &from(world.issuer(1))).await, Said::Refused(IssuerMismatch));
    assert_eq!(world.all_questions(), [0, 0]);
}
