use super::*;
use crate::{
    domain::{
        limit::Limit,
        rotation::{Given, Owner, Rotation, Rules},
    },
    ops::clock::SystemClock,
    store::{Pointed, testing::memory::MemoryStore},
};

const RULES: Rules = Rules {
    rotation: Rotation::Strict,
    replay: Duration::from_secs(30),
    replay_max: Duration::from_mins(10),
    lineage: Duration::from_hours(24),
    lease: Duration::from_secs(12),
    limit: Limit { burst: 10, per: Duration::from_mins(15) },
};

fn at(secs: i64) -> UnixTime {
    UnixTime::from_secs(1_000_000 + secs)
}

fn r(number: u8) -> RefreshDigest {
    RefreshDigest([number; 32])
}

/// It begins with R`first`, and each of the others came after the one before it.
fn family(first: u8, others: &[u8]) -> Family {
    let mut family = Family::new("https://idp.example", "web", r(first), at(3600));
    for next in others {
        let given = Given {
            successor: Some(r(*next)),
            whose: None,
            access_expires_at: None,
            access: None,
            binding: None,
            kept_until: at(3600),
        };
        let current = family.current;
        family = family.answered(&current, given, at(0), &RULES).unwrap();
    }
    family
}

/// Where R1 is found when these families are there, and it is said to belong to R0's.
async fn found(families: &[Family], named_after: &[u8]) -> FamilyId {
    let store = MemoryStore::default();
    for (family, first) in families.iter().zip(named_after) {
        let (id, to) = (r(*first).family(), family.clone());
        let change = Change { id, from: None, to, keep: None, forget: Vec::new(), hold: None, durably: true };
        assert!(matches!(store.swap(change).await.unwrap(), Swapped::Done(_)));
    }
    let pointed = Pointed { from: Pointer::Token(r(1)), to: r(0).family(), until: at(3600) };
    store.point(vec![pointed]).await.unwrap();
    Found::of(&store, &SystemClock, &r(1)).await.unwrap().id
}

/// Answered from memory, it was presented elsewhere before its predecessor's answer was stored.
#[tokio::test]
async fn f1_a_token_that_has_a_family_of_its_own_is_exchanged_there_and_nowhere_else() {
    assert_eq!(found(&[family(0, &[1]), family(1, &[])], &[0, 1]).await, r(1).family());
    assert_eq!(found(&[family(0, &[1]), family(1, &[2])], &[0, 1]).await, r(1).family());
}

#[tokio::test]
async fn a_token_belongs_where_it_is_said_to_if_it_is_known_there_and_not_in_its_own() {
    assert_eq!(found(&[family(0, &[1])], &[0]).await, r(0).family());
    // Spent so long ago that its own does not know it any more.
    assert_eq!(found(&[family(0, &[1]), family(2, &[3])], &[0, 1]).await, r(0).family());
    assert_eq!(found(&[family(0, &[2])], &[0]).await, r(1).family(), "who said so failed before it was true");
    assert_eq!(found(&[], &[]).await, r(1).family());
}

/// Whatever it waited for here, and however long.
#[tokio::test(start_paused = true)]
async fn f7_a_token_came_when_it_arrived_and_not_when_it_is_looked_at() {
    let arrived = Instant::now();
    tokio::time::advance(Duration::from_millis(31_005)).await;
    assert_eq!(came_at(arrived, at(40)), UnixTime::from_millis(at(9).as_millis() - 5));
}

#[tokio::test(start_paused = true)]
async fn f1_what_took_long_to_be_said_to_be_sent_is_not_sent_any_more() {
    let begun = family(0, &[]).begun(Owner([1; 16]), at(0), at(0), &RULES);
    let seat = Seat {
        id: r(0).family(),
        family: begun.clone().sent(Owner([1; 16]), at(0), &RULES).unwrap(),
        version: None,
        is_held: false,
        is_forgotten: false,
        now: at(0),
        read_at: Instant::now(),
    };
    let within = Duration::from_secs(8);
    assert!(!seat.clone().with(begun).may_send(within), "nobody was told");
    tokio::time::advance(Duration::from_secs(4)).await;
    assert!(seat.may_send(within));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!seat.may_send(within));
}
