//! `countersign doctor`: is each identity provider, as it is now, what the configuration takes it for?

mod print;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::anyhow;
use futures_util::future::join_all;

use super::exit;
use crate::{
    config::{Config, Environment},
    issuer::{
        HttpClient, IssuerSettings,
        probe::{self, Diagnosis, Severity},
    },
    ops::clock::SystemClock,
};

/// What `doctor` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration (docs/configuration.md).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only the issuer of this name.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Probes every issuer at once and prints what was found, in the order of the configuration.
pub async fn run(args: Args) -> ExitCode {
    let loaded = match Config::load(&args.config, &Environment::of_process()) {
        Ok(loaded) => loaded,
        Err(problems) => return exit::misconfigured(&problems),
    };
    for warning in &loaded.warnings {
        drop(writeln!(io::stderr(), "warning: {warning}"));
    }
    let issuers = match chosen(&loaded.config.issuers, args.issuer.as_deref()) {
        Ok(issuers) => issuers,
        Err(problem) => return exit::misused(&problem),
    };
    let http = match HttpClient::new() {
        Ok(http) => http,
        Err(problem) => return exit::start_failed(&problem.into()),
    };
    let diagnoses =
        join_all(issuers.into_iter().map(|issuer| probe::probe(issuer, &http, &SystemClock))).await;
    let text = if args.json { print::json(&diagnoses) } else { print::text(&diagnoses) };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(code(worst(&diagnoses))),
        // Nobody is left to tell: a closed pipe, a full disk.
        Err(_) => ExitCode::FAILURE,
    }
}

fn chosen<'i>(issuers: &'i [IssuerSettings], name: Option<&str>) -> anyhow::Result<Vec<&'i IssuerSettings>> {
    let Some(name) = name else { return Ok(issuers.iter().collect()) };
    let found: Vec<_> = issuers.iter().filter(|issuer| issuer.policy.name == name).collect();
    if found.is_empty() {
        let known: Vec<_> = issuers.iter().map(|issuer| issuer.policy.name.as_str()).collect();
        return Err(anyhow!("no issuer is called {name:?}; there are: {}", known.join(", ")));
    }
    Ok(found)
}

fn worst(diagnoses: &[Diagnosis]) -> Severity {
    diagnoses.iter().map(Diagnosis::severity).max().unwrap_or(Severity::Ok)
}

fn code(severity: Severity) -> u8 {
    match severity {
        Severity::Ok | Severity::Warning => exit::HEALTHY,
        Severity::CannotTell => exit::CANNOT_TELL,
        Severity::Problem => exit::UNHEALTHY,
    }
}
