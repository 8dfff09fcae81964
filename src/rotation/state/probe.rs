//! Whether a store keeps its promises, tried out on an entry of its own.

use serde_json::json;

use super::error::{StoreError, StoreErrorKind};
use super::store::StateStore;
use super::stored::Stored;
use super::write::{remove, write};
use crate::marker::Marker;

/// Beginning of the names of entries that a [probe](StateStore::probe) makes; one that is found
/// later was left by a probe that was killed, and means nothing.
pub const PROBE_PREFIX: &str = "probe/";

/// Tries a store out on an entry of its own: it can be written and read back, and it refuses a
/// second create, a stale replace and a stale removal. For a store of your own, as what its
/// [`StateStore::probe`] does.
///
/// # Errors
/// [`StoreErrorKind::Unsuitable`] if it takes what it has to refuse, and whatever the calls fail
/// with.
pub async fn probe<S: StateStore + ?Sized>(store: &S) -> Result<(), StoreError> {
    let name = format!("{PROBE_PREFIX}{}", Marker::random().as_str());
    let first = Stored::new(&name, json!({"probe": 1}));
    let second = first.next(json!({"probe": 2}));
    let store = &store;
    write(store, None, &first).await?;
    let tried = try_out(store, &first, &second).await;
    // Whatever came of it, nothing is to stay.
    let left = match &tried {
        Ok(()) => Some(second),
        Err(_) => store.load(&name).await?,
    };
    let removed = match left {
        Some(left) => remove(store, &name, &left.version).await,
        None => Ok(()),
    };
    tried.and(removed)?;
    match store.load(&name).await? {
        None => Ok(()),
        Some(_) => Err(unsuitable("shows an entry that was removed")),
    }
}

async fn try_out(
    store: &dyn StateStore,
    first: &Stored,
    second: &Stored,
) -> Result<(), StoreError> {
    let again = Stored::new(&first.name, json!({"probe": "again"}));
    match store.create(&again).await {
        Ok(()) => return Err(unsuitable("creates an entry that is there already")),
        Err(error) if error.kind() == StoreErrorKind::Exists => {}
        Err(error) => return Err(error),
    }
    seen(store, first).await?;
    write(store, Some(&first.version), second).await?;
    let stale = first.next(json!({"probe": "stale"}));
    match store.replace(&first.version, &stale).await {
        Ok(()) => return Err(unsuitable("replaces an entry that has changed since")),
        Err(error) if error.kind() == StoreErrorKind::Superseded => {}
        Err(error) => return Err(error),
    }
    match store.remove(&first.name, &first.version).await {
        Ok(()) => return Err(unsuitable("removes an entry that has changed since")),
        Err(error) if error.kind() == StoreErrorKind::Superseded => {}
        Err(error) => return Err(error),
    }
    seen(store, second).await
}

async fn seen(store: &dyn StateStore, written: &Stored) -> Result<(), StoreError> {
    match store.load(&written.name).await? {
        Some(found) if found == *written => Ok(()),
        _ => Err(unsuitable("does not show what was written last")),
    }
}

fn unsuitable(what: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unsuitable,
        format!("the state store {what}, so rotations could meet in it: use another one"),
    )
}
