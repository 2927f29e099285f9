//! When to read the configuration again: when somebody asks, and when a look at its files finds another content.
//!
//! Looking is dearer than being notified, and right on every mount: inotify says nothing about what another machine writes
//! to a shared one, and is lost with each directory that a symbolic link no longer leads to. A look is the reading of a
//! few small files.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{ConfigFile, NotTaken, Reloader};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Watches one file for one process.
#[derive(Debug)]
pub(in crate::app) struct Watcher {
    file: ConfigFile,
    asked: Arc<Notify>,
    reloader: Reloader,
}

impl Watcher {
    /// Reads `file` when it changes, and at once with each `asked`.
    pub(in crate::app) fn new(file: ConfigFile, asked: Arc<Notify>, reloader: Reloader) -> Self {
        Self { file, asked, reloader }
    }

    /// Runs until it is dropped.
    pub(in crate::app) async fn run(mut self) -> Infallible {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                () = self.asked.notified() => true,
                _ = looks.tick() => false,
            };
            self.look(asked).await;
        }
    }

    async fn look(&mut self, asked: bool) {
        let mut file = self.file.clone();
        // A mount that hangs must not take a thread of the calls with it.
        let looked = spawn_blocking(move || {
            let reading = file.look(asked);
            (file, reading)
        });
        let read = match looked.await {
            Ok((file, reading)) => {
                self.file = file;
                let Some(reading) = reading else { return };
                reading.outcome.map_err(NotTaken::from)
            }
            Err(_panicked) => Err(NotTaken::Panicked),
        };
        self.reloader.reload(read).await;
    }
}
