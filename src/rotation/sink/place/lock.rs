//! The lock under which a file is read and replaced.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::disk;
use super::steps::alive;

/// How long a writer waits for another, which takes milliseconds: longer means that its process is
/// stopped or its disk hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lock of the operating system, which ends with its process; its file is removed with it.
#[derive(Debug)]
pub(super) struct Lock {
    /// What goes with it.
    path: Option<PathBuf>,
    /// `None` only while it is dropped.
    file: Option<File>,
}

impl Lock {
    /// Waits for the lock.
    pub(super) fn acquire(path: &Path) -> io::Result<Self> {
        let file = wait(path, || attempt(path))?;
        Ok(Self {
            path: Some(path.to_owned()),
            file: Some(file),
        })
    }

    /// Waits for the lock on a file itself, which is never replaced.
    pub(super) fn on_file(path: &Path) -> io::Result<Self> {
        let file = wait(path, || {
            let file = disk::open_for_writing(path)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(file)),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        })?;
        Ok(Self {
            path: None,
            file: Some(file),
        })
    }
}

fn wait(path: &Path, attempt: impl Fn() -> io::Result<Option<File>>) -> io::Result<File> {
    let started = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        match attempt() {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => {}
            // Another user's, who may be about to let it go.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
                if started.elapsed() > PATIENCE {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        if started.elapsed() > PATIENCE {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "another process keeps its lock: is it stopped, or does its disk hang?",
            ));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

fn attempt(path: &Path) -> io::Result<Option<File>> {
    let file = disk::open_private(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Whoever had it before may have removed the file after it was opened here.
    Ok(disk::is_at(&file, path)?.then_some(file))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held, so that nobody's but this one goes.
        if let Some(path) = &self.path
            && cfg!(unix)
            && alive()
        {
            let _ = fs::remove_file(path);
        }
        self.file = None;
    }
}
