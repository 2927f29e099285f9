//! A real Envoy in a process of its own: one upstream, and several doors to it, each with an ext_authz filter of its own.

mod config;

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

pub(super) use config::{Certificates, Door, IDENTITY, bootstrap};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpStream, process::Command};

use super::{
    client::{self, LONG},
    upstream::Upstream,
};
use crate::support::{process::Running, wait::until};

/// What scripts/install-envoy.sh installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// The newest.
    V1_40,
    /// Takes an `error_response` for a denial.
    V1_36,
}

impl Version {
    pub(super) const ALL: [Self; 2] = [Self::V1_40, Self::V1_36];

    fn program(self) -> PathBuf {
        let name = match self {
            Self::V1_40 => "1.40.0",
            Self::V1_36 => "1.36.2",
        };
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(".tools/envoy/{name}/envoy/_bin/envoy"));
        assert!(program.is_file(), "run `make test`, which installs {}", program.display());
        program
    }
}

/// What was counted of checks at a door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) ok: u64,
    pub(super) denied: u64,
    pub(super) error: u64,
    pub(super) failure_mode_allowed: u64,
    /// Of the service's cluster: the filter does not count apart what comes too late.
    pub(super) upstream_rq_timeout: u64,
}

/// A running Envoy. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Envoy {
    admin: u16,
    doors: BTreeMap<String, u16>,
    running: Running,
    _directory: TempDir,
}

impl Envoy {
    /// Starts one with these doors, and waits until it is ready.
    pub(super) async fn start(version: Version, upstream: &Upstream, doors: &[Door]) -> Self {
        Self::with(version, &bootstrap(upstream.port(), doors)).await
    }

    /// Starts one with this configuration, and waits until it is ready.
    pub(super) async fn with(version: Version, bootstrap: &Value) -> Self {
        let directory = tempfile::Builder::new().prefix("envoy-").tempdir().unwrap();
        let file = directory.path().join("envoy.json");
        let address = directory.path().join("admin");
        std::fs::write(&file, bootstrap.to_string()).unwrap();
        let mut running = Running::start(
            Command::new(version.program())
                .arg("--config-path")
                .arg(&file)
                .arg("--admin-address-path")
                .arg(&address)
                .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]),
        );
        let admin = until("Envoy to be ready", LONG, async || {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("Envoy ended with {status}:\n{}", running.output.text());
            }
            let admin = std::fs::read_to_string(&address).ok()?;
            let port = admin.rsplit_once(':')?.1.parse().ok()?;
            // It is written before anybody listens there.
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
            (client::get(port, "/ready", &[]).await.status == 200).then_some(port)
        })
        .await;
        let doors = listeners(&client::get(admin, "/listeners?format=json", &[]).await.json());
        Self { admin, doors, running, _directory: directory }
    }

    /// The port of a door.
    #[track_caller]
    pub(super) fn door(&self, name: &str) -> u16 {
        *self.doors.get(name).unwrap_or_else(|| panic!("no door {name}: {:?}", self.doors))
    }

    /// What its admin port says there, which is JSON.
    pub(super) async fn admin(&self, path: &str) -> Value {
        client::get(self.admin, path, &[]).await.json()
    }

    /// What a door's filter has counted so far.
    pub(super) async fn counts(&self, door: &str) -> Counts {
        let path = "/stats?filter=(ext_authz|upstream_rq_timeout)&format=json";
        let stats = self.admin(path).await;
        let count = |name: String| {
            let mut stats = stats["stats"].as_array().unwrap().iter();
            stats.find(|stat| stat["name"] == name).map_or(0, |stat| stat["value"].as_u64().unwrap())
        };
        let of_filter = |word: &str| count(format!("cluster.upstream.ext_authz.{door}.{word}"));
        Counts {
            ok: of_filter("ok"),
            denied: of_filter("denied"),
            error: of_filter("error"),
            failure_mode_allowed: of_filter("failure_mode_allowed"),
            upstream_rq_timeout: count(format!("cluster.service-{door}.upstream_rq_timeout")),
        }
    }

    /// What it logged.
    pub(super) fn output(&self) -> String {
        self.running.output.text()
    }
}

fn listeners(said: &Value) -> BTreeMap<String, u16> {
    let listeners = said["listener_statuses"].as_array().unwrap().iter();
    listeners
        .map(|listener| {
            let port = listener["local_address"]["socket_address"]["port_value"].as_u64().unwrap();
            (listener["name"].as_str().unwrap().to_owned(), u16::try_from(port).unwrap())
        })
        .collect()
}
