//! `countersign serve`.

use std::{convert::Infallible, future::Future, io, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use super::exit;
use crate::{
    app::{self, ConfigFile},
    config::{Config, Environment, Loaded, Reading},
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
    let env = Environment::of_process();
    let Reading { outcome, files } = Config::read(&args.config, &env);
    match outcome {
        Ok(loaded) => serve(loaded, ConfigFile::new(args.config, env, files)).await,
        Err(problems) => exit::misconfigured(&problems),
    }
}

/// Logs, binds, serves and drains, as this configuration says.
async fn serve(loaded: Loaded, file: ConfigFile) -> ExitCode {
    if let Err(error) = telemetry::init(&loaded.config.telemetry) {
        return exit::start_failed(&error.into());
    }
    for warning in &loaded.warnings {
        tracing::warn!(config.warning = %warning, "the configuration is probably not what was meant");
    }
    match start(loaded.config, Some(file), |_| Ok(())).await {
        Ok(exit) => exit::of(exit),
        Err(problem) => exit::start_failed(&problem),
    }
}

/// Binds, says so with `announce`, and serves until the first signal; a second one ends the drain. SIGHUP reads `file`
/// again, and does nothing without one.
pub(super) async fn start(
    config: Config,
    file: Option<ConfigFile>,
    announce: impl FnOnce(&app::Bound) -> anyhow::Result<()> + Send,
) -> anyhow::Result<app::Exit> {
    // Before anything else, so that a signal during a slow start is not lost, and SIGHUP does not end it.
    let (first, second) = signals().context("cannot listen for signals")?;
    let hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let asked = Arc::new(Notify::new());
    let mut bound = app::build(config, Arc::new(SystemClock)).await?;
    if let Some(file) = file {
        bound = bound.reloading(file, Arc::clone(&asked));
    }
    announce(&bound)?;
    let exit = tokio::select! {
        exit = bound.run_until(first, second) => exit,
        never = hand_on(hangup, &asked) => match never {},
    };
    telemetry::flush().await;
    Ok(exit)
}

async fn hand_on(mut signal: Signal, asked: &Notify) -> Infallible {
    while signal.recv().await.is_some() {
        asked.notify_one();
    }
    std::future::pending().await
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
