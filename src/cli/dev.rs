//! `countersign dev`: the service in front of an identity provider of its own, on this machine only.

use std::{fs, io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;

use super::{exit, serve};
use crate::{
    app::{self, Bound},
    config::{Config, Environment},
    dev::{DevIssuer, DevOptions, banner::Banner, config::DevConfig},
    ops::{clock::SystemClock, drain::Tasks, telemetry},
};

/// What `dev` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where gRPC is served; a loopback address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Where the admin port is.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
    /// Where the development issuer is; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8400")]
    issuer: SocketAddr,
    /// Keep the store here. Without it, a new directory for temporary files is used and removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
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
    // The environment is left out: a variable meant for `serve` must not change what the banner says.
    let loaded = Config::parse(&yaml, &Environment::default(), &data.path)?;
    telemetry::init(&loaded.config.telemetry)?;
    serve::start(loaded.config, |bound| announce(bound, &issuer)).await
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
    let mut out = std::io::stdout().lock();
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
        let path = chosen
            .unwrap_or_else(|| std::env::temp_dir().join(format!("countersign-dev-{}", std::process::id())));
        fs::create_dir_all(&path).with_context(|| format!("cannot make the directory {}", path.display()))?;
        Ok(Self { path, temporary })
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is the system's to clean up.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}
