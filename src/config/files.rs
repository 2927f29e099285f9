//! The files that a configuration is made of, and whether they still say what they said.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// Each file that was asked for while a configuration was read, with what was found. Two of these are equal when a
/// reading of the one and of the other cannot differ.
///
/// Content decides, not a file's time or number: those are the same after some changes (a second write within the clock's
/// tick, mounts that keep neither) and others after none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<PathBuf, Found>);

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Content with this SHA-256 digest, read up to this limit in bytes.
    Content { digest: [u8; 32], limit: u64 },
    /// No file that can be read.
    Nothing,
}

/// What was opened.
#[derive(Clone, Copy)]
enum Kind {
    /// Something that can be read again.
    File,
    /// A pipe, a terminal.
    Pipe,
}

impl Files {
    /// Reads a file, and notes what was found. What is returned is longer than `limit` where the file is.
    pub(super) fn read(&mut self, path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let read = read(path, limit);
        let found = match &read {
            // A pipe has nothing more to say.
            Ok((_, Kind::Pipe)) => None,
            Ok((content, Kind::File)) => Some(Found::Content { digest: sha256(content), limit }),
            Err(_) => Some(Found::Nothing),
        };
        if let Some(found) = found {
            self.0.insert(path.to_owned(), found);
        }
        read.map(|(content, _)| content)
    }

    /// Whether there is such a file, whose content others read, as often as they like. Only if not, that is noted.
    pub(super) fn is_there(&mut self, path: &Path) -> bool {
        let is_there = path.is_file();
        if !is_there {
            self.0.insert(path.to_owned(), Found::Nothing);
        }
        is_there
    }

    /// Whether a look at every file finds what was found before.
    pub fn are_unchanged(&self) -> bool {
        self.0.iter().all(|(path, found)| match *found {
            Found::Content { digest, limit } => {
                let is = path.is_file().then(|| read(path, limit).ok()).flatten();
                is.is_some_and(|(content, _)| digest == sha256(&content))
            }
            Found::Nothing => !path.is_file() || read(path, 0).is_err(),
        })
    }
}

fn sha256(content: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, content).as_ref());
    bytes
}

/// Through symbolic links, as everything else is opened: a mounted secret is one that leads to another directory with
/// each change.
fn read(path: &Path, limit: u64) -> io::Result<(Zeroizing<Vec<u8>>, Kind)> {
    let mut content = Zeroizing::new(Vec::new());
    let file = File::open(path)?;
    // Of what was opened: by now there may be something else at the path.
    let kind = if file.metadata()?.is_file() { Kind::File } else { Kind::Pipe };
    file.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    Ok((content, kind))
}

/// A short secret can be guessed from its digest.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
