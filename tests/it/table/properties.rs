//! Verification never panics, and never accepts a token that was changed.

use countersign::domain::{
    decide::Scheme,
    kind::TokenKind,
    reason::Reason::{
        AudienceMismatch, BindingMismatch, Expired, InsufficientRole, InsufficientScope, IssuerMismatch,
        NotYetValid, WrongKind,
    },
};
use proptest::{prelude::*, strategy::ValueTree as _};

use super::{
    Expected,
    mint::{Asked, World},
};

fn with_world(test: &impl AsyncFn(&World)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::start().await;
        test(&world).await;
    });
}

fn runner(cases: u32) -> proptest::test_runner::TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
}

/// Draws `cases` values in a fixed order.
fn draw<S: Strategy>(strategy: &S, cases: u32) -> impl Iterator<Item = S::Value> {
    let mut runner = runner(cases);
    (0..cases).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

#[test]
fn no_mutated_token_is_accepted() {
    with_world(&async |world| {
        let mutation = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8, any::<u8>());
        for (which, place, how, byte) in draw(&mutation, 4000) {
            let signer = which.get(&world.signers);
            let good = world.signed_by(signer).make();
            let mut bytes = good.clone().into_bytes();
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
            let Ok(mutated) = String::from_utf8(bytes) else { continue };
            if mutated == good {
                continue;
            }
            let answer = world.ask(&mutated, &Asked::default()).await.unwrap();
            assert_ne!(
                answer,
                Expected::Good,
                "{} mutated in way {how} at {at} was accepted",
                signer.algorithm()
            );
        }
    });
}

#[test]
fn no_text_makes_it_panic() {
    with_world(&async |world| {
        for text in draw(&"\\PC{0,80}", 2000).chain(draw(&"[A-Za-z0-9_.=-]{0,200}", 2000)) {
            let answer = world.ask(&text, &Asked::default()).await.unwrap();
            assert_ne!(answer, Expected::Good);
        }
    });
}

#[test]
fn no_signed_claims_make_it_panic_and_only_sound_ones_pass() {
    with_world(&async |world| {
        let value = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            "\\PC{0,12}".prop_map(serde_json::Value::from),
            prop::collection::vec("\\PC{0,6}", 0..4).prop_map(serde_json::Value::from),
        ];
        let name = prop::sample::select(vec![
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "nbf",
            "jti",
            "sid",
            "scope",
            "roles",
            "permissions",
            "cnf",
            "client_id",
            "typ",
            "events",
            "token_use",
        ]);
        for (name, value) in draw(&(name, value), 2000) {
            let token = world.signed_by(world.signer("EdDSA")).claim(name, value.clone()).make();
            let answer = world.ask(&token, &Asked::default()).await.unwrap();
            if matches!(name, "iss" | "aud" | "cnf" | "events") {
                assert_ne!(answer, Expected::Good, "{name}: {value}");
            }
        }
    });
}

/// The boundaries of every time, second by second, and on hits as well as misses (C2).
#[tokio::test]
async fn c2_times_are_checked_on_hits_too() {
    let world = World::start().await;
    let now = super::mint::NOW;
    let ask = async |token: &str, at: i64| {
        world.clock.set(at);
        world.ask(token, &Asked::default()).await.unwrap()
    };
    // `iat` is ten seconds before now, and leeway sixty.
    for (at, expected) in [
        (now + 159, Expected::Good),
        (now + 160, Expected::Refused(Expired)),
        (now - 70, Expected::Good),
        (now - 71, Expected::Refused(NotYetValid)),
    ] {
        for came in 0..3 {
            let token = world.token().claim("exp", (now + 100).into()).claim("nbf", (now - 100).into());
            let token = token.claim("jti", format!("{at} {came}").into()).make();
            for _ in 0..came {
                assert_eq!(ask(&token, now).await, Expected::Good);
            }
            assert_eq!(ask(&token, at).await, expected, "at {at}, having come {came} times");
            assert_eq!(ask(&token, now).await, Expected::Good);
        }
    }
}

/// What one request may not have, another may: the same bytes, first good, then refused for each reason, then good.
#[tokio::test]
async fn c2_what_a_request_asks_is_checked_on_hits_too() {
    let world = World::start().await;
    let ask = async |token: &str, asked: &Asked| world.ask(token, asked).await.unwrap();
    let one = |text: &str| vec![text.to_owned()];
    for (asked, reason) in [
        (Asked { kind: TokenKind::Id, ..Asked::default() }, WrongKind),
        (Asked { issuer: "https://other.test".into(), ..Asked::default() }, IssuerMismatch),
        (Asked { audiences: one("other"), ..Asked::default() }, AudienceMismatch),
        (Asked { scopes: one("other"), ..Asked::default() }, InsufficientScope),
        (Asked { permissions: one("other"), ..Asked::default() }, InsufficientScope),
        (Asked { roles: one("other"), ..Asked::default() }, InsufficientRole),
        (Asked { scheme: Scheme::Dpop, ..Asked::default() }, BindingMismatch),
    ] {
        for came in 0..3 {
            let token = world.token().claim("jti", format!("{reason:?} {asked:?} {came}").into()).make();
            for _ in 0..came {
                assert_eq!(ask(&token, &Asked::default()).await, Expected::Good);
            }
            assert_eq!(ask(&token, &asked).await, Expected::Refused(reason), "having come {came} times");
            assert_eq!(ask(&token, &Asked::default()).await, Expected::Good);
        }
    }
}

/// Whatever a caller says, a token with `cnf` passes only with the one certificate that it names.
#[tokio::test]
async fn e8_a_token_with_cnf_is_never_a_bearer_token() {
    let world = World::start().await;
    let bound = super::good::bound(&world).make();
    let unknown = world.token().claim("cnf", serde_json::json!({"kid": "x"})).make();
    for (scheme, certificate, expected) in [
        (Scheme::Bearer, Some([7; 32]), Expected::Good),
        (Scheme::Bearer, Some([8; 32]), Expected::Refused(BindingMismatch)),
        (Scheme::Bearer, None, Expected::Refused(BindingMismatch)),
        (Scheme::Dpop, Some([7; 32]), Expected::Refused(BindingMismatch)),
    ] {
        let asked = Asked { scheme, certificate, ..Asked::default() };
        assert_eq!(world.ask(&bound, &asked).await, Ok(expected), "{scheme:?} {certificate:?}");
        assert_eq!(world.ask(&unknown, &asked).await, Ok(Expected::Refused(BindingMismatch)));
    }
}
