//! Evidence as JSON Lines in a file.

use std::io::Write as _;
use std::path::PathBuf;

use access_tokens::BoxFuture;
use access_tokens::rotation::{Event, EventError, EventSink};

/// A file that gets a line an event. It is opened for each, so that it can be moved away at any
/// moment, and written in one call, so that lines of several processes do not mix.
#[derive(Debug)]
pub(crate) struct JsonLines(PathBuf);

impl JsonLines {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl EventSink for JsonLines {
    fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>> {
        Box::pin(async move {
            let failed = |error: &dyn std::fmt::Display| {
                EventError::new(format!("{}: {error}", self.0.display()))
            };
            let mut line = serde_json::to_string(event).map_err(|error| failed(&error))?;
            line.push('\n');
            let path = self.0.clone();
            let written = tokio::task::spawn_blocking(move || {
                let mut options = std::fs::OpenOptions::new();
                options.create(true).append(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                options.open(path)?.write_all(line.as_bytes())
            });
            match written.await {
                Ok(result) => result.map_err(|error| failed(&error)),
                Err(error) => Err(failed(&error)),
            }
        })
    }
}
