//! Paths, and what is said of one that will not do.

use std::io;
use std::path::Path;

/// The directory of a file.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// An error in our own words.
pub(super) fn other(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
