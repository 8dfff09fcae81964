//! The store of files, as processes that are killed, full disks and curious hands leave it.

mod damage;
mod kills;
mod limits;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use access_tokens::rotation::state::{StateStore, StoreError, StoreErrorKind, Stored, write};
use serde_json::json;

use crate::support::process_for;

/// A directory that is gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let unique = format!("at-state-{}-{:x}", std::process::id(), fastrand::u64(..));
        Self(std::env::temp_dir().join(unique))
    }

    /// The file of an entry.
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name.replace('/', "%2f") + ".record")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const DIRECTORY: &str = "AT_STATE_DIRECTORY";
const WRITER: &str = "AT_STATE_WRITER";

/// This test binary again, to run one test in a process of its own that can be killed.
fn child(test: &str, directory: &Path, writer: usize) -> Child {
    let mut command = process_for(test);
    command
        .env(DIRECTORY, directory)
        .env(WRITER, writer.to_string());
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the parent told this process; nothing where the test is run for itself.
fn told() -> Option<(PathBuf, usize)> {
    let directory = std::env::var_os(DIRECTORY)?;
    let writer = std::env::var(WRITER).ok()?.parse().ok()?;
    Some((directory.into(), writer))
}

/// Adds one write to an entry, whose body is the ids of all its writes in their order.
async fn add(store: &dyn StateStore, name: &str) -> Result<Option<Stored>, StoreError> {
    let found = store.load(name).await?;
    let mut next = match &found {
        Some(found) => found.next(found.body.clone()),
        None => Stored::new(name, json!([])),
    };
    let id = json!(next.version.write_id);
    next.body.as_array_mut().unwrap().push(id);
    let expected = found.as_ref().map(|found| &found.version);
    match write(store, expected, &next).await {
        Ok(()) => Ok(Some(next)),
        Err(error) => match error.kind() {
            StoreErrorKind::Superseded | StoreErrorKind::Exists => Ok(None),
            _ => Err(error),
        },
    }
}

fn chain(entry: &Stored) -> Vec<String> {
    serde_json::from_value(entry.body.clone()).unwrap()
}
