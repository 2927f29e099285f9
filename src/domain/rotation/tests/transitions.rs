use super::{decisions::given, *};
use crate::domain::revocation::Target;

const ME: Owner = Owner([1; 16]);
const OTHER: Owner = Owner([2; 16]);

fn never() -> UnixTime {
    UnixTime::from_millis(0)
}

fn strict() -> Rules {
    rules(Rotation::Strict)
}

fn new() -> Family {
    Family::new("https://idp.example", "web", r(0), at(3600))
}

/// R0 is sent at 0 by `ME`, who is then paused until the lease is over; `OTHER` sends it again at 12.
fn sent_by_me() -> Family {
    new().begun(ME, at(0), at(0), &strict()).sent(ME, at(0), &strict()).unwrap()
}

fn sent_again_by_another() -> Family {
    sent_by_me().begun(OTHER, at(12), at(12), &strict()).sent(OTHER, at(12), &strict()).unwrap()
}

fn attempt(owner: Owner, lease_until: i64, after: Option<Unknown>) -> Attempt {
    Attempt { owner, lease_until: at(lease_until), after }
}

fn unknown(first_at: i64, since: i64, times: u32) -> Unknown {
    Unknown { first_at: at(first_at), since: at(since), times, not_before: never() }
}

fn spent(token: u32, when: i64, seen: Option<i64>, binding: Option<[u8; 32]>) -> Spent {
    Spent { digest: r(token), at: at(when), successor_seen_at: seen.map(at), binding }
}

#[test]
fn f5_an_attempt_begins_is_sent_and_ends_one_way_or_the_other() {
    let begun = new().begun(ME, at(0), at(0), &strict());
    assert_eq!(begun.phase, Phase::Begun(attempt(ME, 12, None)));
    let sent = begun.sent(ME, at(3), &strict()).unwrap();
    assert_eq!(sent.phase, Phase::Sent(attempt(ME, 15, None)), "the others wait anew");
    let check =
        |after: Option<Family>, phase: Phase| assert_eq!(after.map(|family| family.phase), Some(phase));
    check(sent.clone().not_sent(ME, &strict()), Phase::Idle);
    check(
        sent.clone().lost(ME, at(8), at(60)),
        Phase::Unknown(Unknown { not_before: at(60), ..unknown(8, 8, 1) }),
    );
    check(sent.clone().answered(&r(0), given(Some(1)), at(8), &strict()), Phase::Idle);
    let ended = Phase::Ended { why: Ended::Refused, at: at(8) };
    check(Some(sent.ended(Ended::Refused, at(8))), ended);
}

#[test]
fn f5_nobody_ends_anothers_attempt() {
    let begun = new().begun(ME, at(0), at(0), &strict());
    let taken_over = begun.clone().begun(OTHER, at(12), at(12), &strict());
    let unknown = sent_by_me().lost(ME, at(8), never()).unwrap();
    for family in [new(), taken_over, sent_again_by_another(), unknown, begun.ended(Ended::Revoked, at(1))] {
        assert_eq!(family.clone().sent(ME, at(13), &strict()), None, "{family:?}");
        assert_eq!(family.clone().not_sent(ME, &strict()), None, "{family:?}");
        assert_eq!(family.clone().lost(ME, at(13), never()), None, "{family:?}");
    }
    let sent = sent_by_me();
    assert_eq!(sent.sent(ME, at(1), &strict()), None, "it is sent once");
}

#[test]
fn f5_an_owner_whose_lease_is_over_left_a_lost_answer_behind_only_if_it_had_sent() {
    let check =
        |family: &Family, when, expected| assert_eq!(family.unknown(at(when)), expected, "{family:?}");
    check(&new(), 0, None);
    check(&new().begun(ME, at(0), at(0), &strict()), 100, None);
    check(&sent_by_me(), 11, None);
    check(&sent_by_me(), 12, Some(unknown(12, 12, 1)));
    check(&sent_by_me(), 100, Some(unknown(12, 12, 1)));
    check(&sent_again_by_another(), 23, None);
    check(&sent_again_by_another(), 24, Some(unknown(12, 24, 2)));
    check(&sent_by_me().ended(Ended::Revoked, at(1)), 100, None);
}

#[test]
fn f5_what_an_earlier_attempt_left_behind_stays_known_until_an_answer_is_stored() {
    let first = sent_by_me().lost(ME, at(8), at(60)).unwrap();
    let left = Unknown { not_before: at(60), ..unknown(8, 8, 1) };
    let again = first.begun(OTHER, at(60), at(60), &strict());
    assert_eq!(again.phase, Phase::Begun(attempt(OTHER, 72, Some(left))));
    assert_eq!(again.clone().not_sent(OTHER, &strict()).unwrap().phase, Phase::Unknown(left));
    let taken_over = again.clone().begun(ME, at(72), at(72), &strict());
    assert_eq!(taken_over.phase, Phase::Begun(attempt(ME, 84, Some(left))));
    let sent = again.sent(OTHER, at(60), &strict()).unwrap();
    let twice = Unknown { not_before: at(60), ..unknown(8, 68, 2) };
    assert_eq!(sent.clone().lost(OTHER, at(68), never()).unwrap().phase, Phase::Unknown(twice));
    let answered = sent.answered(&r(0), given(Some(1)), at(61), &strict()).unwrap();
    assert_eq!((answered.unknown(at(61)), answered.current), (None, r(1)));
}

#[test]
fn f5_a_late_owner_stores_its_answer_if_nobody_stored_another() {
    let late = sent_again_by_another().answered(&r(0), given(Some(1)), at(13), &strict()).unwrap();
    assert_eq!((late.current, &late.phase, late.generation), (r(1), &Phase::Idle, 1));
    assert_eq!(late.spent, [spent(0, 13, None, None)]);
    // The other one's answer finds R0 spent, and nothing else of its attempt does anything either.
    assert_eq!(late.clone().answered(&r(0), given(Some(9)), at(14), &strict()), None);
    assert_eq!(late.clone().lost(OTHER, at(14), never()), None);
    assert_eq!(late.not_sent(OTHER, &strict()), None);
}

#[test]
fn f5_a_late_owner_overwrites_no_answer() {
    let other = sent_again_by_another().answered(&r(0), given(Some(9)), at(13), &strict()).unwrap();
    assert_eq!(other.clone().answered(&r(0), given(Some(1)), at(14), &strict()), None);
    let next = other.begun(OTHER, at(20), at(20), &strict());
    assert_eq!(next.clone().answered(&r(0), given(Some(1)), at(21), &strict()), None, "nor a later one");
    assert_eq!(next.answered(&r(9), given(Some(10)), at(21), &strict()).unwrap().current, r(10));
}

#[test]
fn f6_what_ended_a_family_first_stays_the_reason_and_no_answer_revives_it() {
    let ended = sent_by_me().ended(Ended::Revoked, at(1));
    let twice = ended.clone().ended(Ended::Reused, at(2));
    assert_eq!(twice.phase, Phase::Ended { why: Ended::Revoked, at: at(1) });
    assert_eq!(ended.answered(&r(0), given(Some(1)), at(2), &strict()), None, "F11");
}

#[test]
fn f8_an_attempt_that_was_not_sent_is_given_back_and_one_that_was_lost_is_not() {
    let rules = strict();
    let mut family = new();
    for _attempt in 0..100 {
        family = family.begun(ME, at(0), at(0), &rules).not_sent(ME, &rules).unwrap();
    }
    for _attempt in 0..10 {
        assert_eq!(decide_now(&family, &r(0), None, at(0), &rules), Decision::Begin);
        family = family.begun(ME, at(0), at(0), &rules).lost(ME, at(0), never()).unwrap();
        family.phase = Phase::Idle;
    }
    let expected = Decision::Limited { retry_after: Duration::from_secs(90) };
    assert_eq!(decide_now(&family, &r(0), None, at(0), &rules), expected);
}

#[test]
fn f12_the_first_that_is_known_of_whose_a_family_is_stays() {
    let whose = |subject: &str| {
        Some(Whose { subject: subject.to_owned(), session_id: "s1".to_owned(), began_at: at(0) })
    };
    let mut family = new();
    for (token, told, known) in
        [(0, None, None), (1, whose("alice"), whose("alice")), (2, whose("mallory"), whose("alice"))]
    {
        let told = Given { whose: told, ..given(Some(token + 1)) };
        family = family.answered(&r(token), told, at(0), &strict()).unwrap();
        assert_eq!(family.whose, known);
    }
}

#[test]
fn an_answer_says_when_the_access_token_ends_and_how_long_the_family_is_kept() {
    let target = Target::issuer("https://idp.example");
    let told = Given {
        access: Some(target),
        access_expires_at: Some(at(300)),
        kept_until: at(9999),
        ..given(Some(1))
    };
    let family = new().answered(&r(0), told, at(0), &strict()).unwrap();
    assert_eq!(
        (family.access, family.access_expires_at, family.kept_until),
        (Some(target), Some(at(300)), at(9999))
    );
    let next = family.answered(&r(1), given(Some(2)), at(1), &strict()).unwrap();
    assert_eq!(next.kept_until, at(9999), "never shorter");
    let opaque = Given { access_expires_at: Some(at(600)), ..given(Some(3)) };
    let opaque = next.answered(&r(2), opaque, at(2), &strict()).unwrap();
    assert_eq!((opaque.access, opaque.access_expires_at), (Some(target), Some(at(600))));
}

#[test]
fn f2_answers_are_kept_as_long_as_somebody_may_be_given_them() {
    let mut family = new();
    for (token, when) in [(0, 0), (1, 10), (2, 20)] {
        family = family.begun(ME, at(when), at(when), &strict());
        family = family.answered(&r(token), given(Some(token + 1)), at(when), &strict()).unwrap();
    }
    let check = |when, expected: &[RefreshDigest]| {
        let stale: Vec<_> = family.stale_answers(at(when), Duration::from_secs(30)).collect();
        assert_eq!(stale, expected, "at {when}");
    };
    // R0's answer counts from when R1 was presented, and so on; the last may be given much longer.
    check(40, &[]);
    check(41, &[r(0)]);
    check(51, &[r(0), r(1)]);
    check(9999, &[r(0), r(1)]);
}

#[test]
fn f7_of_a_successor_is_known_when_it_was_presented_first() {
    let once = new().answered(&r(0), given(Some(1)), at(5), &strict()).unwrap();
    assert_eq!(once.spent, [spent(0, 5, None, None)]);
    let begun = once.clone().begun(ME, at(9), at(10), &strict());
    assert_eq!(begun.spent, [spent(0, 5, Some(9), None)], "it may have waited");
    let again = begun.not_sent(ME, &strict()).unwrap().begun(OTHER, at(20), at(20), &strict());
    assert_eq!(again.spent, [spent(0, 5, Some(9), None)], "the first time counts");
    let twice = again.answered(&r(1), given(Some(2)), at(21), &strict()).unwrap();
    assert_eq!(twice.spent, [spent(0, 5, Some(9), None), spent(1, 21, None, None)]);
    // A late owner's answer says that it was presented, if nothing else did.
    let unheard = once.answered(&r(1), given(Some(2)), at(21), &strict()).unwrap();
    assert_eq!(unheard.spent, [spent(0, 5, Some(21), None), spent(1, 21, None, None)]);
}

#[test]
fn f2_a_certificate_is_known_as_long_as_the_answer_that_needs_it_is_kept() {
    let mine = Some([1; 32]);
    let bound = |successor| Given { binding: mine, ..given(Some(successor)) };
    let mut family = new();
    for (token, when) in [(0, 0), (1, 10), (2, 41)] {
        family = family.answered(&r(token), bound(token + 1), at(when), &strict()).unwrap();
    }
    let expected = [spent(0, 0, Some(10), None), spent(1, 10, Some(41), mine), spent(2, 41, None, mine)];
    assert_eq!(family.spent, expected);
}
