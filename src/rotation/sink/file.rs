//! A file that holds nothing but the secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use zeroize::Zeroizing;

use futures_core::future::BoxFuture;

use super::{Delivery, Holds, Observed, Sink, SinkError, SinkKind, SinkVersion, Written};
use crate::marker::Marker;
use crate::rotation::atomic;
use crate::secret::Secret;

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
    last: Mutex<Option<Last>>,
}

/// What the last delivery changed.
struct Last {
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
        let path = atomic::target(&self.path).map_err(certain)?;
        let mut after = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        if self.newline {
            after.push(b'\n');
        }
        let before = atomic::read(&path).map_err(certain)?;
        self.remember(None);
        if let Err(error) = atomic::replace(&path, &after, self.mode) {
            // The new content may be in place and only not certain to be on the disk.
            let unchanged = atomic::read(&path).is_ok_and(|now| now.as_ref() != Some(&after));
            if !unchanged {
                self.remember(Some(Last { before, after }));
                return Err(SinkError::from(error));
            }
            return Err(certain(error));
        }
        self.remember(Some(Last { before, after }));
        Ok(())
    }

    fn put_back(&self) -> Result<(), SinkError> {
        let last = self.lock().take();
        let Some(Last { before, after }) = last else {
            return Ok(());
        };
        let path = atomic::target(&self.path).map_err(certain)?;
        // Somebody else's change in between is not undone.
        if atomic::read(&path).map_err(certain)?.as_ref() == Some(&after) {
            match before {
                Some(before) => atomic::replace(&path, &before, self.mode).map_err(certain)?,
                None => atomic::remove(&path).map_err(certain)?,
            }
        }
        Ok(())
    }

    fn remember(&self, delivery: Option<Last>) {
        *self.lock() = delivery;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Last>> {
        crate::sync::lock(&self.last)
    }
}

#[allow(clippy::needless_pass_by_value)]
pub(super) fn certain(error: std::io::Error) -> SinkError {
    SinkError::not_stored(error.to_string())
}

/// The directory must be there, and the file be one.
pub(super) fn check(path: &Path) -> Result<(), SinkError> {
    if path.is_dir() {
        return Err(SinkError::not_stored("the path is a directory"));
    }
    if !atomic::directory(path).is_dir() {
        return Err(SinkError::not_stored("there is no such directory"));
    }
    Ok(())
}

impl Sink for FileSink {
    fn id(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Restorable
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move { check(&self.path) })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        Box::pin(async { Ok(Observed::new(SinkVersion::new("0"), Holds::Unknown)) })
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            self.write(delivery.secret())?;
            Ok(Written::new(SinkVersion::new("0")))
        })
    }

    fn restore<'a>(
        &'a self,
        _: &'a Marker,
        _: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            self.put_back()?;
            Ok(Written::new(SinkVersion::new("0")))
        })
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
