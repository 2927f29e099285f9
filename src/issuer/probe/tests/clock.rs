use super::*;
use crate::{
    domain::time::UnixTime,
    issuer::{http::Dated, probe::observed::ClockSeen},
};

/// Asked at second 1000, answered after `took`; the answer says `date` and that it is `age` old.
#[track_caller]
fn check_clock(leeway: u64, took_millis: i64, date: i64, age: u64, expected: &str) {
    let dated = Dated::At { date: UnixTime::from_secs(date), age: Duration::from_secs(age) };
    check_dated(leeway, took_millis, dated, expected);
}

#[track_caller]
fn check_dated(leeway: u64, took_millis: i64, dated: Dated, expected: &str) {
    let mut settings = settings();
    Arc::make_mut(&mut settings.policy).leeway = Duration::from_secs(leeway);
    let sent = UnixTime::from_secs(100_000);
    let received = UnixTime::from_millis(sent.as_millis() + took_millis);
    let seen = Observed { clock: Some(ClockSeen { sent, received, dated }), ..healthy() };
    let clock = judge(&settings, &seen).into_iter().find(|it| it.code.as_str().starts_with("clock")).unwrap();
    assert_eq!(format!("{}: {}", clock.code.as_str(), clock.message), expected);
}

#[test]
fn only_what_is_certain_counts() {
    // The date is a whole second: this is no difference at all.
    check_clock(0, 0, 100_000, 0, "clock: the two clocks differ by 1.0s at most");
    check_clock(0, 0, 99_999, 0, "clock: the two clocks differ by 1.0s at most");
    check_clock(
        0,
        0,
        100_001,
        0,
        "clock_differs: the provider's clock is ahead of this machine's by at least 1.0s; `leeway` is 0.0s",
    );
    // Made some time during the four seconds that it took.
    check_clock(0, 4000, 100_004, 0, "clock: the two clocks differ by 5.0s at most");
    check_clock(0, 4000, 99_999, 0, "clock: the two clocks differ by 5.0s at most");
}

#[test]
fn more_than_leeway_is_a_problem_and_more_than_half_of_it_a_warning() {
    let ahead = |seconds: i64| 100_000 + seconds;
    check_clock(60, 0, ahead(30), 0, "clock: the two clocks differ by 31s at most");
    let said = "the provider's clock is ahead of this machine's by at least";
    check_clock(60, 0, ahead(31), 0, &format!("clock_drifts: {said} 31s; `leeway` is 1m"));
    check_clock(60, 0, ahead(60), 0, &format!("clock_drifts: {said} 1m; `leeway` is 1m"));
    check_clock(60, 0, ahead(61), 0, &format!("clock_differs: {said} 1m 1s; `leeway` is 1m"));
    let said = "the provider's clock is behind this machine's by at least";
    check_clock(60, 0, ahead(-61), 0, &format!("clock_drifts: {said} 1m; `leeway` is 1m"));
    check_clock(60, 0, ahead(-7261), 0, &format!("clock_differs: {said} 2h 1m; `leeway` is 1m"));
}

#[test]
fn an_answer_from_a_cache_is_as_old_as_the_cache_says() {
    check_clock(0, 0, 100_000 - 3600, 3600, "clock: the two clocks differ by 2.0s at most");
    let said =
        "clock_differs: the provider's clock is ahead of this machine's by at least 1h; `leeway` is 0.0s";
    check_clock(0, 0, 100_000, 3600, said);
}

#[test]
fn without_a_date_nobody_can_compare() {
    let said = "clock_unknown: the answer has no `Date` to compare the clocks by";
    check_dated(60, 0, Dated::Missing, said);
    check_dated(60, 0, Dated::Unreadable, "clock_unknown: the answer's `Date` or `Age` cannot be read");
}
