//! Files that are replaced as a whole or not at all, and that only their owner can read.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The whole file, or `None` if there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(Zeroizing::new(content))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file, or makes it. Afterwards it is on the disk, with this mode on Unix and the owner
/// that it had; elsewhere the permissions are those of the directory.
pub(super) fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // The name is always the same, so that what a killed process left there, which may be a secret,
    // does not stay.
    let draft = draft(path, content, mode, "new")?;
    let result = keep_owner(path, &draft).and_then(|()| fs::rename(&draft, path));
    if result.is_err() {
        let _ = fs::remove_file(&draft);
    }
    result?;
    sync_directory(path)
}

/// Makes a file that must not exist yet, with its whole content from the first moment on.
pub(super) fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // Several processes may try at once, so each has a draft of its own.
    let tag = format!("{}-{:x}", std::process::id(), fastrand::u64(..));
    let draft = draft(path, content, mode, &tag)?;
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => sync_directory(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // File systems without links: the file is there a moment before its content.
        Err(_) => {
            let mut file = open_new(path, mode)?;
            file.write_all(content)?;
            file.sync_all()?;
            sync_directory(path)
        }
    }
}

/// Removes a file; one that is not there is removed already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync_directory(path),
    }
}

/// The directory of a file.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Writes the content beside its place.
fn draft(path: &Path, content: &[u8], mode: u32, tag: &str) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path names no file",
        ));
    };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".");
    hidden.push(tag);
    let draft = directory(path).join(hidden);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = open_new(&draft, mode)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    Ok(draft)
}

#[cfg(unix)]
fn open_new(path: &Path, mode: u32) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let mut options = OpenOptions::new();
    // Only the owner's part at first: the umask can take away, but what is to be given comes last.
    let file = options
        .write(true)
        .create_new(true)
        .mode(mode & 0o600)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_new(path: &Path, _: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// A file that changes hands cannot be read any more by whom it was for.
#[cfg(unix)]
fn keep_owner(path: &Path, draft: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};

    let Ok(old) = fs::metadata(path) else {
        return Ok(());
    };
    let new = fs::metadata(draft)?;
    let uid = (old.uid() != new.uid()).then_some(old.uid());
    let gid = (old.gid() != new.gid()).then_some(old.gid());
    if uid.is_some() || gid.is_some() {
        chown(draft, uid, gid)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

/// A rename is on the disk only when its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
