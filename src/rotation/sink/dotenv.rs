//! One key of a dotenv file.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;

use zeroize::Zeroizing;

use futures_core::future::BoxFuture;

use super::file::{certain, check};
use super::{Delivery, Holds, Observed, Sink, SinkError, SinkKind, SinkVersion, Written};
use crate::marker::Marker;
use crate::rotation::atomic;
use crate::secret::Secret;

/// Sets one key of a dotenv file (`KEY=value` lines) and leaves every other byte of it as it is:
/// other lines, comments, quotes, line ends, a missing line end at the end.
///
/// A key that is not there is added at the end. One that is there twice is an error, since programs
/// differ in which of the two they take. Otherwise as [`FileSink`](super::FileSink).
pub struct DotenvSink {
    path: PathBuf,
    key: String,
    mode: u32,
    last: Mutex<Option<Last>>,
}

/// What the last delivery changed: the value, as it stood in the file.
struct Last {
    /// `None`: the file was not there.
    file: Option<Zeroizing<Vec<u8>>>,
    value: Option<Zeroizing<Vec<u8>>>,
    after: Zeroizing<Vec<u8>>,
}

impl DotenvSink {
    /// Sets this key of this file, whose directory must exist.
    pub fn new(path: impl Into<PathBuf>, key: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            key: key.into(),
            mode: 0o600,
            last: Mutex::new(None),
        }
    }

    /// Another mode, such as 0640 for a group that reads the file.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    fn write(&self, secret: &Secret) -> Result<(), SinkError> {
        let path = atomic::target(&self.path).map_err(certain)?;
        let file = atomic::read(&path).map_err(certain)?;
        let old: &[u8] = file.as_ref().map_or(&[], |file| file.as_slice());
        let place = find(old, &self.key)?;
        let style = place.clone().and_then(|at| old.get(at)?.first().copied());
        let value = quoted(secret, style)?;
        let after = match &place {
            Some(place) => spliced(old, place.clone(), value.as_bytes()),
            None => appended(old, &self.key, value.as_bytes()),
        };
        *self.lock() = None;
        let outcome = atomic::replace(&path, &after, self.mode);
        let unchanged =
            outcome.is_err() && atomic::read(&path).is_ok_and(|now| now.as_deref() != Some(&after));
        if !unchanged {
            let before = place.and_then(|at| old.get(at).map(|value| value.to_vec().into()));
            *self.lock() = Some(Last {
                value: before,
                file,
                after: value.as_bytes().to_vec().into(),
            });
        }
        outcome.map_err(|error| {
            if unchanged {
                certain(error)
            } else {
                SinkError::from(error)
            }
        })
    }

    fn put_back(&self) -> Result<(), SinkError> {
        let last = self.lock().take();
        let Some(last) = last else {
            return Ok(());
        };
        let path = atomic::target(&self.path).map_err(certain)?;
        let Some(now) = atomic::read(&path).map_err(certain)? else {
            return Ok(());
        };
        let Some(place) = find(&now, &self.key)? else {
            return Ok(());
        };
        // Somebody else's change in between is not undone.
        if now.get(place.clone()) != Some(last.after.as_slice()) {
            return Ok(());
        }
        match (&last.value, &last.file) {
            // Other lines may have been changed since.
            (Some(value), _) => {
                atomic::replace(&path, &spliced(&now, place, value), self.mode).map_err(certain)?;
            }
            (None, Some(file)) => atomic::replace(&path, file, self.mode).map_err(certain)?,
            (None, None) => atomic::remove(&path).map_err(certain)?,
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Last>> {
        crate::sync::lock(&self.last)
    }
}

impl Sink for DotenvSink {
    fn id(&self) -> String {
        format!("{} in {}", self.key, self.path.display())
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Restorable
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            let mut bytes = self.key.bytes();
            let starts = bytes
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
            if !starts || !bytes.all(is_key_byte) {
                return Err(SinkError::not_stored(
                    "the key is not a name for a variable",
                ));
            }
            check(&self.path)?;
            let file = atomic::read(&atomic::target(&self.path)?).map_err(certain)?;
            find(file.as_ref().map_or(&[], |file| file.as_slice()), &self.key).map(drop)
        })
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

impl fmt::Debug for DotenvSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DotenvSink")
            .field("path", &self.path)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

fn spliced(old: &[u8], place: Range<usize>, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut new = Zeroizing::new(Vec::with_capacity(old.len() + value.len()));
    new.extend_from_slice(old.get(..place.start).unwrap_or_default());
    new.extend_from_slice(value);
    new.extend_from_slice(old.get(place.end..).unwrap_or_default());
    new
}

fn appended(old: &[u8], key: &str, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let first = old.iter().position(|byte| *byte == b'\n');
    let crlf = first.is_some_and(|at| at > 0 && old.get(at - 1) == Some(&b'\r'));
    let end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    let open = !old.is_empty() && !old.ends_with(b"\n");
    let mut new = Zeroizing::new(Vec::with_capacity(old.len() + key.len() + value.len() + 5));
    new.extend_from_slice(old);
    if open {
        new.extend_from_slice(end);
    }
    new.extend_from_slice(key.as_bytes());
    new.push(b'=');
    new.extend_from_slice(value);
    if !open {
        new.extend_from_slice(end);
    }
    new
}

/// The value in a form that shells and the dotenv libraries read alike; in the quotes that were
/// there, if they do no harm.
fn quoted(secret: &Secret, style: Option<u8>) -> Result<Zeroizing<String>, SinkError> {
    let value = secret.expose_secret();
    let plain = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=:@%,".contains(&byte));
    let quote = match style {
        Some(quote @ (b'"' | b'\'')) if plain => char::from(quote),
        _ if plain => return Ok(Zeroizing::new(value.to_owned())),
        // Between single quotes nothing has a meaning but the quote itself.
        _ if !value.contains('\'') && !value.chars().any(char::is_control) => '\'',
        _ => {
            return Err(SinkError::not_stored(
                "the secret has characters for which dotenv files have no common form",
            ));
        }
    };
    Ok(Zeroizing::new(format!("{quote}{value}{quote}")))
}

/// Where the value of a key stands, quotes included.
fn find(file: &[u8], key: &str) -> Result<Option<Range<usize>>, SinkError> {
    let mut found = None;
    let mut at = if file.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    while at < file.len() {
        let line = at..end_of_line(file, at);
        at = line.end + 1;
        let Some((name, start)) = assignment(file, line.clone()) else {
            continue;
        };
        let value = value(file, start, line.end);
        // A value between quotes can go over several lines, which may look like anything.
        at = at.max(end_of_line(file, value.end) + 1);
        if name == key.as_bytes() && found.replace(value).is_some() {
            return Err(SinkError::not_stored("the file has the key more than once"));
        }
    }
    Ok(found)
}

fn end_of_line(file: &[u8], from: usize) -> usize {
    let rest = file.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| *byte == b'\n');
    length.map_or(file.len(), |length| from + length)
}

/// The name on a line, and where what follows its `=` begins.
fn assignment(file: &[u8], line: Range<usize>) -> Option<(&[u8], usize)> {
    let text = file.get(line.clone())?;
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let name = text.get(..equals)?.trim_ascii();
    let name = match name.strip_prefix(b"export") {
        Some(rest) if rest.first().is_some_and(u8::is_ascii_whitespace) => rest.trim_ascii(),
        _ => name,
    };
    let named = !name.is_empty() && name.iter().all(|byte| is_key_byte(*byte) || *byte == b'-');
    named.then_some((name, line.start + equals + 1))
}

/// The value that begins after an `=`, without the blanks around it and the comment after it.
fn value(file: &[u8], start: usize, end: usize) -> Range<usize> {
    let line = file.get(start..end).unwrap_or_default();
    let blanks = line.iter().take_while(|byte| b" \t".contains(byte)).count();
    let from = start + blanks;
    if let Some(quote @ (b'"' | b'\'' | b'`')) = file.get(from)
        && let Some(close) = closing(file, from + 1, *quote)
    {
        return from..close + 1;
    }
    let text = file.get(from..end).unwrap_or_default();
    let comment = text
        .windows(2)
        .position(|pair| matches!(pair, b" #" | b"\t#"));
    let bare = text
        .get(..comment.unwrap_or(text.len()))
        .unwrap_or_default();
    if blanks > 0 && bare.starts_with(b"#") {
        // Empty; what is put there has to keep its distance from the comment.
        return start..start;
    }
    from..from + bare.trim_ascii_end().len()
}

fn closing(file: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut escaped = false;
    for (offset, byte) in file.get(from..)?.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quote == b'"' => escaped = true,
            _ if *byte == quote => return Some(from + offset),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(file: &str, secret: &str) -> Result<String, SinkError> {
        let place = find(file.as_bytes(), "KEY")?;
        let style = place
            .clone()
            .map(|at| file.as_bytes()[at].first().copied().unwrap_or_default());
        let value = quoted(&Secret::new(secret), style)?;
        let new = match place {
            Some(place) => spliced(file.as_bytes(), place, value.as_bytes()),
            None => appended(file.as_bytes(), "KEY", value.as_bytes()),
        };
        Ok(String::from_utf8(new.to_vec()).unwrap())
    }

    #[test]
    fn one_value_changes_and_nothing_else() {
        for (before, after) in [
            ("KEY=old\n", "KEY=new\n"),
            ("KEY=\n", "KEY=new\n"),
            ("KEY=", "KEY=new"),
            ("A=1\r\nKEY=old\r\nB=2", "A=1\r\nKEY=new\r\nB=2"),
            ("  export KEY = old # why\n", "  export KEY = new # why\n"),
            ("KEY=\"old # not a comment\" # why", "KEY=\"new\" # why"),
            ("KEY='old'", "KEY='new'"),
            ("KEY= # empty\n", "KEY=new # empty\n"),
            (
                "#KEY=no\nKEY=o#ld\nOTHER_KEY=1",
                "#KEY=no\nKEY=new\nOTHER_KEY=1",
            ),
            (
                "A=\"one\nKEY=not me\n\"\nKEY=old",
                "A=\"one\nKEY=not me\n\"\nKEY=new",
            ),
            (
                "A=\"it\\\"s\nKEY=no\"\nKEY=old",
                "A=\"it\\\"s\nKEY=no\"\nKEY=new",
            ),
            ("A=it's\nKEY=old\nB='", "A=it's\nKEY=new\nB='"),
            ("\u{feff}KEY=old\n", "\u{feff}KEY=new\n"),
            ("KEY=\"multi\nline\"\nB=1\n", "KEY=\"new\"\nB=1\n"),
        ] {
            assert_eq!(set(before, "new").unwrap(), after, "{before:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_added() {
        for (before, after) in [
            ("", "KEY=new\n"),
            ("A=1\n", "A=1\nKEY=new\n"),
            ("A=1", "A=1\nKEY=new"),
            ("A=1\r\n", "A=1\r\nKEY=new\r\n"),
            ("A=1\r\nB=2", "A=1\r\nB=2\r\nKEY=new"),
            ("KEY2=1\nMY.KEY=2\n", "KEY2=1\nMY.KEY=2\nKEY=new\n"),
        ] {
            assert_eq!(set(before, "new").unwrap(), after, "{before:?}");
        }
    }

    #[test]
    fn a_value_is_quoted_so_that_nothing_in_it_has_a_meaning() {
        assert_eq!(set("KEY=old", "a b#$x\\").unwrap(), "KEY='a b#$x\\'");
        assert_eq!(set("KEY=\"old\"", "a$b").unwrap(), "KEY='a$b'");
        assert_eq!(set("KEY=old", "eyJ0.a-b_c=").unwrap(), "KEY=eyJ0.a-b_c=");
        assert!(set("KEY=old", "it's").is_err());
        assert!(set("KEY=old", "a\nB=1").is_err());
    }

    #[test]
    fn a_key_that_is_there_twice_is_an_error() {
        assert!(set("KEY=1\nKEY=2\n", "new").is_err());
        assert!(set("KEY=1\n#KEY=2\n", "new").is_ok());
    }
}
