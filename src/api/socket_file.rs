//! The file of a Unix socket: taken over when its owner is gone, removed when we are.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    net::{UnixListener, UnixStream},
    time::timeout,
};

/// Owner and group may connect.
const MODE: u32 = 0o660;
/// An owner that does not even accept within this time counts as alive.
const PROBE: Duration = Duration::from_secs(1);

/// Removes the socket's file when dropped, unless another process has put its own there since.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    /// Binds a socket here. A socket that nobody answers on is left over from a crash and replaced; any other file is
    /// not ours to remove.
    pub(super) async fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        remove_stale(path).await?;
        let listener = UnixListener::bind(path)?;
        let file = Self { path: path.to_owned(), identity: identity(path)? };
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        Ok((listener, file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(file.path = %self.path.display(), error.message = %error, "the socket's file could not be removed");
        }
    }
}

async fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the path is taken by a file that is no socket",
        ));
    }
    match timeout(PROBE, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "another process answers on this socket"))
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}
