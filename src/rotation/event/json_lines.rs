//! Events in a file, one JSON object a line.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Event, EventError, EventSink};
use futures_core::future::BoxFuture;

/// File with one event a line, as JSON.
///
/// Several processes may append to the same file. It is opened anew for each event, so it can be
/// rotated away at any time; a new one has mode 0600. What a killed process has left of a line
/// does not spoil the next.
///
/// That nothing is due ([`not_due`](crate::rotation::Outcome::NotDue)) is left out: that would be a line for
/// each token at each tick.
///
/// ```no_run
/// use access_tokens::rotation::{JsonLines, Keeper, state::FileStore};
///
/// let keeper = Keeper::builder(FileStore::new("/var/lib/tokens"))
///     .events(JsonLines::new("/var/log/tokens.jsonl"))
///     .build();
/// ```
#[derive(Clone, Debug)]
pub struct JsonLines {
    path: PathBuf,
}

impl JsonLines {
    /// Events in this file. Nothing is touched before the first one.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl EventSink for JsonLines {
    fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>> {
        Box::pin(async move {
            if event.action == "not_due" {
                return Ok(());
            }
            let failed = |reason: &dyn std::fmt::Display| {
                EventError::new(format!("{}: {reason}", self.path.display()))
            };
            let mut line = serde_json::to_vec(event).map_err(|error| failed(&error))?;
            line.push(b'\n');
            let path = self.path.clone();
            let runtime = crate::reactor::handle();
            let runtime =
                runtime.ok_or_else(|| failed(&"no thread could be started to write it"))?;
            let appended = runtime.spawn_blocking(move || append(&path, &line)).await;
            appended
                .map_err(|_| failed(&"the thread that writes has stopped"))?
                .map_err(|error| failed(&error))
        })
    }
}

fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.lock()?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    file.write_all(line)
}
