//! Small private files that are there whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;

/// Readable and writable by the owner alone.
const PRIVATE: u32 = 0o600;

/// Opens for reading and writing, and makes the file, private, if it is missing.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(PRIVATE).open(path)
}

/// What others than the owner may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exposure {
    Private,
    Readable,
    Writable,
}

/// What the mode lets the group or everybody do.
pub(super) fn exposure(file: &File) -> io::Result<Exposure> {
    let mode = file.metadata()?.permissions().mode();
    Ok(match (mode & 0o022, mode & 0o044) {
        (0, 0) => Exposure::Private,
        (0, _) => Exposure::Readable,
        (_, _) => Exposure::Writable,
    })
}

/// Makes a private file with this content. Of several that try at once one succeeds, and the others get `AlreadyExists`
/// and find it whole: a link, unlike a rename, never replaces anything.
pub(super) fn create_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = NewFile::begin(path)?;
    new.content().write_all(content)?;
    new.keep()
}

/// The same with content that is written bit by bit. Dropped before it is kept, it leaves nothing.
pub(super) struct NewFile<'p> {
    path: &'p Path,
    draft: Draft,
}

impl<'p> NewFile<'p> {
    /// Refused at once where there is something; whether there still is nothing is seen at the end.
    pub(super) fn begin(path: &'p Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(Self { path, draft: Draft::begin(path)? })
    }

    pub(super) fn content(&mut self) -> &mut File {
        &mut self.draft.file
    }

    /// Puts it in its place.
    pub(super) fn keep(self) -> io::Result<()> {
        self.draft.file.sync_all()?;
        fs::hard_link(&self.draft.path, self.path)?;
        sync_directory(self.path)
    }
}

/// Replaces a file's content, and keeps its owner and mode: whoever could read it still can.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // Through symbolic links to the file itself, or the link would be replaced.
    let path = fs::canonicalize(path)?;
    let old = fs::metadata(&path)?;
    let mut draft = Draft::begin(&path)?;
    draft.file.write_all(content)?;
    let new = draft.file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(&draft.file, Some(old.uid()), Some(old.gid()))?;
    }
    draft.file.set_permissions(old.permissions())?;
    draft.file.sync_all()?;
    fs::rename(&draft.path, &path)?;
    sync_directory(&path)
}

/// A file beside its destination; gone when dropped, unless it was renamed.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn begin(destination: &Path) -> io::Result<Self> {
        let path = draft_path(destination)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; otherwise a stray draft does no harm.
        drop(fs::remove_file(&self.path));
    }
}

fn draft_path(destination: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    rand::fill(&mut random)
        .map_err(|_unspecified| io::Error::other("the system's random number generator failed"))?;
    let mut name = OsString::from(".");
    name.push(destination.file_name().unwrap_or_default());
    name.push(format!(".{:016x}.new", u64::from_be_bytes(random)));
    Ok(destination.with_file_name(name))
}

/// Makes a new name durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{super::testing::TempDir, *};

    #[test]
    fn a_new_file_never_replaces_one_and_leaves_no_draft() {
        let dir = TempDir::new();
        create_new(&dir.path("f"), b"first").unwrap();
        let error = create_new(&dir.path("f"), b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(dir.path("f")).unwrap(), b"first");
        assert_eq!(dir.names(), ["f"]);
    }

    #[test]
    fn replacing_keeps_the_mode_and_follows_a_link() {
        let dir = TempDir::new();
        create_new(&dir.path("f"), b"first").unwrap();
        fs::set_permissions(dir.path("f"), fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("f", dir.path("link")).unwrap();
        replace(&dir.path("link"), b"second").unwrap();
        assert_eq!(fs::read(dir.path("f")).unwrap(), b"second");
        assert_eq!(fs::metadata(dir.path("f")).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(dir.path("link")).unwrap().is_symlink());
        assert_eq!(dir.names(), ["f", "link"]);
    }
}
