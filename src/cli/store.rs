//! `countersign store`: takes a store out to a file, and puts one back.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use super::exit;
use crate::{
    config::{Config, Environment},
    domain::time::Clock as _,
    ops::clock::SystemClock,
    store::{self, StoreSettings},
};

/// What `store` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write everything that the store keeps to a file: a backup, or the way to another store. With an embedded store the
    /// service must not run.
    Export(Export),
    /// Merge an export into the store: what either of them says is revoked is revoked. With an embedded store the service must
    /// not run. It needs the key ring that the exported store had.
    Import(Import),
}

#[derive(Debug, clap::Args)]
struct Export {
    /// The configuration (docs/configuration.md), for the store's place.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Write to this file, readable by its owner alone; it must not exist. Without it, print.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Import {
    /// The configuration (docs/configuration.md), for the store's place.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What `store export` wrote.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

/// Does what the command line says.
pub async fn execute(args: &Args) -> ExitCode {
    let config = match &args.command {
        Command::Export(export) => &export.config,
        Command::Import(import) => &import.config,
    };
    let settings = match Config::load(config, &Environment::of_process()) {
        Ok(loaded) => loaded.config.store,
        Err(problems) => return exit::misconfigured(&problems),
    };
    let done = match &args.command {
        Command::Export(Export { out: Some(out), .. }) => export_to(&settings, out, &mut io::stderr()).await,
        Command::Export(Export { out: None, .. }) => export(&settings, &mut io::stdout()).await,
        Command::Import(Import { from, .. }) => import(&settings, from, &mut io::stderr()).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::failed(&problem),
    }
}

async fn export(settings: &StoreSettings, out: &mut (dyn Write + Send)) -> Result<()> {
    store::export(settings, SystemClock.now(), out).await?;
    Ok(())
}

async fn export_to(settings: &StoreSettings, out: &Path, said: &mut (dyn Write + Send)) -> Result<()> {
    let counts = store::export_to(settings, SystemClock.now(), out).await?;
    writeln!(said, "exported {}", told(&counts)).context("the outcome cannot be printed")
}

async fn import(settings: &StoreSettings, from: &Path, said: &mut (dyn Write + Send)) -> Result<()> {
    let imported = store::import(settings, from).await?;
    writeln!(said, "imported {}; the store's revision is {}", told(&imported.counts), imported.revision)
        .context("the outcome cannot be printed")
}

fn told(counts: &store::Counts) -> String {
    format!(
        "{} revocations, {} sessions, {} deliveries, {} key sets",
        counts.revocations, counts.sessions, counts.deliveries, counts.key_sets
    )
}
