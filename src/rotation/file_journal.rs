//! A journal in a directory: one file for every unfinished rotation.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use futures_core::future::BoxFuture;

use super::atomic;
use super::entry::{Entry, VERSION};
use super::journal::{Journal, JournalError, JournalErrorKind, exists, follows};
use crate::sync::lock;

/// Keeps each unfinished rotation in a file of its own, in JSON, readable for its owner alone.
///
/// A file appears and is replaced as a whole, and is on the disk before the rotation takes its next
/// step. It holds no secret. Several processes can use one directory: of two that begin to rotate
/// the same token one is refused, and if one resumes what another still works at, the other is
/// stopped before its next step.
///
/// Put it on a local disk. Calls to the file system block for their short time.
#[derive(Debug)]
pub struct FileJournal {
    directory: PathBuf,
    /// Reading and then replacing must not be mixed up within this process.
    turn: Mutex<()>,
}

const SUFFIX: &str = ".rotation.json";

impl FileJournal {
    /// Keeps the files in this directory, which is made if need be (mode 0700 on Unix).
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(directory: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let directory = directory.into();
        make_directory(&directory)?;
        Ok(Self {
            directory,
            turn: Mutex::new(()),
        })
    }

    /// Where the entry of a slot is or would be.
    fn path(&self, slot: &str) -> PathBuf {
        self.directory.join(file_name(slot) + SUFFIX)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.turn)
    }

    fn read(path: &Path) -> Result<Option<Entry>, JournalError> {
        let Some(content) = atomic::read(path)? else {
            return Ok(None);
        };
        let unreadable = |why: &str| {
            let text = format!("{} {why}", path.display());
            JournalError::new(JournalErrorKind::Unreadable, text)
        };
        let value: serde_json::Value = serde_json::from_slice(&content)
            .map_err(|_| unreadable("holds no entry of a journal"))?;
        if value.get("version").and_then(serde_json::Value::as_u64) != Some(VERSION.into()) {
            return Err(unreadable("is of another version of this crate"));
        }
        serde_json::from_value(value)
            .map(Some)
            .map_err(|_| unreadable("holds no entry of a journal"))
    }

    fn bytes(entry: &Entry) -> Result<Vec<u8>, JournalError> {
        serde_json::to_vec_pretty(entry).map_err(|_| {
            JournalError::new(JournalErrorKind::Io, "the entry cannot be written down")
        })
    }
}

impl Journal for FileJournal {
    fn begin<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let (path, _turn) = (self.path(&entry.slot()), self.turn());
            match atomic::create(&path, &Self::bytes(entry)?, 0o600) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
                other => Ok(other?),
            }
        })
    }

    fn write<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let (path, _turn) = (self.path(&entry.slot()), self.turn());
            follows(Self::read(&path)?.as_ref(), entry)?;
            Ok(atomic::replace(&path, &Self::bytes(entry)?, 0o600)?)
        })
    }

    fn remove<'a>(&'a self, slot: &'a str, id: &'a str) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let (path, _turn) = (self.path(slot), self.turn());
            if Self::read(&path)?.is_some_and(|entry| entry.id == id) {
                atomic::remove(&path)?;
            }
            Ok(())
        })
    }

    fn find<'a>(&'a self, slot: &'a str) -> BoxFuture<'a, Result<Option<Entry>, JournalError>> {
        Box::pin(async move {
            let entry = Self::read(&self.path(slot))?;
            Ok(entry.filter(|entry| entry.slot() == slot))
        })
    }

    fn entries(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        Box::pin(async move {
            let mut paths = Vec::new();
            for file in fs::read_dir(&self.directory)? {
                let path = file?.path();
                let name = path.file_name().and_then(|name| name.to_str());
                if name.is_some_and(|name| !name.starts_with('.') && name.ends_with(SUFFIX)) {
                    paths.push(path);
                }
            }
            paths.sort();
            let mut entries = Vec::new();
            for path in paths {
                // One can be finished in between.
                entries.extend(Self::read(&path)?);
            }
            Ok(entries)
        })
    }
}

/// A name that any file system takes, also one that does not tell `a` from `A`.
fn file_name(slot: &str) -> String {
    const LONGEST: usize = 160;
    let mut name = String::new();
    for byte in slot.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => {
                let _ = write!(name, "%{byte:02x}");
            }
        }
    }
    if name.len() > LONGEST {
        // Only to tell long ones apart; the entry itself says whose it is.
        let hash = slot.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        name.truncate(LONGEST);
        let _ = write!(name, "-{hash:016x}");
    }
    name
}

#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_slots_have_different_files_everywhere() {
        assert_eq!(file_name("a b/C.."), "a%20b%2f%43%2e%2e");
        let (one, other) = ("x".repeat(500) + "1", "x".repeat(500) + "2");
        assert_ne!(file_name(&one), file_name(&other));
        assert!(file_name(&one).len() < 200);
    }
}
