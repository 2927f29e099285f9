//! The table in docs/operations.md: each row is expected by a test, and each test has a row.

use std::collections::BTreeSet;

use super::{data, lives, outages};
use crate::support::operations::{PAGE, table};

/// Which test expects a row, by the text of the row's link.
const TESTS: [(&str, fn()); 9] = [
    ("stopped", outages::r7_a_stopped_redis),
    ("unreachable from one replica", outages::r7_a_redis_that_one_replica_cannot_reach),
    ("flushed", data::r12_a_flushed_redis),
    ("feed trimmed", data::r12_a_trimmed_feed),
    ("failed over with lost writes", lives::r12_a_failover_that_lost_writes),
    ("restarted empty", lives::r12_a_redis_that_comes_back_empty),
    ("maxmemory reached", outages::r7_a_full_redis),
    ("a read replica answering", outages::r7_a_read_replica_in_the_primarys_place),
    ("wrong password or ACL", outages::r7_a_password_that_is_no_longer_right),
];

/// What the page says of a fault.
#[derive(Debug)]
pub(super) struct Row {
    link: String,
    validate: String,
    revoke: String,
    readiness: String,
}

impl Row {
    /// The row with this link.
    pub(super) fn of(link: &str) -> Self {
        let row = rows().into_iter().find(|row| row.link == link);
        row.unwrap_or_else(|| panic!("{PAGE} has no row for {link:?}"))
    }

    /// Whether what is known grows old. The words are these and no others.
    pub(super) fn grows_stale(&self) -> bool {
        match self.validate.as_str() {
            "goes on; stale after `max_staleness`" | "that replica goes stale, others do not" => true,
            "unchanged" => false,
            other => panic!("no test for what Validate does: {other}"),
        }
    }

    /// Why a revocation fails; `None`: it does not.
    pub(super) fn revoke_fails(&self) -> Option<&str> {
        let word = self.revoke.split([' ', ',']).next().unwrap();
        (word != "OK").then_some(word)
    }

    /// Whether `/readyz` shows it.
    pub(super) fn degrades(&self) -> bool {
        self.readiness.contains("degraded")
    }

    /// Whether a process that starts meanwhile ends.
    pub(super) fn refuses_a_start(&self) -> bool {
        self.readiness.contains("a start is refused")
    }

    /// Whether a process that starts meanwhile waits.
    pub(super) fn delays_a_start(&self) -> bool {
        self.readiness.contains("not ready if it starts now")
    }
}

fn rows() -> Vec<Row> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let row = |cells: Vec<String>| {
        let [what, validate, revoke, readiness, _look, _act] = cells.as_slice() else { panic!("{cells:?}") };
        let (link, place) = what.strip_prefix('[').and_then(|it| it.split_once("](#")).unwrap();
        let has_section = page.lines().any(|line| {
            line.strip_prefix("### ")
                .is_some_and(|title| title.to_lowercase().replace(' ', "-") == place.trim_end_matches(')'))
        });
        assert!(has_section, "{place} is no section");
        let [link, validate, revoke, readiness] = [link, validate, revoke, readiness].map(ToOwned::to_owned);
        Row { link, validate, revoke, readiness }
    };
    table("| what happened |").into_iter().map(row).collect()
}

#[test]
fn each_row_of_the_page_has_its_test() {
    let rows: BTreeSet<String> = rows().into_iter().map(|row| row.link).collect();
    let tested: BTreeSet<String> = TESTS.iter().map(|(link, _)| (*link).to_owned()).collect();
    assert_eq!(rows, tested);
}
