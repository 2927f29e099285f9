//! Callers, replicas, a store and a provider, all of which fail as they like, against what must hold whatever happens.
//!
//! The transitions and the decision are the real ones; the rest is written down here as simply as possible: an errand is a
//! refresh token on its way through a replica, and between any two of its steps any of the others may take theirs, time may pass
//! and replicas may die. `PROPTEST_CASES` says how many sequences are drawn. A sequence that found a bug stays, by its name, in
//! `found`.

mod errand;
mod found;
mod provider;
mod replica;
mod steps;
mod store;
mod world;

use std::time::Duration;

use proptest::{collection::vec, prelude::*};

use self::{
    errand::{Fate, Next},
    steps::{Act, Mishap, act, rotation},
    world::World,
};
use super::{GRACEFUL, r};
use crate::domain::rotation::{Phase, Rotation};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_session_is_refreshed_once_for_all(rotation in rotation(), acts in vec(act(), 1..150)) {
        run(rotation, &acts).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn whatever_happens_an_honest_client_keeps_its_session(rotation in rotation(), acts in vec(honest(), 1..150)) {
        run(rotation, &acts).map_err(TestCaseError::fail)?;
    }
}

/// Nobody steals, and nobody revokes.
fn honest() -> impl Strategy<Value = Act> {
    let is_honest = |act: &Act| !matches!(act, Act::Steal { .. } | Act::Revoke { .. });
    act().prop_map(move |act| if is_honest(&act) { act } else { Act::Tick { millis: 1 } })
}

fn run(rotation: Rotation, acts: &[Act]) -> Result<(), String> {
    let mut world = World::new(rotation);
    for (number, act) in acts.iter().enumerate() {
        world.act(*act).map_err(|why| format!("step {number}, {act:?}: {why}: {rotation:?} {acts:?}"))?;
    }
    finish(&mut world).map_err(|why| format!("{why}: {rotation:?} {acts:?}"))
}

fn finish(world: &mut World) -> Result<(), String> {
    settle(world)?;
    nothing_is_lost(world)?;
    the_client_goes_on(world)
}

/// Everything works from now on, and whatever is under way comes to its end.
fn settle(world: &mut World) -> Result<(), String> {
    for _round in 0..200 {
        let under_way = world.under_way();
        if under_way.is_empty() {
            return Ok(());
        }
        for which in under_way {
            world.go(which, Mishap::None).map_err(|why| format!("at the end: {why}"))?;
        }
        world.now = world.now.plus(Duration::from_millis(500));
    }
    Err(format!("it never ends: {:?}", world.errands.iter().find(|one| !matches!(one.next, Next::Done))))
}

/// F4, F5: what was handed out is in the store.
fn nothing_is_lost(world: &World) -> Result<(), String> {
    for (token, answers) in &world.seen.handed_out {
        for successor in answers.iter().filter_map(|granted| granted.successor) {
            let families = || world.store.families.values().map(|(_, family)| family);
            let is_known = families().any(|family| family.knows(&r(successor)));
            let has_ended = families().any(|family| matches!(family.phase, Phase::Ended { .. }));
            if !is_known && !has_ended && !world.seen.was_degraded {
                return Err(format!(
                    "F5: R{successor}, the answer to R{token}, was handed out and is not stored"
                ));
            }
        }
    }
    Ok(())
}

/// The session is not over, unless somebody ended it, or an answer was really lost.
fn the_client_goes_on(world: &mut World) -> Result<(), String> {
    let requests = world.requests.len();
    for _attempt in 0..60 {
        world.present(0);
        settle(world)?;
        if world.requests[requests..].iter().any(|one| matches!(one.fate, Fate::Stored(_))) {
            return Ok(());
        }
        world.now = world.now.plus(Duration::from_secs(11));
    }
    let seen = &world.seen;
    let may_be_over = seen.had_thief
        || seen.was_revoked
        || seen.was_mixed_up
        || seen.came_late
        || seen.was_degraded
        || seen.lost_answer && world.rules.rotation != Rotation::None;
    if may_be_over {
        return Ok(());
    }
    let families: Vec<_> = world.store.families.values().map(|(_, family)| &family.phase).collect();
    Err(format!("an honest client lost its session, and no answer was lost: {families:?}"))
}
