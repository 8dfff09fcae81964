//! Writes whose outcome is found out, also if their answer was lost.

use std::time::Duration;

use super::error::{StoreError, StoreErrorKind};
use super::store::StateStore;
use super::stored::{StoreVersion, Stored};

/// How long to wait before each further look at a store that did not answer.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
];

/// Writes an entry and finds out what came of it: creates it if nothing is expected, else replaces
/// the expected version.
///
/// If the answer was lost, or the entry turns out to have changed, it is read again: an entry with
/// this write's own id means that it was written, the expected one that it was not, whereupon the
/// same write is sent again, which cannot take effect twice. That is bounded: three pauses of at
/// most a second.
///
/// # Errors
/// [`Superseded`](StoreErrorKind::Superseded) or [`Exists`](StoreErrorKind::Exists): another writer
/// was first, or, if the answer was lost, has already taken the place of this write: either way it
/// counts no more. [`Unknown`](StoreErrorKind::Unknown): it could not be found out. Everything else as
/// [`StateStore::replace`].
pub async fn write(
    store: &dyn StateStore,
    expected: Option<&StoreVersion>,
    entry: &Stored,
) -> Result<(), StoreError> {
    let mut pauses = PAUSES.iter();
    let mut maybe = false;
    loop {
        let sent = match expected {
            Some(expected) => store.replace(expected, entry).await,
            None => store.create(entry).await,
        };
        let Err(error) = sent else { return Ok(()) };
        match error.kind() {
            StoreErrorKind::Unknown => maybe = true,
            StoreErrorKind::Superseded | StoreErrorKind::Exists => {}
            // An earlier try may have taken effect all the same.
            _ if maybe => {}
            _ => return Err(error),
        }
        let found = look(store, &entry.name, &mut pauses).await;
        let found = found.map_err(|_| {
            if maybe {
                unknown(&error)
            } else {
                error.clone()
            }
        })?;
        let found = found.map(|stored| stored.version);
        if found.as_ref() == Some(&entry.version) {
            return Ok(());
        }
        if found.as_ref() != expected {
            return Err(lost(expected, &entry.name));
        }
        let Some(pause) = pauses.next() else {
            return Err(if maybe { unknown(&error) } else { error });
        };
        crate::reactor::sleep(*pause).await;
    }
}

/// Removes an entry of the expected version and finds out what came of it, as [`write()`] does. An
/// entry that is gone already is removed.
///
/// # Errors
/// [`Superseded`](StoreErrorKind::Superseded): another writer was first.
/// [`Unknown`](StoreErrorKind::Unknown): it could not be found out. Everything else as
/// [`StateStore::remove`].
pub async fn remove(
    store: &dyn StateStore,
    name: &str,
    expected: &StoreVersion,
) -> Result<(), StoreError> {
    let mut pauses = PAUSES.iter();
    let mut maybe = false;
    loop {
        let Err(error) = store.remove(name, expected).await else {
            return Ok(());
        };
        match error.kind() {
            StoreErrorKind::Unknown => maybe = true,
            StoreErrorKind::Superseded => {}
            // An earlier try may have taken effect all the same.
            _ if maybe => {}
            _ => return Err(error),
        }
        let found = look(store, name, &mut pauses).await;
        match found.map_err(|_| {
            if maybe {
                unknown(&error)
            } else {
                error.clone()
            }
        })? {
            // Whoever removed it: nothing of it is left.
            None => return Ok(()),
            Some(stored) if stored.version != *expected => {
                return Err(lost(Some(expected), name));
            }
            Some(_) => {}
        }
        let Some(pause) = pauses.next() else {
            return Err(if maybe { unknown(&error) } else { error });
        };
        crate::reactor::sleep(*pause).await;
    }
}

/// Reads an entry, patiently.
async fn look(
    store: &dyn StateStore,
    name: &str,
    pauses: &mut std::slice::Iter<'_, Duration>,
) -> Result<Option<Stored>, StoreError> {
    loop {
        match store.load(name).await {
            Err(error) if error.kind() == StoreErrorKind::Unavailable => match pauses.next() {
                Some(pause) => crate::reactor::sleep(*pause).await,
                None => return Err(error),
            },
            other => return other,
        }
    }
}

fn lost(expected: Option<&StoreVersion>, name: &str) -> StoreError {
    match expected {
        Some(_) => StoreError::superseded(name),
        None => StoreError::exists(name),
    }
}

fn unknown(error: &StoreError) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unknown,
        format!("{error}; what came of it could not be found out"),
    )
}
