use super::*;

/// R0 was exchanged for R1 at 0, and nobody has presented R1 yet.
fn rotated(rules: &Rules) -> Family {
    answered(Family::new("https://idp.example", "web", r(0), at(3600)), 0, Some(1), 0, rules)
}

fn answered(family: Family, to: u32, successor: Option<u32>, when: i64, rules: &Rules) -> Family {
    family.answered(&r(to), given(successor), at(when), rules).unwrap()
}

pub(super) fn given(successor: Option<u32>) -> Given {
    Given {
        successor: successor.map(r),
        whose: None,
        access_expires_at: None,
        access: None,
        binding: None,
        kept_until: at(3600),
    }
}

fn owner(number: u8) -> Owner {
    Owner([number; 16])
}

/// One line: R`token` is presented so many seconds after the start.
#[track_caller]
fn check(family: &Family, (token, when): (u32, i64), rules: &Rules, expected: Decision) {
    check_ms(family, (token, when * 1000), rules, expected);
}

#[track_caller]
fn check_ms(family: &Family, (token, millis): (u32, i64), rules: &Rules, expected: Decision) {
    let now = UnixTime::from_millis(at(0).as_millis() + millis);
    assert_eq!(
        decide_now(family, &r(token), None, now, rules),
        expected,
        "R{token} at {millis} ms: {family:?}"
    );
}

/// The same for one that was presented so many milliseconds after the start, and is looked at so many after it.
#[track_caller]
fn check_late(family: &Family, token: u32, (presented, now): (i64, i64), rules: &Rules, expected: Decision) {
    let after = |millis| UnixTime::from_millis(at(0).as_millis() + millis);
    let shown = Shown { token: &r(token), binding: None, at: after(presented) };
    let decision = decide(family, shown, after(now), rules);
    assert_eq!(decision, expected, "R{token} of {presented} ms, at {now} ms: {family:?}");
}

#[test]
fn f1_whoever_comes_while_one_is_at_it_waits_for_the_lease() {
    let rules = rules(Rotation::Strict);
    let new = Family::new("https://idp.example", "web", r(0), at(3600));
    check(&new, (0, 0), &rules, Decision::Begin);
    let begun = new.begun(owner(1), at(0), at(0), &rules);
    check(&begun, (0, 0), &rules, Decision::Wait { until: at(12) });
    check_ms(&begun, (0, 11_999), &rules, Decision::Wait { until: at(12) });
    // Nothing was sent: it is taken over.
    check(&begun, (0, 12), &rules, Decision::Begin);
    let sent = begun.sent(owner(1), at(5), &rules).unwrap();
    check_ms(&sent, (0, 16_999), &rules, Decision::Wait { until: at(17) });
    check(&sent, (0, 17), &rules, Decision::Begin);
}

#[test]
fn f2_an_answer_is_given_again_for_a_while_and_until_its_successor_is_presented() {
    let rules = rules(Rotation::Strict);
    let family = rotated(&rules);
    for when in [0, 30, 31, 600] {
        check(&family, (0, when), &rules, Decision::Replay);
    }
    check_ms(&family, (0, 600_001), &rules, Decision::Lost);
    check(&family, (1, 0), &rules, Decision::Begin);
    check(&family, (1, 601), &rules, Decision::Begin);
    // R1 is presented at, and R0 is replayed until.
    for (presented, until) in [(1, 30), (30, 30), (31, 31), (570, 570), (600, 600)] {
        let seen = family.clone().begun(owner(1), at(presented), at(presented), &rules);
        check(&seen, (0, presented), &rules, Decision::Replay);
        check(&seen, (0, until), &rules, Decision::Replay);
        check_ms(&seen, (0, until * 1000 + 1), &rules, Decision::Theft);
    }
    let seen_late = family.begun(owner(1), at(601), at(601), &rules);
    check(&seen_late, (0, 601), &rules, Decision::Lost);
    check_ms(&seen_late, (0, 601_001), &rules, Decision::Theft);
}

/// Only the first time that the successor is presented counts.
#[test]
fn f7_presenting_a_token_again_and_again_gives_its_predecessor_no_more_time() {
    let rules = rules(Rotation::Strict);
    let mut family = rotated(&rules);
    for when in [100, 120, 140] {
        family = family.begun(owner(1), at(when), at(when), &rules).not_sent(owner(1), &rules).unwrap();
    }
    check(&family, (0, 100), &rules, Decision::Replay);
    check_ms(&family, (0, 100_001), &rules, Decision::Theft);
}

/// Whoever presented R0 before R1 was presented is no thief, whatever has happened until somebody looks at him.
#[test]
fn f7_a_token_is_judged_as_of_when_it_was_presented() {
    let rules = rules(Rotation::Strict);
    let seen = rotated(&rules).begun(owner(1), at(302), at(305), &rules);
    let spent = answered(seen.clone(), 1, Some(2), 306, &rules);
    let long_spent = answered(spent.clone(), 2, Some(3), 400, &rules);
    for family in [&seen, &spent, &long_spent] {
        for presented in [0, 30_000, 301_000, 302_000] {
            check_late(family, 0, (presented, 307_000), &rules, Decision::Replay);
            check_late(family, 0, (presented, 9_999_000), &rules, Decision::Replay);
        }
        check_late(family, 0, (302_001, 307_000), &rules, Decision::Theft);
        check_late(family, 0, (601_000, 602_000), &rules, Decision::Theft);
    }
    let seen_too_late = rotated(&rules).begun(owner(1), at(602), at(602), &rules);
    check_late(&seen_too_late, 0, (600_000, 603_000), &rules, Decision::Replay);
    check_late(&seen_too_late, 0, (600_001, 603_000), &rules, Decision::Lost);
}

#[test]
fn f1_how_long_a_token_has_waited_changes_nothing_about_leases_and_limits() {
    let rules = rules(Rotation::Strict);
    let family =
        Family::new("https://idp.example", "web", r(0), at(3600)).begun(owner(1), at(0), at(0), &rules);
    check_late(&family, 0, (0, 11_999), &rules, Decision::Wait { until: at(12) });
    check_late(&family, 0, (0, 12_000), &rules, Decision::Begin);
    let lost = lost(Some(300), &rules);
    check_late(&lost, 0, (0, 299_999), &rules, Decision::Undecided { at: at(300) });
    check_late(&lost, 0, (0, 300_000), &rules, Decision::Begin);
}

#[test]
fn f2_a_slow_third_caller_of_a_forced_double_rotation_is_no_thief() {
    let rules = rules(Rotation::Strict);
    let begun = rotated(&rules).begun(owner(1), at(5), at(5), &rules).sent(owner(1), at(5), &rules).unwrap();
    let twice = answered(begun, 1, Some(2), 6, &rules);
    check(&twice, (0, 6), &rules, Decision::Replay);
    check(&twice, (0, 30), &rules, Decision::Replay);
    check_ms(&twice, (0, 30_001), &rules, Decision::Theft);
    check(&twice, (1, 36), &rules, Decision::Replay);
    check(&twice, (1, 600), &rules, Decision::Replay);
    check(&twice, (2, 36), &rules, Decision::Begin);
}

#[test]
fn f2_where_nothing_is_spent_an_answer_is_given_again_for_a_while_and_then_another_is_fetched() {
    for rotation in [Rotation::None, Rotation::Strict] {
        let rules = rules(rotation);
        let new = Family::new("https://idp.example", "web", r(0), at(3600));
        for successor in [None, Some(0)] {
            let family = answered(new.clone(), 0, successor, 0, &rules);
            check(&family, (0, 30), &rules, Decision::Replay);
            check_late(&family, 0, (30_000, 31_000), &rules, Decision::Replay);
            check_ms(&family, (0, 30_001), &rules, Decision::Begin);
        }
    }
}

/// A provider that lets callers converge on one token may give one again.
#[test]
fn f7_a_token_that_the_provider_gives_again_is_not_spent_any_more() {
    let rules = rules(Rotation::Strict);
    let back = answered(rotated(&rules), 1, Some(0), 100, &rules);
    check(&back, (0, 100), &rules, Decision::Begin);
    check(&back, (0, 1000), &rules, Decision::Begin);
    check(&back, (1, 101), &rules, Decision::Replay);
}

#[test]
fn f2_who_shows_another_certificate_or_none_gets_nobody_elses_tokens() {
    let rules = rules(Rotation::Strict);
    let (mine, other) = ([1; 32], [2; 32]);
    let new = Family::new("https://idp.example", "web", r(0), at(3600));
    let bound = |successor| Given { binding: Some(mine), ..given(successor) };
    let once = new.clone().answered(&r(0), bound(Some(1)), at(0), &rules).unwrap();
    let seen = once.clone().begun(owner(1), at(1), at(1), &rules);
    let twice = seen.clone().answered(&r(1), bound(Some(2)), at(2), &rules).unwrap();
    let unrotated = new.answered(&r(0), bound(None), at(0), &rules).unwrap();
    for (family, token) in [(&once, 0), (&seen, 0), (&twice, 1), (&twice, 0), (&unrotated, 0)] {
        let shown = |binding: Option<&[u8; 32]>| decide_now(family, &r(token), binding, at(3), &rules);
        assert_eq!(shown(Some(&mine)), Decision::Replay, "{family:?}");
        assert_eq!(shown(Some(&other)), Decision::OtherBinding, "{family:?}");
        assert_eq!(shown(None), Decision::OtherBinding, "{family:?}");
    }
    // What was obtained without one is given to whoever has the token, whatever he shows.
    let free = rotated(&rules);
    assert_eq!(decide_now(&free, &r(0), Some(&other), at(3), &rules), Decision::Replay);
}

#[test]
fn f2_an_older_answer_is_had_with_its_own_certificate_and_the_last_one_s() {
    let rules = rules(Rotation::Strict);
    let (mine, other) = ([1; 32], [2; 32]);
    let check = |first, second, passes: [bool; 3]| {
        let bound = |binding, successor| Given { binding, ..given(Some(successor)) };
        let new = Family::new("https://idp.example", "web", r(0), at(3600));
        let once = new.answered(&r(0), bound(first, 1), at(0), &rules).unwrap();
        let twice = once.answered(&r(1), bound(second, 2), at(1), &rules).unwrap();
        for (shown, passes) in [None, Some(&mine), Some(&other)].into_iter().zip(passes) {
            let expected = if passes { Decision::Replay } else { Decision::OtherBinding };
            assert_eq!(decide_now(&twice, &r(0), shown, at(2), &rules), expected, "{shown:?}: {twice:?}");
        }
    };
    check(None, None, [true, true, true]);
    check(Some(mine), None, [false, true, false]);
    check(None, Some(mine), [false, true, false]);
    check(Some(mine), Some(mine), [false, true, false]);
    check(Some(mine), Some(other), [false, false, false]);
}

#[test]
fn f7_a_spent_token_is_known_as_long_as_the_lineage() {
    let rules = rules(Rotation::Strict);
    let day = 24 * 3600;
    let old = answered(rotated(&rules), 1, Some(2), 60, &rules);
    for (next_at, expected) in [(day, Decision::Theft), (day + 1, Decision::Begin)] {
        let family = answered(old.clone(), 2, Some(3), next_at, &rules);
        assert_eq!(family.knows(&r(0)), expected == Decision::Theft);
        check(&family, (0, next_at), &rules, expected);
        check_ms(&family, (1, next_at * 1000 + 1), &rules, Decision::Theft);
    }
}

#[test]
fn f7_at_most_512_spent_tokens_are_known() {
    let rules = rules(Rotation::Strict);
    let mut family = rotated(&rules);
    for number in 1..600 {
        family = answered(family, number, Some(number + 1), 0, &rules);
    }
    assert_eq!(family.spent.len(), 512);
    assert!(family.knows(&r(599)) && family.knows(&r(88)) && !family.knows(&r(87)));
}

/// Sent at 0, given up at 8, and the access token ends at `access`.
fn lost(access: Option<i64>, rules: &Rules) -> Family {
    let family = Family::new("https://idp.example", "web", r(0), at(3600));
    let known = Family { access_expires_at: access.map(at), ..family };
    let sent = known.begun(owner(1), at(0), at(0), rules).sent(owner(1), at(0), rules).unwrap();
    sent.lost(owner(1), at(8), UnixTime::from_millis(0)).unwrap()
}

#[test]
fn f5_a_strict_provider_is_sent_a_token_again_when_there_is_nothing_to_spare() {
    let rules = rules(Rotation::Strict);
    check(&lost(None, &rules), (0, 8), &rules, Decision::Begin);
    check(&lost(Some(5), &rules), (0, 8), &rules, Decision::Begin);
    let family = lost(Some(300), &rules);
    check(&family, (0, 8), &rules, Decision::Undecided { at: at(300) });
    check_ms(&family, (0, 299_999), &rules, Decision::Undecided { at: at(300) });
    check(&family, (0, 300), &rules, Decision::Begin);
}

#[test]
fn f5_a_graceful_provider_is_sent_a_token_again_at_once_but_only_within_its_grace() {
    let rules = rules(GRACEFUL);
    // Given up at 8: it was sent between -4 and 8, and the grace of 30 s is over at 26 at the earliest.
    let family = lost(Some(300), &rules);
    check(&family, (0, 8), &rules, Decision::Begin);
    check_ms(&family, (0, 25_999), &rules, Decision::Begin);
    check(&family, (0, 26), &rules, Decision::Undecided { at: at(300) });
    check(&family, (0, 300), &rules, Decision::Begin);
    check(&lost(None, &rules), (0, 26), &rules, Decision::Begin);
}

/// Whoever sent it, and died, sent it a lease ago.
#[test]
fn f5_the_grace_begins_when_a_token_was_sent_even_if_nobody_gave_it_up() {
    let rules = rules(GRACEFUL);
    let family = Family { access_expires_at: Some(at(300)), ..Family::new("i", "web", r(0), at(3600)) };
    let sent = family.begun(owner(1), at(0), at(0), &rules).sent(owner(1), at(0), &rules).unwrap();
    check(&sent, (0, 12), &rules, Decision::Begin);
    check_ms(&sent, (0, 29_999), &rules, Decision::Begin);
    check(&sent, (0, 30), &rules, Decision::Undecided { at: at(300) });
    let late = sent.lost(owner(1), at(100), UnixTime::from_millis(0)).unwrap();
    check(&late, (0, 100), &rules, Decision::Undecided { at: at(300) });
}

#[test]
fn f5_where_nothing_is_spent_a_token_is_sent_again_at_once() {
    let rules = rules(Rotation::None);
    check(&lost(Some(300), &rules), (0, 8), &rules, Decision::Begin);
    check(&lost(Some(300), &rules), (0, 100), &rules, Decision::Begin);
}

#[test]
fn f10_what_the_provider_asks_for_is_waited_for() {
    for (rotation, access, until) in
        [(Rotation::None, 300, 60), (Rotation::Strict, 40, 60), (Rotation::Strict, 300, 300)]
    {
        let rules = rules(rotation);
        let family =
            Family { access_expires_at: Some(at(access)), ..Family::new("i", "web", r(0), at(3600)) };
        let sent = family.begun(owner(1), at(0), at(0), &rules).sent(owner(1), at(0), &rules).unwrap();
        let lost = sent.lost(owner(1), at(8), at(60)).unwrap();
        check(&lost, (0, 8), &rules, Decision::Undecided { at: at(until) });
        check(&lost, (0, until), &rules, Decision::Begin);
    }
}

#[test]
fn f10_the_pause_after_each_lost_answer_doubles_up_to_five_minutes() {
    let rules = Rules { limit: Limit { burst: 1000, per: Duration::from_secs(1) }, ..rules(Rotation::None) };
    let (mut family, mut now) = (Family::new("i", "web", r(0), at(3600)), 0);
    for pause in [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
        family = family.begun(owner(1), at(now), at(now), &rules).sent(owner(1), at(now), &rules).unwrap();
        family = family.lost(owner(1), at(now), UnixTime::from_millis(0)).unwrap();
        if pause > 0 {
            check(&family, (0, now), &rules, Decision::Undecided { at: at(now + pause) });
        }
        now += pause;
        check(&family, (0, now), &rules, Decision::Begin);
    }
}

#[test]
fn f8_attempts_are_limited_and_nothing_else_is() {
    let rules = rules(Rotation::None);
    let mut family = Family::new("i", "web", r(0), at(3600));
    for _attempt in 0..10 {
        check(&family, (0, 0), &rules, Decision::Begin);
        family = family.begun(owner(1), at(0), at(0), &rules);
        check(&family, (0, 0), &rules, Decision::Wait { until: at(12) });
        family.phase = Phase::Idle;
    }
    check(&family, (0, 0), &rules, Decision::Limited { retry_after: Duration::from_secs(90) });
    check_ms(&family, (0, 89_999), &rules, Decision::Limited { retry_after: Duration::from_millis(1) });
    check(&family, (0, 90), &rules, Decision::Begin);
    let replayed = answered(family, 0, Some(1), 0, &rules);
    check(&replayed, (0, 0), &rules, Decision::Replay);
    check(&replayed, (1, 0), &rules, Decision::Limited { retry_after: Duration::from_secs(90) });
}

#[test]
fn f6_an_ended_family_says_why_to_each_of_its_tokens() {
    let rules = rules(Rotation::Strict);
    for why in [Ended::Refused, Ended::Reused, Ended::OutcomeLost, Ended::Revoked] {
        let ended = rotated(&rules).ended(why, at(1));
        for token in [0, 1, 7] {
            check(&ended, (token, 1), &rules, Decision::Ended(why));
            check(&ended, (token, 9999), &rules, Decision::Ended(why));
        }
    }
}
