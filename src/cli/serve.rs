//! `countersign serve`.

use std::{
    future::Future,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit;
use crate::{
    app,
    config::Config,
    ops::{clock::SystemClock, telemetry},
};

/// What `serve` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration (docs/configuration.md).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Serves until told to stop.
pub async fn run(args: Args) -> ExitCode {
    match load(&args.config) {
        Ok(config) => serve(config).await,
        Err(problem) => exit::misconfigured(&problem),
    }
}

// STAND-IN, to be replaced at merge by the configuration's own loader.
fn load(path: &Path) -> anyhow::Result<Config> {
    Err(anyhow::anyhow!("{}: this build cannot read a configuration", path.display()))
}

/// Logs, binds, serves and drains, as this configuration says.
pub(super) async fn serve(config: Config) -> ExitCode {
    if let Err(error) = telemetry::init(&config.telemetry) {
        return exit::misconfigured(&error.into());
    }
    match start(config).await {
        Ok(exit) => exit::of(exit),
        Err(problem) => exit::start_failed(&problem),
    }
}

async fn start(config: Config) -> anyhow::Result<app::Exit> {
    // Before anything else, so that a signal during a slow start is not lost.
    let (first, second) = signals().context("cannot listen for signals")?;
    let bound = app::build(config, Arc::new(SystemClock)).await?;
    Ok(bound.run_until(first, second).await)
}

/// Resolve at the first SIGTERM or SIGINT, and at the second.
fn signals() -> io::Result<(impl Future<Output = ()>, impl Future<Output = ()>)> {
    let (mut first, mut both) = (Signals::listen()?, Signals::listen()?);
    Ok((async move { first.next().await }, async move {
        both.next().await;
        both.next().await;
    }))
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
