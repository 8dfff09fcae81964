//! Where a file really is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf, is_separator};

use super::paths::{directory, other};

/// The file with links followed, also one that leads to a file that is yet to be made.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if names_a_directory(&path) {
            return Err(other("it names a directory, not a file"));
        }
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_symlink() => {
                if is_of_a_process(&path) {
                    return Err(other(
                        "it is an open file of a process, not a place for one",
                    ));
                }
                path = directory(&path).join(fs::read_link(&path)?);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {
                let name = path.file_name().ok_or_else(|| other("it names no file"))?;
                let directory = fs::canonicalize(directory(&path)).map_err(|error| {
                    if error.kind() == io::ErrorKind::NotFound {
                        io::Error::new(error.kind(), "there is no such directory")
                    } else {
                        error
                    }
                })?;
                return Ok(directory.join(name));
            }
        }
    }
    Err(other("its symbolic links lead in a circle"))
}

/// Whether a path ends as only that of a directory does, which the standard library passes over.
fn names_a_directory(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let text = text.strip_suffix(b".").unwrap_or(text);
    let last = text.last().copied().map(char::from);
    last.is_some_and(is_separator)
}

/// Whether a link is one of those that the system makes for what a process has open, as
/// `/dev/stdout` leads to.
fn is_of_a_process(link: &Path) -> bool {
    cfg!(target_os = "linux")
        && fs::canonicalize(directory(link)).is_ok_and(|place| place.starts_with("/proc"))
}
