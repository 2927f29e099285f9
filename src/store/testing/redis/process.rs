//! One `redis-server`: its directory, its port, its life.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisResult, aio::MultiplexedConnection,
};
use tokio::process::{Child, Command};

use super::{ports::Port, wait::until};

/// Who the kit is to every server, whatever its other users may do.
pub(super) const USER: &str = "kit";
pub(super) const PASSWORD: &str = "kit-of-the-tests";

/// A server that runs, or did.
#[derive(Debug)]
pub(super) struct Process {
    port: Port,
    directory: PathBuf,
    sentinel: bool,
    child: Option<Child>,
}

impl Process {
    /// Starts one with a configuration that knows its port and its directory. The kit reaches it through a socket in there,
    /// so it can be no other server that answers.
    pub(super) async fn start(sentinel: bool, configure: impl Fn(u16, &Path) -> String) -> Self {
        loop {
            let (port, directory) = (Port::reserve(), directory());
            let common = format!(
                "bind 127.0.0.1\ndir {dir}\nunixsocket {socket}\nuser {USER} on >{PASSWORD} ~* &* +@all\n",
                dir = directory.display(),
                socket = socket(&directory).display(),
            );
            fs::write(directory.join("redis.conf"), common + &configure(port.number(), &directory)).unwrap();
            let mut process = Self { port, directory, sentinel, child: None };
            if process.begin().await {
                return process;
            }
        }
    }

    /// Starts the process; whether it is up. It is not if somebody took its port in the meantime.
    async fn begin(&mut self) -> bool {
        drop(fs::remove_file(socket(&self.directory)));
        let log = fs::OpenOptions::new().create(true).append(true).open(self.directory.join("log")).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(self.directory.join("redis.conf"));
        if self.sentinel {
            command.arg("--sentinel");
        }
        let child = command
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server starts (`make test` installs it)");
        self.child = Some(child);
        let mut ended = false;
        until("the server to answer", async || {
            let child = self.child.as_mut().unwrap();
            ended = child.try_wait().unwrap().is_some();
            ended || self.ask::<String>(&redis::cmd("PING")).await.is_ok()
        })
        .await;
        assert!(!ended || self.log().contains("Address already in use"), "{}", self.log());
        !ended
    }

    pub(super) fn port(&self) -> u16 {
        self.port.number()
    }

    /// What the server said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap()
    }

    /// Ends it at once (SIGKILL), and waits until it is gone.
    pub(super) async fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub(super) async fn terminate(&mut self) {
        self.signal("TERM").await;
        if let Some(mut child) = self.child.take() {
            child.wait().await.unwrap();
        }
    }

    /// Starts it again, with the same port and directory; its files are removed first if `emptied`.
    pub(super) async fn restart(&mut self, emptied: bool) {
        self.kill9().await;
        if emptied {
            self.remove_data();
        }
        assert!(self.begin().await, "{}", self.log());
    }

    fn remove_data(&self) {
        let keep = ["redis.conf", "log", "crt", "key"];
        for entry in fs::read_dir(&self.directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                fs::remove_dir_all(&path).unwrap();
            } else if !keep.iter().any(|end| name.ends_with(end)) {
                fs::remove_file(&path).unwrap();
            }
        }
    }

    pub(super) async fn signal(&self, name: &str) {
        let pid = self.child.as_ref().and_then(Child::id).expect("it runs");
        // The shell's own `kill`: a bare machine has no other.
        let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().await.unwrap();
        assert!(done.success(), "kill -{name} {pid}: {done}");
    }

    /// Runs a command, as one who may do everything.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        command.query_async(&mut self.connect().await?).await
    }

    /// Whether so many replicas acknowledge a write, which changes nothing and concerns no slot.
    pub(super) async fn is_acknowledged_by(&self, many: usize) -> RedisResult<bool> {
        let mut write = redis::pipe();
        write.cmd("FUNCTION").arg("FLUSH").ignore().cmd("WAIT").arg(many).arg(1_000);
        let (have,): (usize,) = self.ask_together(&write).await?;
        Ok(have >= many)
    }

    /// Runs commands on one connection, as one who may do everything.
    pub(super) async fn ask_together<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        commands.query_async(&mut self.connect().await?).await
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let socket = socket(&self.directory);
        let client = Client::open(format!("unix://{}?user={USER}&pass={PASSWORD}", socket.display()))?;
        let bound = Some(Duration::from_secs(20));
        let config = AsyncConnectionConfig::new().set_connection_timeout(bound).set_response_timeout(bound);
        client.get_multiplexed_async_connection_with_config(&config).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // First, or it would write into the directory again.
        if let Some(child) = self.child.as_mut() {
            drop(child.start_kill());
        }
        drop(fs::remove_dir_all(&self.directory));
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("s")
}

/// A new, empty directory, of a path that is short enough for a socket.
fn directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = env::temp_dir().join(format!("countersign-redis-{}-{count}", process::id()));
    // Left over from a killed run whose process id came round again.
    drop(fs::remove_dir_all(&directory));
    fs::create_dir_all(&directory).unwrap();
    directory
}
