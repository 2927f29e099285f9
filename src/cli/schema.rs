//! `countersign schema`: the configuration's JSON Schema, for editors and for Helm charts.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use super::exit;
use crate::config;

/// What `schema` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Instead of printing the schema, make the tables of docs/configuration.md anew.
    #[arg(long, value_name = "FILE", hide = true)]
    page: Option<PathBuf>,
}

/// Does what the command line says.
pub fn execute(args: &Args) -> ExitCode {
    let done = match &args.page {
        None => print(io::stdout()),
        Some(page) => renew(page),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::failed(&problem),
    }
}

fn print(mut out: impl Write) -> Result<()> {
    out.write_all(config::schema().as_bytes()).context("the schema cannot be printed")?;
    out.flush().context("the schema cannot be printed")
}

fn renew(page: &Path) -> Result<()> {
    let before = fs::read_to_string(page).with_context(|| format!("{} cannot be read", page.display()))?;
    let after = config::renewed_page(&before).with_context(|| format!("{} is incomplete", page.display()))?;
    fs::write(page, after).with_context(|| format!("{} cannot be written", page.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_the_committed_schema() {
        let mut printed = Vec::new();
        print(&mut printed).unwrap();
        let committed = include_str!("../../docs/countersign.schema.json");
        assert!(
            printed == committed.as_bytes(),
            "docs/countersign.schema.json is not up to date: `make schema`"
        );
    }

    #[test]
    fn a_page_is_renewed_where_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let page = directory.path().join("page.md");
        let committed = include_str!("../../docs/configuration.md");
        fs::write(&page, committed.replace("| `64MiB` |", "| `65MiB` |")).unwrap();
        renew(&page).unwrap();
        assert!(fs::read_to_string(&page).unwrap() == committed, "docs/configuration.md is not up to date");
        fs::write(&page, "# Nothing\n").unwrap();
        assert!(format!("{:#}", renew(&page).unwrap_err()).contains("is for `listen`"));
    }
}
