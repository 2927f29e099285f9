//! The tables of docs/configuration.md, made of what the survey found. The page says in comments which table is where:
//!
//! `<!-- keys: cache limits.drain -->` begins one of these keys and of those in these sections, except what a longer
//! path claims elsewhere; `<!-- not built -->` begins the one of what is refused; `<!-- end -->` ends both.

use super::{
    key::{Change, Otherwise},
    survey::{self, Bounds, Presence, Row, Shape},
};

const KEYS: &str = "<!-- keys: ";
const NOT_BUILT: &str = "<!-- not built -->";
const END: &str = "<!-- end -->";

/// Why a page cannot be renewed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// A key is in no table.
    #[error("no `{KEYS}...-->` of the page is for `{0}`")]
    Unlisted(String),
    /// A table is for a key that there is not.
    #[error("there is no `{0}`")]
    Unknown(String),
    /// A table does not end.
    #[error("`{0}` has no `{END}` after it")]
    Endless(String),
}

/// The page with its tables made anew.
pub fn renewed(page: &str) -> Result<String, Incomplete> {
    renewed_with(page, &survey::rows())
}

fn renewed_with(page: &str, rows: &[Row]) -> Result<String, Incomplete> {
    let tables: Vec<&str> = page.lines().filter_map(paths_of).collect();
    if let Some(row) = rows.iter().find(|row| is_listed(row) && table_of(row, &tables).is_none()) {
        return Err(Incomplete::Unlisted(row.path()));
    }
    let mut named = tables.iter().flat_map(|paths| paths.split(' '));
    if let Some(path) = named.find(|path| !rows.iter().any(|row| row.path() == *path)) {
        return Err(Incomplete::Unknown(path.to_owned()));
    }
    let mut renewed = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        renewed.push_str(line);
        renewed.push('\n');
        let Some(table) = table(line, &tables, rows) else { continue };
        // What stood there before is left out.
        if lines.by_ref().all(|line| line != END) {
            return Err(Incomplete::Endless(line.to_owned()));
        }
        renewed.extend([table.as_str(), END, "\n"]);
    }
    Ok(renewed)
}

fn paths_of(line: &str) -> Option<&str> {
    line.strip_prefix(KEYS)?.strip_suffix(" -->")
}

/// The table that a line begins.
fn table(line: &str, tables: &[&str], rows: &[Row]) -> Option<String> {
    if line == NOT_BUILT {
        let refused = rows.iter().filter(|row| matches!(row.shape, Shape::NotBuilt));
        let lines = refused.map(|row| format!("| `{}` | {} |\n", row.path(), row.key.about));
        return Some(format!("\n| key | for |\n|---|---|\n{}\n", lines.collect::<String>()));
    }
    let paths = paths_of(line)?;
    let own = rows.iter().filter(|row| is_listed(row) && table_of(row, tables) == Some(paths));
    let lines: String = own.map(table_row).collect();
    Some(format!("\n| key | type | default | takes effect with | |\n|---|---|---|---|---|\n{lines}\n"))
}

/// A section that is always there has nothing of its own to say.
fn is_listed(row: &Row) -> bool {
    match &row.shape {
        Shape::Value { .. } | Shape::Sections => true,
        Shape::Section(presence) => presence.matters(),
        Shape::NotBuilt => false,
    }
}

/// The table with the longest path that leads to a row.
fn table_of<'p>(row: &Row, tables: &[&'p str]) -> Option<&'p str> {
    let path = row.path();
    let leads_there = |start: &str| {
        path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let longest = |paths: &str| paths.split(' ').filter(|start| leads_there(start)).map(str::len).max();
    let found = tables.iter().filter_map(|paths| Some((longest(paths)?, *paths)));
    found.max_by_key(|(length, _)| *length).map(|(_, paths)| paths)
}

fn table_row(row: &Row) -> String {
    let (word, default, more) = match &row.shape {
        Shape::Value { notation, default, bounds } => {
            let more = bounds.as_ref().map(Bounds::sentence).or_else(|| notation.choices.clone());
            (notation.word.as_str(), default.as_ref(), more)
        }
        Shape::Sections => ("list of sections", None, None),
        Shape::Section(Presence::OptionalOrAddress) => ("URL, or section", None, None),
        Shape::Section(_) | Shape::NotBuilt => ("section", None, None),
    };
    let default = match (row.key.otherwise, default) {
        _ if row.is_needed => "needed".to_owned(),
        (Otherwise::Words(words), _) => words.to_owned(),
        (Otherwise::Default, Some(default)) => format!("`{default}`"),
        (Otherwise::Profile, Some(default)) => format!("the profile's; `{default}` with `generic`"),
        (Otherwise::Default | Otherwise::Profile, None) => String::new(),
    };
    let change = match row.key.change {
        Change::Reload => "reload",
        Change::Restart => "restart",
    };
    let about = row.key.about;
    let more = more.map(|more| format!(" {more}")).unwrap_or_default();
    format!("| `{}` | {word} | {default} | {change} | {about}{more} |\n", row.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Page\n<!-- keys: issuers listen insecure_allow_any_caller admin http ext_authz server -->\nold\n<!-- end -->\n\
         <!-- keys: issuers[].keys cache revocation refresh store key_ring limits telemetry -->\n<!-- end -->\nlast\n";

    #[test]
    fn tables_are_made_anew_and_what_is_around_them_stays() {
        let page = renewed(PAGE).unwrap();
        assert!(page.starts_with("# Page\n<!-- keys: issuers "), "{page}");
        assert!(page.ends_with("|\n\n<!-- end -->\nlast\n") && !page.contains("\nold\n"), "{page}");
        assert_eq!(page.matches("| `issuers[].keys.max_age` |").count(), 1);
        let (first, second) = page.split_once("<!-- end -->").unwrap();
        assert!(
            first.contains("| `issuers[].claims.roles` |") && second.contains("| `issuers[].keys.max_age` |")
        );
        assert_eq!(renewed(&page).unwrap(), page);
    }

    #[test]
    fn a_page_has_a_table_for_each_key_and_each_ends() {
        let refused = |from: &str, to: &str| renewed(&PAGE.replace(from, to)).unwrap_err();
        assert_eq!(refused("cache ", ""), Incomplete::Unlisted("cache.max_bytes".into()));
        assert_eq!(refused("cache ", "cache cachet "), Incomplete::Unknown("cachet".into()));
        let line = PAGE.lines().nth(4).unwrap();
        assert_eq!(refused("<!-- end -->\nlast", "last"), Incomplete::Endless(line.to_owned()));
    }
}
