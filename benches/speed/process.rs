//! Server processes, and what the operating system says of them.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A loopback address that nobody listens on just now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// CPU time of this process so far, user and system.
pub(crate) fn own_cpu() -> Duration {
    cpu("self")
}

/// The time that the scheduler gave to each thread, in nanoseconds: the first field of `schedstat`. What proc(5) calls the
/// process's user and system time is the same, in hundredths of a second. No thread of the servers ends while they serve.
fn cpu(process: &str) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of_thread = |thread: std::io::Result<std::fs::DirEntry>| -> u64 {
        let stat = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    };
    Duration::from_nanos(threads.map(of_thread).sum())
}

impl Process {
    pub(crate) fn start(mut command: Command, address: SocketAddr) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        Self { child, address }
    }

    pub(crate) fn countersign(config: &Path, address: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.arg("serve").arg("--config").arg(config).stderr(Stdio::null());
        Self::start(command, address)
    }

    /// The yardstick. With `key`, the name of an algorithm and a file, it verifies signatures.
    pub(crate) fn noop(answer: &Path, key: Option<(&str, &Path)>) -> Self {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("noop-server").arg(address.to_string()).arg(answer);
        if let Some((algorithm, file)) = key {
            command.arg(algorithm).arg(file);
        }
        let mut started = Self::start(command, address);
        started.accepting(Instant::now());
        started
    }

    /// The yardstick with a runtime for each processor.
    pub(crate) fn noop_in_threads(answer: &Path) -> Self {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("noop-threads").arg(address.to_string()).arg(answer);
        let mut started = Self::start(command, address);
        started.accepting(Instant::now());
        started
    }

    /// Waits until it accepts connections; returns how long that took since `since`.
    pub(crate) fn accepting(&mut self, since: Instant) -> Duration {
        while TcpStream::connect_timeout(&self.address, Duration::from_millis(100)).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended");
            assert!(since.elapsed() < Duration::from_secs(20), "the server does not listen");
            std::thread::sleep(Duration::from_micros(500));
        }
        since.elapsed()
    }

    /// CPU time used so far, user and system.
    pub(crate) fn cpu(&self) -> Duration {
        cpu(&self.child.id().to_string())
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}
