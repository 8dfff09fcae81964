//! One key of a dotenv file.

mod docker;
mod grammar;
mod shell;
mod value;

use std::ops::Range;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::place::{Part, Place, Slot, Stored, file_setters};

/// Programs that are to read a dotenv file; they differ in what a line means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DotenvReaders {
    /// Shells (`set -a; . ./.env`), python-dotenv, node's dotenv and the crate `dotenvy`: what is
    /// written reads alike in all of them. In a file with CRLF line ends a shell takes the CR for a
    /// part of every value, so such a file counts as one for [`Libraries`](Self::Libraries).
    #[default]
    All,
    /// The libraries, and no shell: the rest of the file may be something that a shell stumbles
    /// over, such as `FROM=Us <us@example.com>`.
    Libraries,
    /// `docker run --env-file`, which knows no quotes: the value stands as it is.
    Docker,
}

/// Sink that sets one key of a dotenv file (`KEY=value` lines) and leaves every other byte of it as
/// it is: other lines, comments, line ends.
///
/// What is written reads alike for all programs that are [meant](Self::readers). A file of which
/// they do not agree where this key's value begins and ends is refused, and so is a key that is
/// there twice. A key that is not there is added at the end.
///
/// Several sinks, in several processes, can write keys of one file at once. Everything else is as
/// with [`FileSink`](super::FileSink), which must not be used for the same file.
///
/// ```
/// use access_tokens::rotation::sink::{DotenvReaders, DotenvSink, Sink};
///
/// let sink = DotenvSink::new("/srv/app/.env", "LD_TOKEN");
/// assert_eq!(sink.id(), "dotenv /srv/app/.env#LD_TOKEN");
/// let compose = DotenvSink::new("/srv/app/docker.env", "LD_TOKEN").readers(DotenvReaders::Docker);
/// # drop(compose);
/// ```
#[derive(Debug)]
pub struct DotenvSink(pub(super) Stored<Key>);

impl DotenvSink {
    /// Sets this key of this file, whose directory must exist.
    pub fn new(path: impl Into<PathBuf>, key: impl Into<String>) -> Self {
        let key = Key::new(key, DotenvReaders::default());
        Self(Stored::new(Place::new(path.into()), key))
    }

    /// Sets the programs that are to read the file.
    #[must_use]
    pub fn readers(mut self, readers: DotenvReaders) -> Self {
        self.0.slot.readers = readers;
        self
    }
}

file_setters!(DotenvSink);

/// A key, as certain programs read it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    name: String,
    readers: DotenvReaders,
}

/// Where a key stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    /// The lines of it, with their line end.
    lines: Range<usize>,
    /// What stands for the value: from the end of the name to the end of the value.
    value: Range<usize>,
}

impl Key {
    pub(super) fn new(name: impl Into<String>, readers: DotenvReaders) -> Self {
        Self {
            name: name.into(),
            readers,
        }
    }

    fn text<'a>(&self, file: &'a [u8]) -> Result<&'a str, String> {
        let mut bytes = self.name.bytes();
        let dots = self.readers != DotenvReaders::All;
        let starts = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        let goes_on = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (dots && b == b'.');
        if !bytes.next().is_some_and(starts) || !bytes.all(goes_on) {
            let text = "the key is not a name that all readers know for a variable: use letters, digits and _, no digit first";
            return Err(text.to_owned());
        }
        std::str::from_utf8(file)
            .map_err(|_| "the file is not in UTF-8: convert it, for readers differ".to_owned())
    }

    fn place(&self, text: &str) -> Result<Option<Found>, String> {
        match self.readers {
            DotenvReaders::Docker => docker::find(text, &self.name),
            DotenvReaders::Libraries => grammar::find(text, &self.name, false),
            DotenvReaders::All => grammar::find(text, &self.name, !text.contains("\r\n")),
        }
    }

    /// Puts what follows the name.
    fn put(&self, text: &str, raw: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let Some(found) = self.place(text)? else {
            return Ok(self.added(text, raw));
        };
        let (before, after) = (text.get(..found.value.start), text.get(found.value.end..));
        Ok(joined(&[
            before.unwrap_or_default(),
            raw,
            after.unwrap_or_default(),
        ]))
    }

    fn added(&self, text: &str, raw: &str) -> Zeroizing<Vec<u8>> {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let open = !text.is_empty() && !text.ends_with('\n');
        joined(&[text, if open { end } else { "" }, &self.name, raw, end])
    }
}

fn joined(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut all = Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        all.extend_from_slice(part.as_bytes());
    }
    all
}

impl Slot for Key {
    fn name(&self) -> &str {
        &self.name
    }

    fn id(&self, place: &str) -> String {
        format!("dotenv {place}#{}", self.name.escape_debug())
    }

    fn find(&self, file: &[u8]) -> Result<Option<Part>, String> {
        let text = self.text(file)?;
        let Some(found) = self.place(text)? else {
            return Ok(None);
        };
        let raw = text.get(found.value).unwrap_or_default();
        let value = match self.readers {
            DotenvReaders::Docker => raw.strip_prefix('=').unwrap_or(raw),
            _ => value::meant(raw),
        };
        Ok(Some(Part {
            bytes: Zeroizing::new(raw.as_bytes().to_vec()),
            value: Zeroizing::new(value.as_bytes().to_vec()),
        }))
    }

    fn with_secret(&self, file: &[u8], secret: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let text = self.text(file)?;
        let raw = self.place(text)?.and_then(|found| text.get(found.value));
        let value = match self.readers {
            DotenvReaders::Docker => docker::written(secret)?,
            _ => value::written(secret, raw)?,
        };
        let new = self.put(text, &value)?;
        // What is about to be written is read as it will be.
        match self.find(&new)? {
            Some(part) if *part.value == secret.as_bytes() => Ok(new),
            _ => {
                Err("the secret cannot be written into this file so that it reads alike".to_owned())
            }
        }
    }

    fn with_former(
        &self,
        file: &[u8],
        former: Option<&[u8]>,
        line_added: bool,
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        let text = self.text(file)?;
        if let Some(former) = former {
            let raw = std::str::from_utf8(former).map_err(|_| "what it held is no text")?;
            return self.put(text, raw);
        }
        let Some(found) = self.place(text)? else {
            return Ok(joined(&[text]));
        };
        let before = text.get(..found.lines.start).unwrap_or_default();
        let after = text.get(found.lines.end..).unwrap_or_default();
        let before = match before.strip_suffix('\n') {
            Some(open) if line_added && after.is_empty() => open.strip_suffix('\r').unwrap_or(open),
            _ => before,
        };
        Ok(joined(&[before, after]))
    }
}
