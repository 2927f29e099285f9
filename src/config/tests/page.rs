//! docs/configuration.md and what is read are held to each other.

use std::collections::BTreeSet;

use super::*;

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// The keys in the first column of the page's tables; the others there are not in code style or not keys.
fn keys_on_the_page() -> BTreeSet<String> {
    PAGE.lines()
        .skip_while(|line| *line != "## Listening")
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect()
}

/// Every key that is asked for, sections that have keys left out.
fn keys_that_are_read() -> BTreeSet<String> {
    let env = full_environment();
    let text = format!("{FULL}key_ring: {{file: Cargo.toml}}\n");
    let mut root = tree::parse(&text, &"c.yaml".into()).unwrap();
    assert_eq!(overlay::lay_over(&mut root, &env), []);
    let mut reader = Reader::new("c.yaml".into(), &env, Path::new(env!("CARGO_MANIFEST_DIR")));
    let (_, _) = section::read_root(&mut reader, &root, all_sections);
    let known = reader.finish().unwrap().known;
    let is_section = |key: &String| {
        known
            .iter()
            .any(|other| other.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with(['.', '['])))
    };
    known.iter().filter(|key| !is_section(key)).cloned().collect()
}

#[test]
fn the_page_lists_every_key_and_no_other() {
    let (page, read) = (keys_on_the_page(), keys_that_are_read());
    let missing: Vec<_> = read.difference(&page).collect();
    let unread: Vec<_> = page.difference(&read).collect();
    assert!(missing.is_empty() && unread.is_empty(), "not on the page: {missing:?}; not read: {unread:?}");
    assert!(page.len() > 60, "{page:?}");
}

#[test]
fn the_page_says_which_keys_are_refused() {
    let section = PAGE.split("## Not built in this version").nth(1).unwrap();
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

/// Every `1KiB to 16MiB` would be too much to hold; the defaults are not.
#[test]
fn the_page_states_the_defaults() {
    let effective = good(ISSUER).effective;
    for (key, default) in PAGE.lines().filter_map(|line| {
        let mut columns = line.strip_prefix("| `")?.split(" | ");
        let key = columns.next()?.trim_end_matches('`').rsplit('.').next()?;
        let default = columns.nth(1)?.strip_prefix('`')?.strip_suffix('`')?;
        Some((key, default))
    }) {
        // Shown in the longest unit, and `listen` as the list it is.
        let default = default.replace("60s", "1m");
        let found = [format!("{key}: {default}\n"), format!("{key}: [{default}]\n")]
            .iter()
            .any(|line| effective.contains(line.as_str()));
        assert!(found || key == "encoding", "{key}: {default}");
    }
}
