//! The table in docs/operations.md: each row is expected by a test, and each test has a row.

use std::collections::BTreeSet;

use super::{service, store};
use crate::support::operations::{PAGE, table};

/// Which test expects a row.
const TESTS: [(&str, fn()); 7] = [
    ("the service is stopped", service::e4_the_service_is_stopped),
    ("the service is frozen", service::e4_the_service_is_frozen),
    ("the service is slower than `timeout`", service::e4_the_service_is_slow),
    ("the service is overloaded (`limits.max_concurrent`)", service::e4_the_service_is_overloaded),
    ("an issuer's keys are unavailable", service::e4_an_issuers_keys_are_unavailable),
    (
        "the store is away, `revocation.on_stale: serve`",
        store::e4_the_store_is_away_and_stale_knowledge_counts,
    ),
    (
        "the store is away, `revocation.on_stale: refuse`",
        store::e4_the_store_is_away_and_stale_knowledge_does_not_count,
    ),
];

/// What a client sees, and what Envoy counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// With `failure_mode_allow: false`, and with `true`; `None`: it passes, without identity.
    pub(super) statuses: [Option<u16>; 2],
    /// Apart from `failure_mode_allowed`, in alphabetical order.
    pub(super) counted: Vec<String>,
}

/// What the page says of a failure.
#[derive(Debug)]
pub(super) struct Row {
    what: String,
    pub(super) usual: Seen,
    /// The same with `error_response` before Envoy 1.37.
    pub(super) old: Seen,
}

impl Row {
    /// The row that begins with this.
    pub(super) fn of(what: &str) -> Self {
        let row = rows().into_iter().find(|row| row.what == what);
        row.unwrap_or_else(|| panic!("{PAGE} has no row for {what:?}"))
    }
}

fn rows() -> Vec<Row> {
    table("| when Envoy asks |").iter().map(|cells| row(cells)).collect()
}

fn row(cells: &[String]) -> Row {
    let [what, closed, open, counted, old] = cells else { panic!("{cells:?}") };
    let usual = Seen { statuses: [status(closed), status(open)], counted: words(counted) };
    let old = match old.as_str() {
        "the same" => usual.clone(),
        "403 in both, `denied`" => Seen { statuses: [Some(403); 2], counted: vec!["denied".to_owned()] },
        other => panic!("no test for {other}"),
    };
    Row { what: what.to_owned(), usual, old }
}

fn status(cell: &str) -> Option<u16> {
    match cell {
        "passes without identity" => None,
        "200" => Some(200),
        "503" => Some(503),
        other => panic!("no test for {other}"),
    }
}

fn words(cell: &str) -> Vec<String> {
    cell.split(", ").map(|word| word.trim_matches('`').to_owned()).collect()
}

#[test]
fn each_row_of_the_page_has_its_test() {
    let rows: BTreeSet<String> = rows().into_iter().map(|row| row.what).collect();
    let tested: BTreeSet<String> = TESTS.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert_eq!(rows, tested);
}
