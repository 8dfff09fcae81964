//! A file that holds nothing but the secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures_core::future::BoxFuture;
use zeroize::Zeroizing;

use super::{Sink, SinkError, Undone};
use crate::rotation::atomic;
use crate::secret::Secret;
use crate::service::TokenRecord;
use crate::sync::lock;

/// Puts the secret, and nothing else, into a file.
///
/// The file is replaced as a whole (a reader sees the old or the new secret, never a part), reaches
/// the disk before the rotation goes on, and has mode 0600 unless [`mode`](Self::mode) says
/// otherwise; its owner stays, and a symbolic link is followed. If something fails later, the old
/// content is put back. On systems other than Unix the permissions are those of the directory.
pub struct FileSink {
    path: PathBuf,
    mode: u32,
    newline: bool,
    last: Mutex<Option<Delivery>>,
}

/// What the last delivery changed.
struct Delivery {
    before: Option<Zeroizing<Vec<u8>>>,
    after: Zeroizing<Vec<u8>>,
}

impl FileSink {
    /// Writes to this file, whose directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: 0o600,
            newline: false,
            last: Mutex::new(None),
        }
    }

    /// Another mode, such as 0640 for a group that reads the file.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// Ends the file with a line feed.
    #[must_use]
    pub fn newline(mut self) -> Self {
        self.newline = true;
        self
    }

    fn write(&self, secret: &Secret) -> Result<(), SinkError> {
        let path = atomic::target(&self.path)?;
        let mut after = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        if self.newline {
            after.push(b'\n');
        }
        let before = atomic::read(&path)?;
        self.remember(None);
        if let Err(error) = atomic::replace(&path, &after, self.mode) {
            // The new content may be in place and only not certain to be on the disk.
            let certain = atomic::read(&path).is_ok_and(|now| now.as_ref() != Some(&after));
            if !certain {
                self.remember(Some(Delivery { before, after }));
                return Err(SinkError::from(error).maybe_delivered());
            }
            return Err(error.into());
        }
        self.remember(Some(Delivery { before, after }));
        Ok(())
    }

    fn restore(&self) -> Result<Undone, SinkError> {
        let last = self.lock().take();
        let Some(Delivery { before, after }) = last else {
            return Ok(Undone::Restored);
        };
        let path = atomic::target(&self.path)?;
        // Somebody else's change in between is not undone.
        if atomic::read(&path)?.as_ref() == Some(&after) {
            match before {
                Some(before) => atomic::replace(&path, &before, self.mode)?,
                None => atomic::remove(&path)?,
            }
        }
        Ok(Undone::Restored)
    }

    fn remember(&self, delivery: Option<Delivery>) {
        *self.lock() = delivery;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Delivery>> {
        lock(&self.last)
    }
}

/// The directory must be there, and the file be one.
pub(super) fn check(path: &Path) -> Result<(), SinkError> {
    if path.is_dir() {
        return Err(SinkError::new("the path is a directory"));
    }
    if !atomic::directory(path).is_dir() {
        return Err(SinkError::new("there is no such directory"));
    }
    Ok(())
}

impl Sink for FileSink {
    fn name(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn check(&self) -> Result<(), SinkError> {
        check(&self.path)
    }

    fn deliver<'a>(
        &'a self,
        secret: &'a Secret,
        _: &'a TokenRecord,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move { self.write(secret) })
    }

    fn undo(&self) -> BoxFuture<'_, Result<Undone, SinkError>> {
        Box::pin(async move { self.restore() })
    }
}

impl fmt::Debug for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink")
            .field("path", &self.path)
            .field("mode", &format_args!("{:o}", self.mode))
            .field("newline", &self.newline)
            .finish_non_exhaustive()
    }
}
