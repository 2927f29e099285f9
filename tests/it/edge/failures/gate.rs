//! A way to the service on which its answers can be held up.

use std::path::PathBuf;

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// It ends when this is dropped.
pub(super) struct Gate {
    directory: TempDir,
    is_open: watch::Sender<bool>,
    _accepting: JoinSet<()>,
}

impl Gate {
    /// To the service at this socket.
    pub(super) fn to(service: PathBuf) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("gate.sock")).unwrap();
        let is_open = watch::Sender::new(true);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, service, is_open.subscribe()));
        Self { directory, is_open, _accepting: accepting }
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.directory.path().join("gate.sock")
    }

    /// What the service says from now on comes when this is opened.
    pub(super) fn close(&self) {
        self.is_open.send_replace(false);
    }

    pub(super) fn open(&self) {
        self.is_open.send_replace(true);
    }
}

async fn accept(listener: UnixListener, service: PathBuf, is_open: watch::Receiver<bool>) {
    let mut passing = JoinSet::new();
    while let Ok((from, _)) = listener.accept().await {
        let Ok(to) = UnixStream::connect(&service).await else { return };
        let ((mut asked, answered), (answers, mut asks)) = (from.into_split(), to.into_split());
        passing.spawn(async move { drop(copy(&mut asked, &mut asks).await) });
        passing.spawn(hold(answers, answered, is_open.clone()));
    }
}

async fn hold(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_open: watch::Receiver<bool>) {
    let mut bytes = Vec::new();
    while let Ok(1..) = from.read_buf(&mut bytes).await {
        let Ok(_) = is_open.wait_for(|is_open| *is_open).await else { return };
        let Ok(()) = to.write_all(&bytes).await else { return };
        bytes.clear();
    }
}
