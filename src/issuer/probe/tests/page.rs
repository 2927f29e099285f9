//! docs/doctor.md and the codes are held to each other.

use std::collections::BTreeSet;

use super::*;

const PAGE: &str = include_str!("../../../../docs/doctor.md");

#[test]
fn the_page_lists_every_code_with_its_severity_and_what_to_change_and_no_other() {
    let rows: BTreeSet<(String, String, String)> = PAGE
        .lines()
        .filter_map(|line| {
            let columns: Vec<_> = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ").collect();
            let [code, severity, meaning, change] = columns.as_slice() else { panic!("{line}") };
            assert!(!meaning.trim().is_empty(), "{line}");
            let change = if *change == "-" { "" } else { change };
            Some((code.trim_end_matches('`').to_owned(), (*severity).to_owned(), change.to_owned()))
        })
        .collect();
    let codes: BTreeSet<_> = Code::ALL
        .iter()
        .map(|code| {
            (code.as_str().to_owned(), code.severity().as_str().replace('_', " "), code.change().to_owned())
        })
        .collect();
    let (missing, unknown): (Vec<_>, Vec<_>) =
        (codes.difference(&rows).collect(), rows.difference(&codes).collect());
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not on the page: {missing:#?}; no codes: {unknown:#?}"
    );
    assert_eq!(codes.len(), Code::ALL.len(), "two codes have one name");
}

#[test]
fn what_is_good_needs_no_change_and_all_else_names_one() {
    for code in Code::ALL {
        assert_eq!(code.change().is_empty(), code.severity() == Severity::Ok, "{code:?}");
        assert!(!code.change().contains(['\n', '|']), "{code:?}");
    }
}
