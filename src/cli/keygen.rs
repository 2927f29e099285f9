//! `countersign keygen`: makes key rings and rotates them.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

use super::exit;
use crate::store::KeyRing;

/// What `keygen` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a new key ring to this file, readable by its owner alone; it must not exist. Without it, print one.
    #[arg(long, value_name = "FILE", conflicts_with = "add")]
    out: Option<PathBuf>,
    /// Put a new first key into this key ring; its other keys still open what they sealed.
    #[arg(long, value_name = "FILE")]
    add: Option<PathBuf>,
}

/// Does what the command line says.
pub fn execute(args: &Args) -> ExitCode {
    match run(args.out.as_deref(), args.add.as_deref(), std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::failed(&problem),
    }
}

/// Prints a new key ring; or writes it to `out`, which must not exist; or, with `add`, puts a new first key into that
/// ring, whose other keys still open what they sealed. A running process sees the change when it next starts.
pub fn run(out: Option<&Path>, add: Option<&Path>, mut stdout: impl Write) -> Result<()> {
    match (out, add) {
        (Some(_), Some(_)) => bail!("--out makes a new key ring and --add changes one: give one of the two"),
        (Some(out), None) => {
            KeyRing::create(out)?;
        }
        (None, Some(add)) => KeyRing::rotate(add)?,
        (None, None) => {
            stdout
                .write_all(&KeyRing::generate()?.expose_json())
                .context("the key ring cannot be printed")?;
            stdout.flush().context("the key ring cannot be printed")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_ring_is_one_line_of_json() {
        let mut printed = Vec::new();
        run(None, None, &mut printed).unwrap();
        let ring: serde_json::Value = serde_json::from_slice(&printed).unwrap();
        assert_eq!((ring["version"].as_u64(), ring["keys"].as_array().unwrap().len()), (Some(1), 1));
        assert_eq!(String::from_utf8(printed).unwrap().lines().count(), 1);
    }

    #[test]
    fn making_and_rotating_at_once_is_refused() {
        assert!(run(Some(Path::new("/a")), Some(Path::new("/a")), Vec::new()).is_err());
    }
}
