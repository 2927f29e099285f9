//! Child processes that end with the test.

use std::{
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinSet,
};

use super::wait::{until, within};

const TO_EXIT: Duration = Duration::from_secs(40);
const TO_STOP: Duration = Duration::from_secs(10);

/// What a child wrote so far, readable while it runs.
#[derive(Debug, Default)]
pub(crate) struct Output {
    text: Arc<Mutex<String>>,
    readers: JoinSet<()>,
}

impl Output {
    /// Collects one more stream.
    pub(crate) fn collect(&mut self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let text = Arc::clone(&self.text);
        self.readers.spawn(async move {
            let mut lines = BufReader::new(stream).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let mut text = text.lock().unwrap();
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
        });
    }

    /// Returns once the streams have ended.
    async fn ended(&mut self) {
        while self.readers.join_next().await.is_some() {}
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}

/// A running child. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) output: Output,
}

impl Running {
    /// Starts it, with what it writes collected.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut output = Output::default();
        output.collect(child.stdout.take().unwrap());
        output.collect(child.stderr.take().unwrap());
        Self { child, output }
    }

    /// Asks it to end (SIGTERM).
    pub(crate) async fn sigterm(&self) {
        self.signal("TERM").await;
    }

    /// Asks it to read its configuration again (SIGHUP).
    pub(crate) async fn sighup(&self) {
        self.signal("HUP").await;
    }

    /// It does nothing any more (SIGSTOP), and keeps its connections.
    pub(crate) async fn stop(&self) {
        self.signal("STOP").await;
        // Each thread stops when its turn comes, which a busy machine puts off.
        until("every thread to stop", TO_STOP, async || {
            let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()?)).ok()?;
            let mut states = threads.map(|thread| {
                let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
                // The name before it is in brackets, and may hold anything.
                stat.rsplit_once(") ")?.1.chars().next()
            });
            states.all(|state| state == Some('T')).then_some(())
        })
        .await;
    }

    /// It goes on (SIGCONT).
    pub(crate) async fn go_on(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it has been waited for already");
        // The shell's own `kill`: a bare machine has no other.
        let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().await.unwrap();
        assert!(done.success(), "kill -{name} {pid}: {done}");
    }

    /// Ends it at once (SIGKILL), and waits until it is gone.
    pub(crate) async fn kill9(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end, and for the last of what it wrote.
    pub(crate) async fn wait_exit(&mut self) -> ExitStatus {
        let status = within("the process to end", TO_EXIT, self.child.wait()).await.unwrap();
        within("its output to end", TO_EXIT, self.output.ended()).await;
        status
    }
}
