//! Locks of the operating system: they end with the process that has them, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hmac_sha256::Hash;

use super::files;

/// Which of 256 locks guards the writes of a file of this name. It is the same in every process, and
/// must stay so.
pub(super) fn stripe(escaped_name: &str) -> u8 {
    Hash::hash(escaped_name.as_bytes())
        .first()
        .copied()
        .unwrap_or(0)
}

/// How long a write waits for another one, which takes milliseconds: longer means that its process
/// is stopped or its disk hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Folder of the lock files within the directory of a store.
pub(super) const FOLDER: &str = ".locks";

/// Waits for the lock on this file. It is never removed, so that all who want it want the same one.
pub(super) fn wait(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    let started = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if started.elapsed() > PATIENCE => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "another process keeps the lock: is it stopped, or its disk?",
                ));
            }
            Err(TryLockError::WouldBlock) => {}
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// Takes the lock on this file, which is removed when it is let go; `None` if another one has it.
pub(super) fn take(path: &Path) -> io::Result<Option<Taken>> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it before may have removed the file after it was opened here.
        if is_at(&file, path)? {
            return Ok(Some(Taken {
                path: path.to_owned(),
                file: Some(file),
            }));
        }
    }
}

/// A lock file that is held.
pub(super) struct Taken {
    path: PathBuf,
    file: Option<File>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Removed while it is held, so that nobody's but this one goes; where files have no
        // identity that can be compared, it stays.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
        self.file = None;
    }
}

/// Whether locks exclude here: there are file systems that take them and do nothing.
pub(super) fn work_in(folder: &Path) -> io::Result<bool> {
    exclude(&folder.join("probe"), File::try_lock)
}

fn exclude(path: &Path, try_lock: impl Fn(&File) -> Result<(), TryLockError>) -> io::Result<bool> {
    let (first, second) = (open(path)?, open(path)?);
    match try_lock(&first) {
        Ok(()) => {}
        // Another process tries at this moment, which is answer enough.
        Err(TryLockError::WouldBlock) => return Ok(true),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    match try_lock(&second) {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// What locks in this folder exclude others within: the running system and the folder itself.
pub(super) fn domain(folder: &Path) -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;

        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let data = fs::metadata(folder).ok()?;
        Some(format!("{}/{:x}-{:x}", boot.trim(), data.dev(), data.ino()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    files::private(&mut options);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            files::make_directory(path.parent().unwrap_or(Path::new(".")))?;
            options.open(path)
        }
        other => other,
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_that_exclude_nobody_are_noticed() {
        let folder = std::env::temp_dir().join(format!("at-locks-{}", fastrand::u64(..)));
        assert!(work_in(&folder).unwrap());
        let path = folder.join("probe");
        assert!(!exclude(&path, |_| Ok(())).unwrap());
        let none = |_: &File| Err(TryLockError::Error(io::ErrorKind::Unsupported.into()));
        let error = exclude(&path, none).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        fs::remove_dir_all(&folder).unwrap();
    }
}
