//! A real nginx in front of a backend that writes down what it got, by way of the example's own files.

use std::{path::Path, time::Duration};

use tempfile::TempDir;
use tokio::{net::TcpStream, process::Command};

use crate::{
    readme::root,
    support::{
        idp::{Hit, Idp, Reply},
        ports,
        process::Running,
        wait::until,
    },
};

const TO_START: Duration = Duration::from_mins(1);

/// The files that an administrator would copy.
const COPIED: [&str; 2] = ["countersign-check.conf", "countersign-protect.conf"];

/// A running nginx, and its backend.
pub(super) struct Nginx {
    pub(super) port: u16,
    _running: Running,
    backend: Idp,
    _directory: TempDir,
}

impl Nginx {
    /// Asks on `check_port`. `routes`: paths and their policies.
    pub(super) async fn start(check_port: u16, routes: &[(&str, &str)]) -> Self {
        let backend = Idp::start(|_| Reply::ok(b"from the backend".to_vec())).await;
        let directory = tempfile::tempdir().unwrap();
        for file in COPIED {
            std::fs::copy(root().join("examples/nginx").join(file), directory.path().join(file)).unwrap();
        }
        let port = ports::reserve();
        let routes: String = routes.iter().map(|(path, policy)| location(path, policy, &backend)).collect();
        // One process, so that none outlives a test that is killed.
        let config = format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\n    access_log off;\n    large_client_header_buffers 4 64k;\n{}\
             \n    upstream countersign {{ server 127.0.0.1:{check_port}; keepalive 4; }}\n    server {{\n        \
             listen 127.0.0.1:{port};\n        include countersign-check.conf;\n{routes}    }}\n}}\n",
            temporary()
        );
        std::fs::write(directory.path().join("nginx.conf"), config).unwrap();
        let mut running = Running::start(&mut command_for(directory.path()));
        until("nginx to listen", TO_START, async || {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("nginx ended with {status}:\n{}", running.output.text());
            }
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Self { port, _running: running, backend, _directory: directory }
    }

    /// What has reached the backend.
    pub(super) fn reached(&self) -> Vec<Hit> {
        self.backend.hits()
    }

    /// The head of the last request that has.
    pub(super) fn last(&self) -> String {
        self.reached().pop().expect("a request").head
    }
}

fn location(path: &str, policy: &str, backend: &Idp) -> String {
    format!(
        "        location {path} {{ set $policy \"{policy}\"; include countersign-protect.conf; proxy_pass {}; }}\n",
        backend.url("")
    )
}

fn temporary() -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    kinds.map(|kind| format!("    {kind}_temp_path tmp-{kind};\n")).concat()
}

/// Debian has it where only root looks for programs.
fn command_for(directory: &Path) -> Command {
    let installed = Path::new("/usr/sbin/nginx");
    let mut command = Command::new(if installed.exists() { installed } else { Path::new("nginx") });
    command.arg("-p").arg(directory).args(["-c", "nginx.conf"]);
    command
}
