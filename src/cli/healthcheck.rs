//! `countersign healthcheck`: does a running service serve? For images without a shell, where no other program could ask.

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::time::timeout;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    exit,
    remote::{self, chain, code_name, duration},
};
use crate::config::{Config, Environment};

/// What to ask about, and whom.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the service listens: `HOST:PORT`, `http://HOST:PORT` or `unix:/PATH`.
    #[arg(long, default_value = "http://127.0.0.1:50051", value_parser = remote::address)]
    address: String,
    /// Ask where this configuration says that it listens, at the first address if there are several.
    #[arg(long, value_name = "FILE", conflicts_with = "address")]
    config: Option<PathBuf>,
    /// What has to serve, as grpc.health.v1 names it: nothing for the process, `issuer/NAME` for an issuer's keys.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    service: String,
    /// How long to wait for the answer, connecting included; 60m at most.
    #[arg(long, default_value = "2s", value_parser = duration)]
    timeout: Duration,
}

/// Asks, and says the answer by the exit code: 0 if it serves, and 1 if it does not or could not be asked. Container engines
/// know no others, but for a wrong command line, which is 2 as with every command.
pub async fn run(args: Args) -> ExitCode {
    match check(&args).await {
        Ok(()) => {
            drop(writeln!(io::stdout(), "serving"));
            ExitCode::from(exit::HEALTHY)
        }
        Err(problem) => exit::failed(&problem),
    }
}

async fn check(args: &Args) -> Result<()> {
    let address = match &args.config {
        None => args.address.clone(),
        Some(path) => configured(path)?,
    };
    match timeout(args.timeout, ask(&address, &args.service)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(anyhow!("no answer within {:?}", args.timeout)),
    }
    .with_context(|| format!("asked at {address}"))
}

async fn ask(address: &str, service: &str) -> Result<()> {
    let channel =
        remote::connect(address).await.map_err(|error| anyhow!("cannot connect: {}", chain(&error)))?;
    let request = HealthCheckRequest { service: service.to_owned() };
    let status = match HealthClient::new(channel).check(request).await {
        Ok(response) => response.into_inner().status(),
        Err(status) => bail!("{}: {}", code_name(status.code()), remote::printable(status.message())),
    };
    match status {
        ServingStatus::Serving => Ok(()),
        ServingStatus::Unknown | ServingStatus::NotServing | ServingStatus::ServiceUnknown => {
            bail!("{}", status.as_str_name())
        }
    }
}

/// Where a configuration says that it listens, seen from the same host. Whatever else is in it may be wrong: a process goes on
/// serving with what it had when its file goes bad, and is no less healthy for that.
fn configured(path: &Path) -> Result<String> {
    let first =
        Config::first_address(path, &Environment::of_process()).map_err(|problem| anyhow!("{problem}"))?;
    remote::address(&reachable(&first.to_string())).map_err(|problem| anyhow!("{first}: {problem}"))
}

/// All addresses of a host stand for its loopback address.
fn reachable(listen: &str) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(SocketAddr::V4(at)) if at.ip().is_unspecified() => {
            SocketAddr::from((Ipv4Addr::LOCALHOST, at.port())).to_string()
        }
        Ok(SocketAddr::V6(at)) if at.ip().is_unspecified() => {
            SocketAddr::from((Ipv6Addr::LOCALHOST, at.port())).to_string()
        }
        Ok(_) | Err(_) => listen.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_listens_is_where_it_is_asked_seen_from_the_same_host() {
        for (listen, asked) in [
            ("0.0.0.0:50051", "127.0.0.1:50051"),
            ("[::]:7443", "[::1]:7443"),
            ("10.1.2.3:80", "10.1.2.3:80"),
            ("unix:/run/countersign/grpc.sock", "unix:/run/countersign/grpc.sock"),
        ] {
            assert_eq!(reachable(listen), asked);
        }
    }
}
