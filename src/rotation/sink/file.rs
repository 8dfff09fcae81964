//! A file that holds nothing but the secret.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::place::{Part, Place, Slot, Stored, file_setters};

/// Sink that puts the secret, and nothing else, into a file.
///
/// The file is replaced as a whole: a reader sees the old or the new secret, never a part. One that
/// is there keeps its mode, owner, group and access list; a new one has mode 0600. A symbolic link
/// is followed, also one to a file that is yet to be made; what is no file (a pipe, a device, a
/// directory) is refused.
///
/// Beside the file `NAME` stands `NAME.access-tokens`, mode 0600: versions, labels, and what the file
/// held before, which is what makes the sink [restorable](super::SinkKind::Restorable). Leave it there:
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
pub struct FileSink(pub(super) Stored<Whole>);

impl FileSink {
    /// Writes to this file, whose directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Stored::new(
            Place::new(path.into()),
            Whole { newline: false },
        ))
    }

    /// Ends the file with a line feed.
    #[must_use]
    pub fn newline(mut self) -> Self {
        self.0.slot.newline = true;
        self
    }
}

file_setters!(FileSink);

/// All of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    pub(super) newline: bool,
}

impl Slot for Whole {
    fn name(&self) -> &'static str {
        ""
    }

    fn id(&self, place: &str) -> String {
        format!("file {place}")
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
