//! What the scripts compute is what Rust computes.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, test_runner::Config};

use super::{
    super::super::feed::{Feed as _, Hour, Tally},
    *,
};
use crate::{domain::time::Clock as _, ops::clock::SystemClock};

/// Times that meet in few hours, and such as Lua can just count to.
fn times() -> impl Strategy<Value = UnixTime> {
    let near = (0_i64..40_000_000).prop_map(UnixTime::from_millis);
    prop_oneof![9 => near, 1 => Just(UnixTime::from_millis(i64::MAX)), 1 => Just(UnixTime::from_millis(0))]
}

/// About few targets, so that they meet.
fn revocations() -> impl Strategy<Value = Revocation> {
    let reach = prop_oneof![Just(Reach::All), times().prop_map(Reach::UpTo)];
    (0_u8..6, reach, times(), times(), times()).prop_map(|(name, reach, made_at, until, kept_until)| {
        let target = Target::subject("https://issuer.example", &name.to_string());
        Revocation { target, reach, made_at, until, kept_until }
    })
}

#[derive(Clone, Debug)]
enum Step {
    Record(Vec<Revocation>),
    Sweep(UnixTime),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let record = vec(revocations(), 0..5).prop_map(Step::Record);
    vec(prop_oneof![4 => record, 1 => times().prop_map(Step::Sweep)], 1..12)
}

async fn check(steps: Vec<Step>) {
    let store = Place::new().await.store().await;
    let mut kept: BTreeMap<Target, Revocation> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Record(revocations) => {
                for one in &revocations {
                    kept.entry(one.target).and_modify(|known| *known = known.merge(*one)).or_insert(*one);
                }
                store.record(Order { revocations, ..Order::default() }).await.unwrap();
            }
            Step::Sweep(now) => {
                // One replica's clock cannot end what Redis' own says is still to come: the year 9999 is never swept.
                let counts = now.min(SystemClock.now());
                kept.retain(|_, one| counts < one.kept_until);
                store.sweep(now).await.unwrap();
            }
        }
    }
    let mut found = store.snapshot().await.unwrap().revocations;
    found.sort_by_key(|one| one.target);
    assert_eq!(found, kept.values().copied().collect::<Vec<_>>());

    let mut tallies: BTreeMap<Hour, Tally> = BTreeMap::new();
    for one in kept.values() {
        let hour = Hour::of(one.until);
        tallies.entry(hour).or_insert_with(|| Tally::empty(hour)).add(one);
    }
    assert_eq!(store.tallies(Hour(0)).await.unwrap(), tallies.values().copied().collect::<Vec<_>>());
    for hour in tallies.keys() {
        let mut of_hour = store.of_hour(*hour).await.unwrap();
        of_hour.sort_by_key(|one| one.target);
        let expected: Vec<_> = kept.values().copied().filter(|one| Hour::of(one.until) == *hour).collect();
        assert_eq!(of_hour, expected);
    }
}

proptest! {
    #![proptest_config(Config { cases: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn r11_r12_the_copy_and_its_tallies_are_those_that_rust_computes(steps in steps()) {
        tokio::runtime::Runtime::new().unwrap().block_on(check(steps));
    }
}
