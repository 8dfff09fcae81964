//! A file that holds nothing but the secret.

use std::path::PathBuf;

use futures_core::future::BoxFuture;
use zeroize::Zeroizing;

use super::place::{Change, Part, Place, Slot, Stored};
use super::{Delivery, Observed, Sink, SinkError, SinkKind, SinkVersion, Written};
use crate::marker::Marker;

/// Sink that puts the secret, and nothing else, into a file.
///
/// The file is replaced as a whole: a reader sees the old or the new secret, never a part. One that
/// is there keeps its mode, owner, group and access list; a new one has mode 0600. A symbolic link
/// is followed, also one to a file that is yet to be made; what is no file (a pipe, a device, a
/// directory) is refused.
///
/// Beside the file `NAME` stands `NAME.access-tokens`, mode 0600: versions, labels, and what the file
/// held before, which is what makes the sink [restorable](SinkKind::Restorable). Leave it there:
/// without it, what is in the file counts as somebody else's. While the file is being written there
/// are also `NAME.access-tokens.lock` and `NAME.access-tokens.draft-…`.
///
/// ```
/// use access_tokens::rotation::sink::{FileSink, Sink, SinkKind};
///
/// let sink = FileSink::new("/etc/app/token").mode(0o640).group("app");
/// assert_eq!(sink.id(), "file /etc/app/token");
/// assert_eq!(sink.kind(), SinkKind::Restorable);
/// ```
#[derive(Debug)]
pub struct FileSink(Stored<Whole>);

impl FileSink {
    /// Writes to this file, whose directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Stored::new(
            Place::new(path.into()),
            Whole { newline: false },
        ))
    }

    /// Sets the mode, such as 0640 for a group that reads the file, whether or not it is new.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.0.place.mode = Some(mode & 0o777);
        self
    }

    /// Sets the group, by name or number, whether or not the file is new.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.0.place.group = Some(group.into());
        self
    }

    /// Ends the file with a line feed.
    #[must_use]
    pub fn newline(mut self) -> Self {
        self.0.slot.newline = true;
        self
    }

    /// Writes over what is in the file instead of replacing it: for a single file that is mounted,
    /// as into a container. A reader can see a part of the secret for a moment.
    ///
    /// If nothing can be put beside the file, the sink is [blind](SinkKind::Blind), unless
    /// [`sidecar`](Self::sidecar) names another place.
    #[must_use]
    pub fn in_place(mut self) -> Self {
        self.0.place.over = true;
        self
    }

    /// Keeps the sidecar in this file, for a directory where nothing can be put beside the secret.
    /// Every sink for the same file must name the same.
    #[must_use]
    pub fn sidecar(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.place.sidecar = Some(path.into());
        self
    }
}

impl Sink for FileSink {
    fn id(&self) -> String {
        format!("file {}", self.0.place.id())
    }

    fn kind(&self) -> SinkKind {
        self.0.kind()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        self.0.check()
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        self.0.observe()
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        self.0.deliver(delivery)
    }

    fn restore<'a>(
        &'a self,
        attempt: &'a Marker,
        seen: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        self.0.change(Change::Restore(attempt.clone()), Some(seen))
    }

    fn rewrite<'a>(&'a self, seen: &'a SinkVersion) -> BoxFuture<'a, Result<Written, SinkError>> {
        self.0.change(Change::Rewrite, Some(seen))
    }
}

/// All of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    pub(super) newline: bool,
}

impl Slot for Whole {
    fn name(&self) -> &'static str {
        ""
    }

    fn find(&self, file: &[u8]) -> Result<Option<Part>, String> {
        let bytes = Zeroizing::new(file.to_vec());
        Ok(Some(Part {
            value: bytes.clone(),
            bytes,
        }))
    }

    fn with_secret(&self, _: &[u8], secret: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut file = Zeroizing::new(Vec::with_capacity(secret.len() + 1));
        file.extend_from_slice(secret.as_bytes());
        if self.newline {
            file.push(b'\n');
        }
        Ok(file)
    }

    fn with_former(
        &self,
        _: &[u8],
        former: Option<&[u8]>,
        _: bool,
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        Ok(Zeroizing::new(former.unwrap_or_default().to_vec()))
    }
}
