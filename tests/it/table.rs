//! A table of good and bad tokens, each with its expected answer: every rule, not only the signature.
//!
//! The tokens go through the real validator with real configuration (three issuers: public keys from a file, a shared
//! secret, and Scalekit's shapes), at a fixed time.
#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

mod bad;
mod good;
pub(crate) mod mint;
mod properties;

use std::collections::BTreeSet;

use mint::World;

/// What a row expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Good,
    Refused(countersign::domain::reason::Reason),
}

/// A token, what is asked of it, and what the answer must be.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) token: String,
    pub(crate) asked: mint::Asked,
    pub(crate) expected: Expected,
}

#[tokio::test]
async fn every_token_of_the_table_gets_its_answer() {
    let world = World::start().await;
    let good = good::rows(&world);
    let bad = bad::rows(&world);
    assert!(good.len() >= 30, "only {} good tokens", good.len());
    assert!(bad.len() >= 100, "only {} bad tokens", bad.len());
    let names: BTreeSet<_> = good.iter().chain(&bad).map(|row| row.name).collect();
    assert_eq!(names.len(), good.len() + bad.len(), "a name stands twice");
    let mut wrong = Vec::new();
    for row in good.iter().chain(&bad) {
        // Twice: the second time from the cache, where there is something to cache.
        for pass in ["first", "cached"] {
            let answer = world.ask(&row.token, &row.asked).await;
            if answer != Ok(row.expected) {
                wrong.push(format!("{} ({pass}): expected {:?}, got {answer:?}", row.name, row.expected));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} good and {} bad tokens", good.len(), bad.len());
}
