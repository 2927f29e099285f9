//! Sequences that found something, each by what it found.

use super::*;

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

/// The successor was presented at once by the first, and the second was taken for a thief.
#[test]
fn f7_two_tabs_of_a_laptop_that_wakes_up() {
    let first = until_stored(0).chain([but(0, Mishap::ClientGone), tick(301)]);
    let tabs = [present(0), present(1), go(0), go(0), go(0)];
    // Now the client has R1, and its second tab's R0 is on the way.
    let next = [present(2)].into_iter().chain(until_stored(1)).chain([go(0), go(0), go(0)]);
    check(Rotation::Strict, [present(0)].into_iter().chain(first).chain(tabs).chain(next));
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
