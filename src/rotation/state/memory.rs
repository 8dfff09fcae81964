//! A store that lives as long as the process.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::{Arc, Mutex, MutexGuard};

use super::error::{StoreError, StoreErrorKind};
use super::lock::{LocalGuard, LocalLock};
use super::name::check_name;
use super::probe::probe;
use super::store::StateStore;
use super::stored::{Listed, StoreVersion, Stored};
use crate::marker::Marker;
use crate::sync::lock;
use futures_core::future::BoxFuture;

/// State store in memory: for tests, and for rotations that nothing needs to remember.
///
/// A copy shares the entries. When the process ends, what was under way is forgotten; a store that
/// lasts is what makes a rotation safe to interrupt.
///
/// ```
/// use access_tokens::rotation::state::{MemoryStore, StateStore, Stored};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let entry = Stored::new("token/nightly-export", serde_json::json!({"counter": 0}));
/// store.create(&entry).await?;
/// assert_eq!(store.load("token/nightly-export").await?, Some(entry));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    entries: Arc<Mutex<BTreeMap<String, Stored>>>,
    locked: Arc<Mutex<BTreeSet<String>>>,
    domain: Arc<str>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self {
            entries: Arc::default(),
            locked: Arc::default(),
            domain: Marker::random().as_str().into(),
        }
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        lock(&self.entries)
    }
}

impl StateStore for MemoryStore {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(async move { Ok(self.entries().get(check_name(name)?).cloned()) })
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match self.entries().entry(check_name(&entry.name)?.to_owned()) {
                Entry::Occupied(_) => Err(StoreError::exists(&entry.name)),
                Entry::Vacant(place) => {
                    place.insert(entry.clone());
                    Ok(())
                }
            }
        })
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match self.entries().get_mut(check_name(&entry.name)?) {
                Some(stored) if stored.version == *expected => {
                    stored.clone_from(entry);
                    Ok(())
                }
                _ => Err(StoreError::superseded(&entry.name)),
            }
        })
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match self.entries().entry(check_name(name)?.to_owned()) {
                Entry::Occupied(place) if place.get().version == *expected => {
                    place.remove();
                    Ok(())
                }
                _ => Err(StoreError::superseded(name)),
            }
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>> {
        Box::pin(async move {
            let entries = self.entries();
            let named = entries.range(prefix.to_owned()..);
            let named = named.take_while(|(name, _)| name.starts_with(prefix));
            Ok(named
                .map(|(_, stored)| Listed::Entry(stored.clone()))
                .collect())
        })
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            Err(StoreError::new(
                StoreErrorKind::Superseded,
                format!("no entry {name:?} is unreadable"),
            ))
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(probe(self))
    }

    fn try_lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<LocalLock, StoreError>> {
        Box::pin(async move {
            if !lock(&self.locked).insert(check_name(name)?.to_owned()) {
                return Ok(LocalLock::Busy);
            }
            let held = Held {
                name: name.to_owned(),
                locked: Arc::clone(&self.locked),
            };
            let guard = LocalGuard::new(Some(self.domain.as_ref().to_owned()), held);
            Ok(LocalLock::Held(guard))
        })
    }
}

struct Held {
    name: String,
    locked: Arc<Mutex<BTreeSet<String>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.locked).remove(&self.name);
    }
}
