//! One Envoy with one worker, in a process of its own.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use super::config::{self, Filter};
use crate::{
    process::{Process, free_address},
    scenes::{get, until_200},
};

/// As scripts/install-envoy.sh installs it.
const PROGRAM: &str = ".tools/envoy/1.40.0/envoy/_bin/envoy";

pub(super) struct Envoy {
    pub(super) process: Process,
    listeners: HashMap<String, SocketAddr>,
}

impl Envoy {
    /// Starts one with a listener for each arrangement, and waits until it is ready.
    pub(super) async fn start(directory: &Path, arrangements: &[(&str, Filter<'_>)]) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(PROGRAM);
        assert!(program.is_file(), "scripts/install-envoy.sh installs {}", program.display());
        let file = directory.join("envoy.json");
        let admin = free_address();
        std::fs::write(&file, config::bootstrap(admin, arrangements).to_string()).unwrap();
        let mut command = Command::new(program);
        command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]);
        command.arg("--config-path").arg(&file).stderr(Stdio::inherit());
        let since = Instant::now();
        let mut process = Process::start(command, admin);
        process.accepting(since);
        until_200(admin, "/ready", since).await;
        Self { process, listeners: listeners(&get(admin, "/listeners").await) }
    }

    /// Where an arrangement listens.
    pub(super) fn listener(&self, name: &str) -> SocketAddr {
        self.listeners[name]
    }
}

/// A line for each: its name, two colons, its address.
fn listeners(said: &str) -> HashMap<String, SocketAddr> {
    let lines = said.lines().filter_map(|line| line.split_once("::"));
    lines.map(|(name, address)| (name.to_owned(), address.parse().unwrap())).collect()
}
