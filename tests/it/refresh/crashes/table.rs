//! The table in docs/operations.md: each row is expected by a test, and each test has a row.

use std::collections::BTreeSet;

use super::{provider, replica, store};
use crate::support::operations::{PAGE, table};

/// Which test expects a row.
const TESTS: [(&str, fn()); 12] = [
    ("callers give up, whenever", provider::f3_callers_that_give_up),
    ("a replica dies before it sends", replica::f5_death_before_the_token_is_sent),
    ("a replica dies while the provider works on it", replica::f5_death_before_the_provider_answers),
    ("a replica dies between the answer and its storing", replica::f6_death_before_the_answer_is_stored),
    ("a replica dies after it stored the answer", replica::f2_death_after_the_answer_is_stored),
    ("a replica is told to end (SIGTERM)", replica::f3_sigterm),
    ("Redis dies before the token is sent", store::f4_redis_dies_before_the_token_is_sent),
    ("Redis dies while the provider works on it", store::f4_redis_dies_before_the_provider_answers),
    ("Redis dies between the answer and its storing", store::f4_redis_dies_before_the_answer_is_stored),
    ("Redis dies after it stored the answer", store::f2_redis_dies_after_the_answer_is_stored),
    ("Redis is emptied while the provider works on it", store::f4_redis_is_emptied_meanwhile),
    ("Redis is emptied, and a token is presented again", store::f1_redis_is_emptied_afterwards),
];

/// What the page says of a failure.
#[derive(Debug)]
pub(super) struct Row {
    what: String,
    /// What the caller hears that waits for the answer.
    pub(super) told: String,
    /// What others hear one after the other, by a strict and by a graceful provider.
    pub(super) then: [Vec<String>; 2],
    /// How often the provider is sent the token, at most.
    pub(super) sent: u64,
    /// Whether a strict provider's session ends, and a graceful one's.
    pub(super) is_lost: [bool; 2],
}

impl Row {
    /// The row that begins with this.
    pub(super) fn of(what: &str) -> Self {
        let row = rows().into_iter().find(|row| row.what == what);
        row.unwrap_or_else(|| panic!("{PAGE} has no row for {what:?}"))
    }
}

fn rows() -> Vec<Row> {
    table("| failure |").iter().map(|cells| row(cells)).collect()
}

fn row(cells: &[String]) -> Row {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('`', "")).collect();
    let [what, told, strict, graceful, sent, lost] = cells.as_slice() else { panic!("{cells:?}") };
    let words = |cell: &str| cell.split(", then ").map(ToOwned::to_owned).collect();
    Row {
        what: what.clone(),
        told: told.clone(),
        then: [words(strict), words(graceful)],
        sent: match sent.as_str() {
            "once" => 1,
            "twice" => 2,
            other => panic!("no number: {other}"),
        },
        is_lost: match lost.as_str() {
            "nothing" => [false, false],
            "the session, if the provider is strict" => [true, false],
            other => panic!("no test for what is lost: {other}"),
        },
    }
}

#[test]
fn each_row_of_the_page_has_its_test() {
    let rows: BTreeSet<String> = rows().into_iter().map(|row| row.what).collect();
    let tested: BTreeSet<String> = TESTS.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert_eq!(rows, tested);
}
