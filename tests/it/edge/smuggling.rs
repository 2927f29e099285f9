//! Attempts to be somebody else: bytes that may look like an identity header to the upstream, and like nothing to who strips them.

mod attempts;

use std::fmt::Write as _;

use attempts::{Attempt, attempts};

use super::{
    allowed::identity,
    client::exchange,
    envoy::Version,
    scene::{ALONE, BARE, CLOSED, OPEN, RAW, Scene, bearer},
};

/// Goes along with each attempt: what it caused has happened when this has been answered.
const LAST: &[u8] = b"GET /optional HTTP/1.1\r\nhost: edge.test\r\nconnection: close\r\n\r\n";

/// Where an attempt is made: the door, the route, and whether a good token goes along.
const PLACES: [(&str, &str, bool); 11] = [
    (CLOSED, "plain", true),
    (RAW, "plain", true),
    (OPEN, "plain", true),
    (BARE, "plain", true),
    (BARE, "optional", false),
    (CLOSED, "optional", false),
    (RAW, "optional", false),
    (CLOSED, "disabled", true),
    (CLOSED, "disabled", false),
    (ALONE, "plain", true),
    (ALONE, "plain", false),
];

/// The rows of the report.
type Wrong = Vec<String>;
/// Identity headers, as they came.
type Seen = Vec<(String, String)>;

async fn make(scene: &Scene, token: &str, alice: &Seen, attempt: &Attempt, wrong: &mut Wrong) {
    for (door, route, has_token) in PLACES {
        let authorization =
            if has_token { format!("authorization: {}\r\n", bearer(token)) } else { String::new() };
        let bytes = [attempt.bytes(route, &authorization), LAST.to_vec()].concat();
        let answers = exchange(scene.envoy.door(door), &bytes).await;
        let heads = scene.upstream.take();
        let place = format!("{}: at {door}, /{route}, with a token: {has_token}", attempt.name);
        for head in &heads {
            let seen = identity(head);
            let is_hers = has_token && door != ALONE && seen == *alice;
            if !seen.is_empty() && !is_hers {
                wrong.push(format!("{place}: the upstream saw {seen:?} in {:?}", head.text()));
            }
        }
        // Otherwise it would hold for an attempt that never comes near the upstream.
        let status = answers.first().map_or(0, |answer| answer.status);
        if (door, route) == (CLOSED, "plain") && status != attempt.status {
            wrong.push(format!("{place}: answered {status}"));
        }
    }
}

#[tokio::test]
async fn e2_no_spelling_of_an_identity_reaches_the_upstream() {
    let attempts = attempts();
    assert!(attempts.len() >= 40);
    let mut wrong = Wrong::new();
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let token = scene.token(&[]);
        scene.ask(CLOSED, "/plain", &token).await;
        let alice = identity(&scene.upstream.take_one());
        let before = wrong.len();
        for attempt in &attempts {
            make(&scene, &token, &alice, attempt, &mut wrong).await;
        }
        wrong[before..].iter_mut().for_each(|row| *row = format!("{version:?}: {row}"));
    }
    let report = wrong.iter().fold(String::new(), |mut report, row| {
        writeln!(report, "{row}").unwrap();
        report
    });
    assert!(wrong.is_empty(), "{} of these went wrong:\n{report}", wrong.len());
}
