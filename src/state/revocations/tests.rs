use std::thread;

use super::*;
use crate::store::Revision;

const NOW: i64 = 1_000_000;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn revocation(target: Target, reach: Reach, until: i64) -> Revocation {
    Revocation { target, reach, made_at: at(NOW), until: at(until), kept_until: at(until) }
}

fn session(number: usize) -> Target {
    Target::session("i", &number.to_string())
}

fn loaded(max_entries: u64, revocations: Vec<Revocation>) -> Revocations {
    let set = Revocations::new(max_entries);
    let revision = Revision { epoch: 1, sequence: 5 };
    set.load(Snapshot { revision, revocations }, Duration::from_secs(100), at(NOW));
    set
}

#[test]
fn r6_a_set_knows_nothing_before_its_snapshot_is_loaded() {
    let set = Revocations::new(10);
    set.add(&[revocation(session(1), Reach::All, NOW + 10)]);
    assert!(!set.is_loaded() && set.written_revision().is_empty());
    let revision = Revision { epoch: 1, sequence: 0 };
    set.load(Snapshot { revision, revocations: vec![] }, Duration::ZERO, at(NOW));
    assert!(set.is_loaded());
    assert!(set.at(at(NOW)).find(&session(1)).is_some(), "what came before the snapshot is there still");
    assert_eq!(set.written_revision(), "0000000000000001-0");
}

#[test]
fn r2_nothing_is_evicted_and_a_full_set_takes_cut_offs_still() {
    let set = loaded(100_000, vec![]);
    for number in 0..100_000 {
        set.insert(&[revocation(session(number), Reach::All, NOW + 10)]).unwrap();
    }
    let one_more = [revocation(session(100_000), Reach::All, NOW + 10)];
    assert_eq!(set.insert(&one_more), Err(Full));
    assert!(set.at(at(NOW)).find(&session(100_000)).is_none(), "nothing was done");
    set.insert(&[revocation(session(7), Reach::All, NOW + 20)]).unwrap();
    let cut_off = revocation(Target::issuer("i"), Reach::UpTo(at(NOW)), NOW + 10);
    set.insert(&[cut_off]).unwrap();
    let view = set.at(at(NOW));
    assert!((0..100_000).all(|number| view.find(&session(number)).is_some()));
    assert_eq!(view.find(&Target::issuer("i")), Some(Reach::UpTo(at(NOW))));
    assert_eq!((set.total(), set.count(TargetKind::Session)), (100_001, 100_000));
    set.set_max_entries(200_000);
    set.insert(&one_more).unwrap();
}

#[test]
fn r3_an_entry_counts_to_its_end_and_is_kept_an_hour_longer_for_a_clock_that_is_set_back() {
    let set = loaded(10, vec![]);
    set.insert(&[revocation(session(1), Reach::All, NOW + 200)]).unwrap();
    let found = |seconds| set.at(at(seconds)).find(&session(1)).is_some();
    assert!(found(NOW + 199) && !found(NOW + 200));
    set.sweep(at(NOW + 200 + 3599));
    assert!(found(NOW + 199), "the clock was set back");
    set.sweep(at(NOW + 200 + 3600));
    assert_eq!((found(NOW + 199), set.total()), (false, 0));
}

#[test]
fn r3_a_snapshot_brings_what_may_count_again_and_gives_the_life_that_is_needed_now() {
    let kept = [
        revocation(session(1), Reach::All, NOW + 10),
        revocation(Target::token_id("i", "t"), Reach::All, NOW + 10),
        revocation(session(2), Reach::All, NOW - 3600),
    ];
    let before = Revocation { made_at: at(NOW - 4000), ..kept[2] };
    let set = loaded(10, vec![kept[0], kept[1], before]);
    let found = |target: &Target, seconds| set.at(at(seconds)).find(target).is_some();
    // The longest life is 100 s: longer than the entry was given, whose tokens may be as long now.
    assert!(found(&session(1), NOW + 99) && !found(&session(1), NOW + 100));
    assert!(found(&Target::token_id("i", "t"), NOW + 99), "a token's counts for as long as it is there");
    set.sweep(at(NOW + 10 + 3600));
    assert!(!found(&Target::token_id("i", "t"), NOW + 1) && found(&session(1), NOW + 1));
    // What is made later lives as long.
    set.insert(&[revocation(session(3), Reach::All, NOW + 10)]).unwrap();
    assert!(found(&session(3), NOW + 99));
    assert!(!found(&session(2), NOW - 3601), "long past");
}

#[test]
fn r11_in_memory_too_entries_merge_to_the_later_of_each() {
    let target = Target::subject("i", "alice");
    let (early, late) = (
        revocation(target, Reach::UpTo(at(NOW)), NOW + 50),
        revocation(target, Reach::UpTo(at(NOW + 5)), NOW + 20),
    );
    for order in [[early, late], [late, early]] {
        let set = loaded(10, vec![]);
        set.insert(&order).unwrap();
        set.insert(&order[..1]).unwrap();
        assert_eq!(set.at(at(NOW + 49)).find(&target), Some(Reach::UpTo(at(NOW + 5))));
        assert_eq!(set.count(TargetKind::Subject), 1);
    }
}

#[test]
fn r8_a_revision_never_goes_back_in_its_history_and_another_history_replaces_it() {
    let set = loaded(10, vec![]);
    let recorded = |epoch, sequence| {
        set.recorded(Revision { epoch, sequence });
        set.written_revision()
    };
    assert_eq!(recorded(1, 7), "0000000000000001-7");
    assert_eq!(recorded(1, 6), "0000000000000001-7");
    assert_eq!(recorded(2, 1), "0000000000000002-1");
    assert_eq!(set.revision(), Some(Revision { epoch: 2, sequence: 1 }));
}

/// A reader that has seen the new generation finds what made it.
#[test]
fn r1_who_sees_the_generation_of_an_insertion_finds_what_was_inserted() {
    let set = loaded(1_000_000, vec![]);
    let start = set.at(at(NOW)).generation();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..20_000 {
                set.insert(&[revocation(session(number), Reach::All, NOW + 10)]).unwrap();
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let view = set.at(at(NOW));
                    let inserted = usize::try_from(view.generation() - start).unwrap();
                    assert!(inserted == 0 || view.has_any(TargetKind::Session));
                    assert!(inserted == 0 || view.find(&session(inserted - 1)).is_some());
                    if inserted == 20_000 {
                        break;
                    }
                }
            });
        }
    });
}

#[test]
fn r11_what_a_cut_off_spares_is_in_the_set_before_it() {
    let end = NOW + 10;
    let entry = |target| revocation(target, Reach::All, end);
    let all = [
        Target::subject("i", "alice"),
        Target::exception("i", "alice", "1"),
        session(1),
        Target::exception("i", "alice", "2"),
    ]
    .map(entry);
    let order: Vec<_> = exceptions_first(&all).copied().collect();
    assert_eq!(order, [all[1], all[3], all[0], all[2]]);
}
