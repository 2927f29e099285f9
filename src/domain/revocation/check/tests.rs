use std::{cell::Cell, num::NonZeroU64};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::testing::{ISSUER, at, claims_with, compact, verified};

/// A list, which counts how often it is asked for somebody.
struct List {
    revoked: Vec<(Target, Reach)>,
    generation: NonZeroU64,
    asked: Cell<usize>,
}

impl List {
    fn of(revoked: &[(Target, Reach)]) -> Self {
        Self { revoked: revoked.to_vec(), generation: NonZeroU64::MIN, asked: Cell::new(0) }
    }
}

impl Known for List {
    fn generation(&self) -> u64 {
        self.generation.get()
    }

    fn has_any(&self, kind: TargetKind) -> bool {
        self.revoked.iter().any(|(target, _)| target.kind() == kind)
    }

    /// Merged, as a set does it.
    fn find(&self, target: &Target) -> Option<Reach> {
        self.asked.set(self.asked.get() + 1);
        self.revoked.iter().filter(|(known, _)| known == target).map(|(_, reach)| *reach).max()
    }
}

fn up_to(seconds: i64) -> Reach {
    Reach::UpTo(at(seconds))
}

/// What becomes of a token with these claims beside the usual ones, when this is revoked.
fn outcome(claims: &Value, began: Option<i64>, revoked: &[(Target, Reach)]) -> Result<(), Reason> {
    let token = verified(&claims_with(claims));
    let session = began.map(|began| SessionStanding { began_at: at(began), has_ended: false });
    let checked = check(token.at(at(0)).unwrap(), session, &LastCheck::default(), &List::of(revoked));
    checked.map(drop).map_err(|refusal| refusal.reason())
}

const REFUSED: Result<(), Reason> = Err(Reason::Revoked);

#[test]
fn r4_a_cut_off_counts_from_the_earliest_that_is_known() {
    for target in [Target::subject(ISSUER, "alice"), Target::client(ISSUER, "web"), Target::issuer(ISSUER)] {
        let check = |claims: Value, began, cut_off, expected| {
            assert_eq!(outcome(&claims, began, &[(target, up_to(cut_off))]), expected, "{target:?} {claims}");
        };
        // `iat` is a minute ago.
        check(json!({}), None, -61, Ok(()));
        check(json!({}), None, -60, REFUSED);
        // A refreshed token has a fresh `iat`, but its subject had logged in before.
        check(json!({"auth_time": at(-900).as_secs()}), None, -100, REFUSED);
        check(json!({"auth_time": at(-900).as_secs()}), None, -901, Ok(()));
        check(json!({"auth_time": at(-30).as_secs()}), None, -60, REFUSED);
        // Nor does its session's beginning change with it.
        check(json!({}), Some(-500), -100, REFUSED);
        check(json!({}), Some(-500), -501, Ok(()));
        check(json!({}), Some(-30), -60, REFUSED);
        // It could be of any age.
        check(json!({"iat": null}), None, -1_000_000, REFUSED);
        check(json!({"iat": null, "auth_time": at(-30).as_secs()}), Some(-30), -1_000_000, REFUSED);
    }
}

#[test]
fn a_token_is_concerned_by_what_is_its_own_and_by_nothing_else() {
    for other in [
        Target::token_id(ISSUER, "t2"),
        Target::token_id("https://other.example", "t1"),
        Target::session(ISSUER, "s2"),
        Target::subject(ISSUER, "bob"),
        Target::client(ISSUER, "app"),
        Target::issuer("https://other.example"),
        Target::subject(ISSUER, ""),
        Target::exception(ISSUER, "alice", "s1"),
    ] {
        assert_eq!(outcome(&json!({}), None, &[(other, Reach::All)]), Ok(()), "{other:?}");
    }
    for own in [
        Target::token_id(ISSUER, "t1"),
        Target::session(ISSUER, "s1"),
        Target::subject(ISSUER, "alice"),
        Target::client(ISSUER, "web"),
        Target::issuer(ISSUER),
    ] {
        assert_eq!(outcome(&json!({}), None, &[(own, Reach::All)]), REFUSED, "{own:?}");
    }
    // What it does not say it cannot be found by.
    let bare = json!({"client_id": null, "sid": null});
    for empty in [Target::subject(ISSUER, ""), Target::client(ISSUER, ""), Target::session(ISSUER, "")] {
        assert_eq!(outcome(&bare, None, &[(empty, Reach::All)]), Ok(()), "{empty:?}");
    }
}

#[test]
fn r5_a_token_without_an_id_is_what_its_issuer_signed() {
    let unnamed = json!({"jti": null});
    let text = compact(&claims_with(&unnamed));
    let (input, _) = text.rsplit_once('.').unwrap();
    let itself = Target::signing_input(ISSUER, input.as_bytes());
    assert_eq!(verified(&claims_with(&unnamed)).own_target(), Some(itself));
    assert_eq!(outcome(&unnamed, None, &[(itself, Reach::All)]), REFUSED);
    assert_eq!(outcome(&json!({"jti": null, "sub": "bob"}), None, &[(itself, Reach::All)]), Ok(()));
    // With an id it is found by that, in whatever form it comes.
    assert_eq!(verified(&claims_with(&json!({}))).own_target(), Some(Target::token_id(ISSUER, "t1")));
}

#[test]
fn r11_an_exception_goes_as_far_as_the_cut_off_that_it_came_with() {
    let cut_off = |seconds| (Target::subject(ISSUER, "alice"), up_to(seconds));
    let spared = |seconds| (Target::exception(ISSUER, "alice", "s1"), up_to(seconds));
    let check =
        |revoked: &[_], expected| assert_eq!(outcome(&json!({}), None, revoked), expected, "{revoked:?}");
    check(&[cut_off(-10), spared(-10)], Ok(()));
    check(&[cut_off(-10), spared(-11)], REFUSED);
    check(&[cut_off(-10), (Target::exception(ISSUER, "alice", "s2"), up_to(-10))], REFUSED);
    // A revoked session is never exempt, and a client's or an issuer's cut-off knows no exceptions.
    check(&[cut_off(-10), spared(-10), (Target::session(ISSUER, "s1"), Reach::All)], REFUSED);
    check(&[spared(-10), (Target::client(ISSUER, "web"), up_to(-10))], REFUSED);
    check(&[spared(-10), (Target::issuer(ISSUER), up_to(-10))], REFUSED);
    // Without a session there is none to spare.
    let nobody = [cut_off(-10), (Target::exception(ISSUER, "alice", ""), up_to(-10))];
    assert_eq!(outcome(&json!({"sid": null}), None, &nobody), REFUSED);
}

#[test]
fn r2_a_generation_at_which_it_was_active_needs_no_second_look_and_another_does() {
    let token = verified(&claims_with(&json!({})));
    let last = LastCheck::default();
    let look = |known: &List| {
        let before = known.asked.get();
        let checked = check(token.at(at(0)).unwrap(), None, &last, known);
        (checked.is_ok(), known.asked.get() - before)
    };
    assert_eq!(look(&List::of(&[])), (true, 0), "of a kind of which there is nothing, nobody is asked for");
    let other = (Target::token_id(ISSUER, "t2"), Reach::All);
    let mut known = List::of(&[other]);
    assert_eq!(look(&known), (true, 0), "it was active at this generation");
    known.generation = known.generation.saturating_add(1);
    assert_eq!(look(&known), (true, 1));
    assert_eq!(look(&known), (true, 0));
    known.revoked.push((Target::token_id(ISSUER, "t1"), Reach::All));
    known.generation = known.generation.saturating_add(1);
    assert_eq!(look(&known), (false, 1));
    assert_eq!(look(&known), (false, 1), "what was refused is not remembered as active");
}

/// Not the set but the session's record says so, at whatever generation that is found out.
#[test]
fn s4_a_session_that_has_ended_is_refused_even_where_nothing_was_added() {
    let (token, last, known) = (verified(&claims_with(&json!({}))), LastCheck::default(), List::of(&[]));
    let passes = |has_ended| {
        let session = SessionStanding { began_at: at(-60), has_ended };
        check(token.at(at(0)).unwrap(), Some(session), &last, &known).is_ok()
    };
    assert!(passes(false));
    assert!(!passes(true));
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::token_id(ISSUER, "t1")),
        Just(Target::session(ISSUER, "s1")),
        Just(Target::subject(ISSUER, "alice")),
        Just(Target::client(ISSUER, "web")),
        Just(Target::issuer(ISSUER)),
        Just(Target::subject(ISSUER, "bob")),
        Just(Target::exception(ISSUER, "alice", "s1")),
    ]
}

fn entry() -> impl Strategy<Value = (Target, Reach)> {
    (target(), prop_oneof![Just(Reach::All), (-200_i64..0).prop_map(up_to)])
}

proptest! {
    /// R11: in whatever order they come, and how often.
    #[test]
    fn r11_neither_order_nor_repetition_changes_the_outcome(
        revoked in proptest::collection::vec(entry(), 0..8),
        began in proptest::option::of(-200_i64..0),
    ) {
        let expected = outcome(&json!({}), began, &revoked);
        let mut other = revoked.clone();
        other.reverse();
        other.extend(revoked.iter().copied());
        prop_assert_eq!(outcome(&json!({}), began, &other), expected);
    }

    /// Whatever is revoked on top, and however much earlier the session turns out to have begun, nothing comes back.
    #[test]
    fn what_is_refused_stays_refused(
        revoked in proptest::collection::vec(entry(), 0..6),
        more in entry().prop_filter("spares nobody", |(target, _)| target.kind() != TargetKind::Exception),
        began in -200_i64..0,
        earlier in 0_i64..100,
    ) {
        if outcome(&json!({}), Some(began), &revoked).is_err() {
            let with_earlier = outcome(&json!({}), Some(began - earlier), &revoked);
            prop_assert!(with_earlier.is_err());
            let all: Vec<_> = revoked.iter().copied().chain([more]).collect();
            let with_more = outcome(&json!({}), Some(began), &all);
            prop_assert!(with_more.is_err());
        }
    }
}
