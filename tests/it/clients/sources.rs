//! What the clients' sources must say.

use super::language::{LANGUAGES, Language};
use crate::readme::{blocks, root};

/// The lines between the marks, as far left as they go.
fn quotable(source: &str) -> String {
    let lines = source.lines().skip_while(|line| !line.ends_with(" docs: begin")).skip(1);
    let lines: Vec<_> = lines.take_while(|line| !line.ends_with(" docs: end")).collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let left = lines.iter().filter(|line| !line.is_empty()).map(indent).min().expect("something is quoted");
    lines.iter().map(|line| line.get(left..).unwrap_or_default().to_owned() + "\n").collect()
}

/// What a page quotes of a language.
fn quotes(page: &str, language: &Language) -> Vec<String> {
    let page = std::fs::read_to_string(root().join(page)).unwrap();
    let quotes = blocks(&page).into_iter().filter(|block| block.language == language.fence);
    quotes.map(|block| block.text).collect()
}

#[test]
fn the_pages_quote_the_clients() {
    for language in LANGUAGES {
        let source = quotable(&language.source());
        for page in ["README.md", "docs/errors.md"] {
            assert_eq!(quotes(page, &language), [source.as_str()], "{page}, {}", language.validator);
        }
    }
}

/// The `method` of every entry of a service config that has one, and how many entries there are.
fn retried(source: &str) -> (Vec<String>, usize) {
    let config: String = source.chars().filter(|c| !c.is_whitespace() && !"'\"".contains(*c)).collect();
    let word = |rest: &str| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
    // JSON and what looks like it, or Java.
    let methods = [",method:", ",method,"].into_iter().flat_map(|mark| config.split(mark).skip(1)).map(word);
    let entries = ["{service:", "of(service,"].into_iter().map(|mark| config.matches(mark).count());
    (methods.collect(), entries.sum())
}

#[test]
fn only_validate_and_batch_validate_are_retried_each_by_name() {
    for language in LANGUAGES {
        let (methods, entries) = retried(&language.source());
        assert_eq!(methods, ["Validate", "BatchValidate"], "{}", language.validator);
        assert_eq!(entries, methods.len(), "{} names a whole service", language.validator);
    }
}

#[test]
fn marked_lines_and_retried_methods_are_found() {
    assert_eq!(quotable("x\n  # docs: begin\n  a\n    b\n  # docs: end\ny\n"), "a\n  b\n");
    let both =
        r#"{"service": "a.B", "method": "One"}, Map.of("service", B, "method", "Two"), {service: 'x'}"#;
    assert_eq!(retried(both), (vec!["One".to_owned(), "Two".to_owned()], 3));
}
