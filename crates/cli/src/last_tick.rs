//! When the last tick was: noted at the end of each, beside the records, so that monitoring sees
//! when nothing runs any more.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::rotation::state::{self, StateStore, StoreErrorKind, Stored};
use serde_json::json;

use crate::commands::Run;
use crate::config::Store;

/// In a folder it is the time of an empty file: no entry is written when nothing is done.
const FILE: &str = ".last-tick";
/// Elsewhere it is an entry.
const ENTRY: &str = "last-tick";

/// Notes that a tick is over. Its loss is none of a token's.
pub(crate) async fn note(run: &Run<'_>, store: &dyn StateStore) {
    let now = run.context.clock.now();
    let noted = match &run.config.store {
        Store::File(folder) => touch(&folder.join(FILE), now).map_err(|error| error.to_string()),
        _ => entry(store, now).await,
    };
    if let Err(error) = noted {
        run.context
            .tell(format_args!("the time of this tick is not noted: {error}"));
    }
}

/// When the last tick was, if that is known.
pub(crate) async fn read(run: &Run<'_>, store: &dyn StateStore) -> Option<SystemTime> {
    let seconds = if let Store::File(folder) = &run.config.store {
        let noted = folder.join(FILE).metadata().ok()?.modified().ok()?;
        noted.duration_since(UNIX_EPOCH).ok()?.as_secs()
    } else {
        let stored = store.load(ENTRY).await.ok()??;
        stored.body.get("at")?.as_u64()?
    };
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn touch(path: &Path, now: SystemTime) -> std::io::Result<()> {
    let file: File = OpenOptions::new().create(true).append(true).open(path)?;
    file.set_modified(now)
}

async fn entry(store: &dyn StateStore, now: SystemTime) -> Result<(), String> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let body = json!({ "at": seconds });
    let before = store.load(ENTRY).await.map_err(|error| error.to_string())?;
    let (expected, entry) = match before {
        Some(before) => (Some(before.version.clone()), before.next(body)),
        None => (None, Stored::new(ENTRY, body)),
    };
    match state::write(store, expected.as_ref(), &entry).await {
        // Another tick ended in the same moment.
        Err(error)
            if matches!(
                error.kind(),
                StoreErrorKind::Exists | StoreErrorKind::Superseded
            ) =>
        {
            Ok(())
        }
        other => other.map_err(|error| error.to_string()),
    }
}
