//! docs/configuration.md is held to what is read.

use super::*;

const PAGE: &str = include_str!("../../../docs/configuration.md");

#[test]
fn the_tables_are_what_the_code_says() {
    let renewed = renewed_page(PAGE).unwrap();
    for (line, expected) in PAGE.lines().zip(renewed.lines()) {
        assert_eq!(line, expected, "docs/configuration.md is not up to date: `make schema`");
    }
    assert_eq!(PAGE.len(), renewed.len());
    assert!(PAGE.lines().filter(|line| line.starts_with("| `")).count() > 80);
}

#[test]
fn the_page_says_which_keys_are_refused() {
    let section = PAGE.split("## Not built in this version").nth(1).unwrap();
    assert!(section.lines().filter(|line| line.starts_with("| `")).count() > 5);
    for line in section.lines().filter_map(|line| line.strip_prefix("| `")) {
        let key = line.split_once('`').unwrap().0;
        let text = match key.strip_prefix("issuers[].") {
            Some(key) => with_issuer_lines(&format!("{key}: x")),
            None => match key.split_once('.') {
                Some((section, key)) => format!("{ISSUER}{section}: {{{key}: x}}\n"),
                None => format!("{ISSUER}{key}: x\n"),
            },
        };
        let problems = load(&text).map(|loaded| loaded.effective).unwrap_err();
        assert_eq!(problems.len(), 1, "{key}: {problems:?}");
        assert!(problems[0].contains("documented, but not built in this version"), "{problems:?}");
    }
}
