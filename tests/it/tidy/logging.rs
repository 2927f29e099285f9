//! docs/logging.md and the lines that the sources can write are held to each other.

use std::{collections::BTreeSet, fmt, fs, path::Path};

use super::sources::rust_sources;

/// A line of the log: its level, its message, its fields in the order of the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    message: String,
    level: String,
    fields: Vec<String>,
}

/// As a row of the page.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.fields.iter().map(|field| format!("`{field}`")).collect();
        write!(f, "| {} | {} | {} |", self.level, self.message, fields.join(", "))
    }
}

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Without `target: "..."`, behind which fields stand in braces.
fn flat(arguments: Vec<String>) -> Vec<String> {
    let inner = |argument: String| match argument.strip_prefix('{') {
        Some(fields) => self::arguments(&format!("{})", fields.strip_suffix('}').expect("closed"))),
        None => vec![argument],
    };
    arguments.into_iter().filter(|argument| !argument.starts_with("target:")).flat_map(inner).collect()
}

/// Every line that the code of one file can write.
fn lines_in(code: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for level in LEVELS {
        let call = format!("tracing::{level}!(");
        for (at, start) in code.match_indices(&call) {
            lines.push(line(level, &flat(arguments(&code[at + start.len()..]))));
        }
    }
    lines
}

fn line(level: &str, arguments: &[String]) -> Line {
    let (message, fields) = arguments.split_last().expect("a line says something");
    let message = message.strip_prefix('"').and_then(|message| message.strip_suffix('"'));
    let message = message.unwrap_or_else(|| panic!("not a fixed message: {arguments:?}")).to_owned();
    assert!(!message.contains('{'), "not a fixed message: {message}");
    let name =
        |field: &String| field.split('=').next().unwrap().trim().trim_start_matches(['%', '?']).to_owned();
    Line { message, level: level.to_owned(), fields: fields.iter().map(name).collect() }
}

/// The arguments of a macro whose opening parenthesis has just been passed; a string's `\` at the end of a line is undone.
fn arguments(code: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let (mut depth, mut in_string) = (0_u32, false);
    let mut characters = code.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if in_string => {
                let escaped = characters.next().unwrap();
                if escaped == '\n' {
                    while characters.next_if(|next| next.is_whitespace()).is_some() {}
                } else {
                    arguments.last_mut().unwrap().push(escaped);
                }
                continue;
            }
            '"' => in_string = !in_string,
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' if !in_string && depth == 0 => break,
            ')' | ']' | '}' if !in_string => depth -= 1,
            ',' if !in_string && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(character);
    }
    arguments
        .iter()
        .map(|argument| argument.trim().to_owned())
        .filter(|argument| !argument.is_empty())
        .collect()
}

fn lines_of_the_sources() -> BTreeSet<Line> {
    rust_sources().iter().flat_map(|source| lines_in(&source.code)).collect()
}

/// The first three columns of the page's tables.
fn rows_of_the_page() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/logging.md");
    let page = fs::read_to_string(page).unwrap();
    let is_row = |line: &&str| LEVELS.iter().any(|level| line.starts_with(&format!("| {level} |")));
    page.lines()
        .filter(is_row)
        .map(|row| {
            let columns: Vec<_> = row.split('|').collect();
            assert!(columns.len() == 6 && columns[4].trim().len() > 20, "say what it means: {row}");
            columns[..4].join("|") + "|"
        })
        .collect()
}

#[test]
fn docs_logging_md_has_exactly_the_lines_that_the_sources_can_write() {
    let page = rows_of_the_page();
    let rows: BTreeSet<_> = page.iter().cloned().collect();
    assert_eq!(rows.len(), page.len(), "a row is there twice");
    let lines: BTreeSet<_> = lines_of_the_sources().iter().map(ToString::to_string).collect();
    let missing: Vec<_> = lines.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&lines).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not on the page: {missing:#?}\nnot in the sources: {gone:#?}"
    );
    assert!(lines.len() > 30, "{lines:#?}");
}

#[test]
fn log_fields_have_dotted_names_of_their_own() {
    for Line { message, fields, .. } in lines_of_the_sources() {
        for field in fields {
            let is_name = |part: &str| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            };
            let dotted = field.contains('.') && field.split('.').all(is_name);
            assert!(dotted, "`{field}` of `{message}` is not like `server.address`");
        }
    }
}

/// Otherwise the scan would miss them.
#[test]
fn log_macros_are_named_in_full_and_nothing_is_instrumented() {
    let mut wrong = BTreeSet::new();
    for source in rust_sources() {
        let imported = source.code.contains("use tracing::") || source.code.contains("event!(");
        if imported || source.code.contains("instrument") {
            wrong.insert(source.path);
        }
    }
    super::none(&wrong);
}

#[test]
fn the_scan_reads_fields_and_messages() {
    let code = r#"
        tracing::warn!(a.b = ?f(x, "y, z"), %c.d, "one, two \
            three");
        tracing::info!("alone")
        tracing::info!(target: "an::other", { e.f = x.map(|x| { y }), g.h = 1 }, "elsewhere");
    "#;
    let shown: Vec<_> = lines_in(code).iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "| warn | one, two three | `a.b`, `c.d` |",
            "| info | alone |  |",
            "| info | elsewhere | `e.f`, `g.h` |"
        ]
    );
}
