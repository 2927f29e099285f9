//! A Redis of Debian for tests, on loopback.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use crate::store::testing::TempDir;

/// Dies with this process, however that ends: the shell in front of it waits for the end of its input.
const KEEPER: &str = r#"redis-server "$@" & cat > /dev/null; kill -9 $!; wait $! 2> /dev/null; exit 0"#;

/// A server with its data.
pub(super) struct Server {
    pub(super) port: u16,
    dir: TempDir,
    child: Child,
}

/// The one that tests share, each with a prefix of its own.
pub(super) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    pub(super) fn start() -> Self {
        let dir = TempDir::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = start(port, &dir);
        Self { port, dir, child }
    }

    /// Kills it and starts it again on what was on its disk.
    pub(super) fn restart(&mut self) {
        stop(&mut self.child);
        self.child = start(self.port, &self.dir);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn start(port: u16, dir: &TempDir) -> Child {
    let port = port.to_string();
    let mut child = Command::new("sh")
        .args(["-c", KEEPER, "keeper", "--port", &port, "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--dir"])
        .arg(dir.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line.contains("Ready to accept connections")));
    child
}

fn stop(child: &mut Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}
