//! The configuration's file, and what of it has been dealt with.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::config::{Config, Environment, Files, Reading};

/// A file that a process was started with, to be read again when it or a secret's file changes.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: Arc<Path>,
    env: Arc<Environment>,
    /// What the last configuration was read from that was taken or refused.
    dealt_with: Files,
    /// What they said at the last look, if that was something else.
    changing_to: Option<Files>,
}

impl ConfigFile {
    /// A file that was read under this environment, and all that was read with it.
    pub fn new(path: PathBuf, env: Environment, files: Files) -> Self {
        Self { path: path.into(), env: Arc::new(env), dealt_with: files, changing_to: None }
    }

    /// Looks, and reads what has changed once two looks in a row find the same: somebody may be writing still. If `asked`,
    /// reads what is there. Blocks.
    pub(super) fn look(&mut self, asked: bool) -> Option<Reading> {
        if !asked && self.dealt_with.are_unchanged() {
            self.changing_to = None;
            return None;
        }
        let reading = Config::read(&self.path, &self.env);
        if asked || self.changing_to.as_ref() == Some(&reading.files) {
            self.changing_to = None;
            self.dealt_with = reading.files.clone();
            Some(reading)
        } else {
            self.changing_to = Some(reading.files);
            None
        }
    }
}

#[cfg(test)]
mod tests;
