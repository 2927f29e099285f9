//! Sequences that found something, each by what it found.

use super::*;
use crate::domain::rotation::Ended;

/// Steps of the errand that has been under way for longest, or of the n-th after it.
fn go(which: usize) -> Act {
    Act::Go { which, mishap: Mishap::None }
}

fn but(which: usize, mishap: Mishap) -> Act {
    Act::Go { which, mishap }
}

fn present(replica: usize) -> Act {
    Act::Present { replica }
}

fn tick(secs: i64) -> Act {
    Act::Tick { millis: secs * 1000 }
}

/// What comes to `Store` has taken six steps: look, begin, say that it is sent, send, be processed, hear of it.
fn until_stored(which: usize) -> impl Iterator<Item = Act> {
    std::iter::repeat_n(go(which), 7)
}

#[track_caller]
fn check(rotation: Rotation, acts: impl IntoIterator<Item = Act>) {
    run(rotation, &acts.into_iter().collect::<Vec<_>>()).unwrap();
}

/// R0's answer did not arrive; 301 seconds later, two tabs present R0 again, and the first is handed R1.
fn two_tabs() -> impl Iterator<Item = Act> {
    let answered = [present(0)].into_iter().chain(until_stored(0)).chain([but(0, Mishap::ClientGone)]);
    answered.chain([tick(301), present(0), present(1), go(0), go(0), go(0)])
}

/// The successor was presented at once by the first, and the second, which had come before that, was taken for a thief.
#[test]
fn f7_two_tabs_of_a_laptop_that_wakes_up() {
    let mut world = World::new(Rotation::Strict);
    // Now the client has R1, and its second tab's R0 is on the way.
    let next = [tick(1), present(2)].into_iter().chain(until_stored(1)).chain([go(1), tick(1)]);
    for act in two_tabs().chain(next).chain([go(0), go(0), go(0)]) {
        world.act(act).unwrap();
    }
    let handed_out = &world.seen.handed_out[&0];
    assert_eq!(handed_out.len(), 3, "R1, which was lost once, to each tab: {handed_out:?}");
    finish(&mut world).unwrap();
}

/// And one that comes after that is.
#[test]
fn f7_a_tab_that_comes_after_its_successor_did() {
    let mut world = World::new(Rotation::Strict);
    let next = [tick(1), present(2)].into_iter().chain(until_stored(1)).chain([go(1), tick(1)]);
    let late = [Act::Steal { replica: 1, which: 0 }, go(1), go(1)];
    for act in two_tabs().chain(next).chain(late) {
        world.act(act).unwrap();
    }
    let phases: Vec<_> = world.store.families.values().map(|(_, family)| &family.phase).collect();
    assert!(matches!(phases[..], [Phase::Ended { why: Ended::Reused, .. }]), "{phases:?}");
}

/// The other replica took R1 for one that nobody had seen, and so R1 had two families, both of which sent it.
#[test]
fn f1_an_answer_that_is_given_from_memory_is_presented_elsewhere_before_it_is_stored() {
    let answered = [present(0)].into_iter().chain(std::iter::repeat_n(go(0), 6));
    // The one that stores it later comes after the one that answers from memory.
    let from_memory = [but(0, Mishap::NoStore), go(0)];
    let elsewhere = [present(1), go(1), go(1), go(1), go(1)];
    let stored_at_last = [go(0)];
    let again = [present(2), go(1), go(1), go(1), go(1)];
    let acts = answered.chain(from_memory).chain(elsewhere).chain(stored_at_last).chain(again);
    let acts: Vec<_> = acts.collect();
    let mut world = World::new(Rotation::Strict);
    for act in acts {
        world.act(act).unwrap();
    }
    let sent = world.requests.iter().filter(|one| one.token == 1).count();
    assert_eq!(sent, 1, "{:?}", world.requests);
}

/// A paused sender has to look at the time: when it sends, others may be at it.
#[test]
fn f1_a_replica_that_is_paused_before_it_sends() {
    let paused = [present(0), go(0), go(0), go(0), tick(13)];
    let other = [present(1), go(1), go(1), go(1), go(1), go(0)];
    check(GRACEFUL, paused.into_iter().chain(other));
}

/// The second use is processed before the first one's owner goes on.
#[test]
fn f5_a_late_owner_comes_while_another_is_sending() {
    for rotation in [GRACEFUL, Rotation::Strict] {
        let paused = [present(0), go(0), go(0), go(0), go(0), go(0), tick(13)];
        let other = [present(1), go(1), go(1), go(1), go(1), go(1), go(0), go(0), go(0)];
        check(rotation, paused.into_iter().chain(other));
    }
}
