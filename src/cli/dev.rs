//! `countersign dev`: the service in front of an identity provider of its own, on this machine only.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::{error::Unspecified, rand};

use super::{exit, serve};
use crate::{
    app::{self, Bound},
    config::{Config, Environment},
    dev::{
        DevIssuer, DevOptions,
        banner::Banner,
        config::{CLIENT_SECRET, DevConfig},
    },
    ops::{clock::SystemClock, drain::Tasks, telemetry},
};

/// What `dev` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where gRPC is served; a loopback address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051", value_parser = loopback)]
    listen: SocketAddr,
    /// Where the admin port is; a loopback address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090", value_parser = loopback)]
    admin: SocketAddr,
    /// Where the development issuer is, a loopback address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8400", value_parser = loopback)]
    issuer: SocketAddr,
    /// Keep the store here. Without it, a new directory for temporary files is used and removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Anybody who reaches the development issuer can log in as anybody, and the rest is not meant for others either.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_no_address| "not an address like 127.0.0.1:50051".to_owned())?;
    if address.ip().to_canonical().is_loopback() {
        Ok(address)
    } else {
        Err("not a loopback address, and `dev` is for this machine only".to_owned())
    }
}

/// Serves with a development issuer until told to stop.
pub async fn run(args: Args) -> ExitCode {
    let tasks = Tasks::default();
    let outcome = start(&args, &tasks).await;
    tasks.stop().await;
    match outcome {
        Ok(exit) => exit::of(exit),
        Err(problem) => exit::start_failed(&problem),
    }
}

async fn start(args: &Args, tasks: &Tasks) -> anyhow::Result<app::Exit> {
    let options = DevOptions { listen: args.issuer };
    let issuer = DevIssuer::start(options, Arc::new(SystemClock), tasks).await?;
    let data = DataDirectory::of(args.data.clone())?;
    let store = data.path.join("countersign.redb");
    let yaml = DevConfig {
        issuer: issuer.issuer_url(),
        listen: &args.listen.to_string(),
        admin: &args.admin.to_string(),
        store: &store,
    }
    .to_yaml();
    // The process's environment is left out: a variable meant for `serve` must not change what the banner says.
    let environment = Environment::from_iter([(CLIENT_SECRET, issuer.client_secret())]);
    let loaded = Config::parse(&yaml, &environment, &data.path)?;
    telemetry::init(&loaded.config.telemetry)?;
    serve::start(loaded.config, None, |bound| announce(bound, &issuer)).await
}

fn announce(bound: &Bound, issuer: &DevIssuer) -> anyhow::Result<()> {
    let address = bound.addresses().first().map(ToString::to_string).unwrap_or_default();
    let admin = bound.admin_address().map(|admin| admin.to_string()).unwrap_or_default();
    let program = std::env::args().next().unwrap_or_else(|| "countersign".to_owned());
    let text = Banner {
        program: &program,
        address: &address,
        admin: &admin,
        issuer: issuer.issuer_url(),
        client_id: issuer.client_id(),
        client_secret: issuer.client_secret(),
        tokens: &issuer.login()?,
    }
    .text();
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot print what was made")
}

/// Where the store is, for as long as it is needed.
struct DataDirectory {
    path: PathBuf,
    temporary: bool,
}

impl DataDirectory {
    fn of(chosen: Option<PathBuf>) -> anyhow::Result<Self> {
        let temporary = chosen.is_none();
        let path = match chosen {
            Some(path) => path,
            None => std::env::temp_dir().join(random_name()?),
        };
        let made = if temporary { make_private(&path) } else { fs::create_dir_all(&path) };
        made.with_context(|| format!("cannot make the directory {}", path.display()))?;
        Ok(Self { path, temporary })
    }
}

/// A name that nobody else on this machine can have made before us.
fn random_name() -> anyhow::Result<String> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|Unspecified| anyhow!("no random bytes"))?;
    Ok(format!("countersign-dev-{:016x}", u64::from_be_bytes(bytes)))
}

/// Fails if anything is there already, be it a link.
fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is the system's to clean up.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use clap::{FromArgMatches as _, error::ErrorKind};

    use super::*;

    #[test]
    fn only_loopback_addresses_are_taken_and_the_flag_is_named() {
        for flag in ["--listen", "--admin", "--issuer"] {
            let parse = |address| {
                let command = <Args as clap::Args>::augment_args(clap::Command::new("dev"));
                command.try_get_matches_from(["dev", flag, address])
            };
            for good in ["127.0.0.1:0", "[::1]:1"] {
                assert!(Args::from_arg_matches(&parse(good).unwrap()).is_ok(), "{flag} {good}");
            }
            for bad in ["0.0.0.0:50051", "[::]:1", "10.0.0.1:1", "localhost:1"] {
                let error = parse(bad).unwrap_err();
                assert_eq!((error.kind(), error.exit_code()), (ErrorKind::ValueValidation, 2));
                assert!(error.to_string().contains(flag), "{error}");
            }
        }
    }

    #[test]
    fn the_temporary_directory_is_ours_alone_and_never_one_that_was_there() {
        let directory = DataDirectory::of(None).unwrap();
        let path = directory.path.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(make_private(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_ne!(DataDirectory::of(None).unwrap().path, path);
        drop(directory);
        assert!(!path.exists());
    }
}
