//! The trait that every store implements.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::StoreError;
use super::lock::LocalLock;
use super::stored::{Listed, StoreVersion, Stored};
use crate::pointer::pass_on;
use futures_core::future::BoxFuture;

/// Place that keeps named JSON records and changes them by compare-and-swap only.
///
/// # What an implementation promises
///
/// 1. [`create`](Self::create) is exclusive: of any number of creators of a name one succeeds.
/// 2. [`replace`](Self::replace) replaces only what has the expected version, generation *and*
///    write id; of any number of writers that expect the same version at most one succeeds, in one
///    process, in many, on many machines.
/// 3. What has been answered is durable.
/// 4. [`remove`](Self::remove) removes only what has the expected version.
/// 5. A lost answer can be told from a lost race: what was written comes back with the write id that
///    it was written with, and an error that leaves it open is
///    [`Unknown`](super::StoreErrorKind::Unknown).
/// 6. An unreadable entry hides no other, and can be removed.
/// 7. Nothing of a body is printed, and no secret is put into it.
///
/// A name is any text that is not empty: the store escapes what its place cannot take, so that
/// different names never meet. Reads see every write that was answered before they began.
///
/// `access_tokens_testing::stores::check` holds an implementation to all of it.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Mutex;
///
/// use access_tokens::BoxFuture;
/// use access_tokens::rotation::state::{
///     Listed, StateStore, StoreError, StoreErrorKind, StoreVersion, Stored, probe,
/// };
///
/// /// The least that a store needs.
/// #[derive(Debug, Default)]
/// struct Minimal(Mutex<BTreeMap<String, Stored>>);
///
/// fn changed() -> StoreError {
///     StoreError::new(StoreErrorKind::Superseded, "the entry was changed by another runner")
/// }
///
/// impl StateStore for Minimal {
///     fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
///         Box::pin(async move { Ok(self.0.lock().unwrap().get(name).cloned()) })
///     }
///
///     fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>> {
///         Box::pin(async move {
///             let mut entries = self.0.lock().unwrap();
///             if entries.contains_key(&entry.name) {
///                 return Err(StoreError::new(StoreErrorKind::Exists, "it is there already"));
///             }
///             entries.insert(entry.name.clone(), entry.clone());
///             Ok(())
///         })
///     }
///
///     fn replace<'a>(
///         &'a self,
///         expected: &'a StoreVersion,
///         entry: &'a Stored,
///     ) -> BoxFuture<'a, Result<(), StoreError>> {
///         Box::pin(async move {
///             match self.0.lock().unwrap().get_mut(&entry.name) {
///                 Some(stored) if stored.version == *expected => *stored = entry.clone(),
///                 _ => return Err(changed()),
///             }
///             Ok(())
///         })
///     }
///
///     fn remove<'a>(
///         &'a self,
///         name: &'a str,
///         expected: &'a StoreVersion,
///     ) -> BoxFuture<'a, Result<(), StoreError>> {
///         Box::pin(async move {
///             let mut entries = self.0.lock().unwrap();
///             if entries.get(name).is_none_or(|stored| stored.version != *expected) {
///                 return Err(changed());
///             }
///             entries.remove(name);
///             Ok(())
///         })
///     }
///
///     fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>> {
///         Box::pin(async move {
///             let entries = self.0.lock().unwrap();
///             let found = entries.values().filter(|stored| stored.name.starts_with(prefix));
///             Ok(found.cloned().map(Listed::Entry).collect())
///         })
///     }
///
///     fn remove_unreadable<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
///         Box::pin(async { Err(changed()) }) // all of them can be read
///     }
///
///     fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
///         Box::pin(probe(self))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// Minimal::default().probe().await?;
/// # Ok(())
/// # }
/// ```
pub trait StateStore: fmt::Debug + Send + Sync {
    /// Reads the entry of this name, `None` if there is none.
    ///
    /// # Errors
    /// [`Unreadable`](super::StoreErrorKind::Unreadable),
    /// [`Unavailable`](super::StoreErrorKind::Unavailable),
    /// [`InvalidName`](super::StoreErrorKind::InvalidName).
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;

    /// Stores an entry whose name is not there yet. It is durable when this returns.
    ///
    /// # Errors
    /// [`Exists`](super::StoreErrorKind::Exists), [`NotWritten`](super::StoreErrorKind::NotWritten),
    /// [`Unknown`](super::StoreErrorKind::Unknown),
    /// [`InvalidName`](super::StoreErrorKind::InvalidName); nothing is written but after `Unknown`.
    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Replaces the entry of the same name if it has the expected version. It is durable when this
    /// returns.
    ///
    /// # Errors
    /// [`Superseded`](super::StoreErrorKind::Superseded), also if there is no entry;
    /// [`Unreadable`](super::StoreErrorKind::Unreadable),
    /// [`NotWritten`](super::StoreErrorKind::NotWritten),
    /// [`Unknown`](super::StoreErrorKind::Unknown); nothing is written but after `Unknown`.
    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes the entry of this name if it has the expected version. It is gone for good when this
    /// returns.
    ///
    /// # Errors
    /// As [`replace`](Self::replace).
    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Reads all entries whose names begin like this, in the order of their names, and names those
    /// that cannot be read; where the name of one cannot be told, it is always among them.
    ///
    /// # Errors
    /// [`Unavailable`](super::StoreErrorKind::Unavailable), if not all could be looked at.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>>;

    /// Removes an entry that cannot be read, by the name that [`list`](Self::list) gives it.
    ///
    /// # Errors
    /// [`Superseded`](super::StoreErrorKind::Superseded) if it is not there or can be read;
    /// [`NotWritten`](super::StoreErrorKind::NotWritten),
    /// [`Unknown`](super::StoreErrorKind::Unknown).
    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Proves, before anything relies on it, that the store can be written and refuses a second
    /// create and a stale write. The entry for that is removed again. The function
    /// [`probe`](super::probe()) does so by the other calls.
    ///
    /// # Errors
    /// [`Unsuitable`](super::StoreErrorKind::Unsuitable) if it takes what it has to refuse, and
    /// whatever the calls fail with.
    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Takes the lock of this machine on a name, where the store has one, without waiting: whoever
    /// gets it knows that nobody of this machine is at work on the name.
    ///
    /// # Errors
    /// If it cannot be told: [`Unavailable`](super::StoreErrorKind::Unavailable),
    /// [`InvalidName`](super::StoreErrorKind::InvalidName).
    fn try_lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<LocalLock, StoreError>> {
        let _ = name;
        Box::pin(async { Ok(LocalLock::NotOffered) })
    }

    /// Reads the store's own clock, `None` if it has none.
    ///
    /// # Errors
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    fn now(&self) -> BoxFuture<'_, Result<Option<SystemTime>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}

pass_on!(StateStore for &T, Arc<T>, Box<T> => {
    fn load<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Stored>>;
    fn create<'a>(&'a self, entry: &'a Stored) -> Answer<'a, ()>;
    fn replace<'a>(&'a self, expected: &'a StoreVersion, entry: &'a Stored) -> Answer<'a, ()>;
    fn remove<'a>(&'a self, name: &'a str, expected: &'a StoreVersion) -> Answer<'a, ()>;
    fn list<'a>(&'a self, prefix: &'a str) -> Answer<'a, Vec<Listed>>;
    fn remove_unreadable<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;
    fn probe(&self) -> Answer<'_, ()>;
    fn try_lock<'a>(&'a self, name: &'a str) -> Answer<'a, LocalLock>;
    fn now(&self) -> Answer<'_, Option<SystemTime>>;
});

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;
