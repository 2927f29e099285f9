use proptest::prelude::*;

use super::*;

fn revocation() -> impl Strategy<Value = Revocation> {
    let time = || (0..50_i64).prop_map(UnixTime::from_secs);
    let reach = prop_oneof![time().prop_map(Reach::UpTo), Just(Reach::All)];
    (reach, time(), time(), time()).prop_map(|(reach, made_at, until, kept_until)| Revocation {
        target: Target::subject("https://issuer.example", "alice"),
        reach,
        made_at,
        until,
        kept_until,
    })
}

/// R5: the same bytes split or meant differently are somebody else.
#[test]
fn r5_no_two_targets_share_a_key() {
    let targets = [
        Target::token_id("i", "x"),
        Target::signing_input("i", b"x"),
        Target::session("i", "x"),
        Target::subject("i", "x"),
        Target::client("i", "x"),
        Target::issuer("i"),
        Target::issuer("ix"),
        Target::exception("i", "x", ""),
        Target::exception("i", "", "x"),
        Target::subject("ix", ""),
        Target::subject("", "ix"),
        Target::exception("i", "ab", "c"),
        Target::exception("i", "a", "bc"),
    ];
    for (at, one) in targets.iter().enumerate() {
        for other in &targets[at + 1..] {
            assert_ne!(one.key(), other.key(), "{one:?} {other:?}");
        }
    }
}

/// Stores keep keys for months: they must come out the same in every release.
#[test]
fn r5_keys_never_change() {
    assert_eq!(format!("{:?}", Target::subject("https://issuer.example", "alice")), KNOWN);
}

/// Made by another implementation of the same rule.
const KNOWN: &str = "subject:2ef41bef3dc5c4204b458ea3529fe5ba";

#[test]
fn a_cut_off_reaches_its_own_second_and_what_has_no_time() {
    let cut_off = UnixTime::from_secs(100);
    let reach = Reach::UpTo(cut_off);
    assert!(reach.reaches(Some(cut_off)) && reach.reaches(None));
    assert!(!reach.reaches(Some(UnixTime::from_millis(100_001))));
    assert!(Reach::All.reaches(Some(UnixTime::from_secs(1_000_000))));
}

proptest! {
    /// R11: replay and reordering are harmless.
    #[test]
    fn r11_merging_is_a_join(a in revocation(), b in revocation(), c in revocation()) {
        prop_assert_eq!(a.merge(a), a);
        prop_assert_eq!(a.merge(b), b.merge(a));
        prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
        let merged = a.merge(b);
        for one in [a, b] {
            prop_assert!(merged.reach >= one.reach && merged.until >= one.until && merged.kept_until >= one.kept_until);
        }
    }
}
