//! A store in a directory: one file for every entry.

mod directory;
mod files;
mod locks;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};

use self::directory::Directory;
use super::error::{StoreError, StoreErrorKind};
use super::lock::{LocalGuard, LocalLock};
use super::name::check_name;
use super::store::StateStore;
use super::stored::{Listed, StoreVersion, Stored};
use crate::rotation::name::escape_name;
use futures_core::future::BoxFuture;

/// How many calls are at work in the file system at a time.
const AT_ONCE: usize = 32;

/// State store in a directory: one file an entry, for all processes of one machine.
///
/// A write is a compare-and-swap under a lock of the operating system, and one line with a checksum
/// at the end of the entry's file, on the disk before it is answered. A process can be killed at any
/// moment: a line that it left unfinished counts for nothing and is taken away by the next writer.
/// Reading takes no lock. [`try_lock`](StateStore::try_lock) tells whether a process of this machine
/// is at work on an entry, so that a killed one blocks nobody.
///
/// The directory is made when it is first written to (mode 0700 on Unix, its files 0600). It has to
/// be on a local disk, or on a file system whose locks exclude other machines:
/// [`probe`](StateStore::probe) refuses one whose locks do nothing. The work is done off the
/// executor, on threads of this crate.
///
/// ```
/// use access_tokens::rotation::state::{FileStore, StateStore, Stored, write};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = std::env::temp_dir().join(format!("state-doc-{}", std::process::id()));
/// let store = FileStore::new(&directory);
/// store.probe().await?;
///
/// let first = Stored::new("token/nightly-export", json!({"counter": 0}));
/// write(&store, None, &first).await?;
/// write(&store, Some(&first.version), &first.next(json!({"counter": 1}))).await?;
///
/// let seen_by_another = FileStore::new(&directory).load("token/nightly-export").await?;
/// assert_eq!(seen_by_another.map(|entry| entry.body), Some(json!({"counter": 1})));
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: Arc<Directory>,
    /// Writers of this process wait for each other here, and only for other processes at the file.
    writers: Arc<[Arc<Mutex<()>>]>,
    places: Arc<Semaphore>,
}

impl FileStore {
    /// A store in this directory. Nothing is touched before the first call.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: Arc::new(Directory::new(directory.into())),
            writers: (0..=u8::MAX).map(|_| Arc::default()).collect(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Does a piece of work in the directory on another thread. It goes on if nobody waits for it
    /// any more; what it needs is therefore moved into it.
    async fn work<T: Send + 'static>(
        &self,
        broken: StoreErrorKind,
        turn: Option<OwnedMutexGuard<()>>,
        work: impl FnOnce(&Directory) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let runtime = crate::reactor::handle().ok_or_else(|| {
            let text = "no thread could be started to work on files: free some memory or threads";
            StoreError::new(StoreErrorKind::NotWritten, text)
        })?;
        let place = Arc::clone(&self.places).acquire_owned().await;
        let directory = Arc::clone(&self.directory);
        let done = runtime.spawn_blocking(move || {
            let _held = (turn, place);
            work(&directory)
        });
        done.await.unwrap_or_else(|_| {
            let text = "the thread that was at work in the directory has stopped";
            Err(StoreError::new(broken, text))
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directory) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.work(StoreErrorKind::Unavailable, None, work).await
    }

    async fn write(
        &self,
        name: &str,
        work: impl FnOnce(&Directory) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let stripe = locks::stripe(&escape_name(check_name(name)?));
        let turn = match self.writers.get(usize::from(stripe)) {
            Some(writers) => Some(Arc::clone(writers).lock_owned().await),
            None => None,
        };
        self.work(StoreErrorKind::Unknown, turn, work).await
    }
}

impl StateStore for FileStore {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(async move {
            let name = check_name(name)?.to_owned();
            self.read(move |directory| directory.load(&name)).await
        })
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let copy = entry.clone();
            self.write(&entry.name, move |directory| directory.create(&copy))
                .await
        })
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (expected, copy) = (expected.clone(), entry.clone());
            let work = move |directory: &Directory| directory.replace(&expected, &copy);
            self.write(&entry.name, work).await
        })
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (expected, copy) = (expected.clone(), name.to_owned());
            let work = move |directory: &Directory| directory.remove(&copy, &expected);
            self.write(name, work).await
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>> {
        Box::pin(async move {
            let prefix = prefix.to_owned();
            self.read(move |directory| directory.list(&prefix)).await
        })
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let copy = name.to_owned();
            self.write(name, move |directory| directory.remove_unreadable(&copy))
                .await
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.work(StoreErrorKind::NotWritten, None, Directory::check)
                .await?;
            super::probe::probe(self).await
        })
    }

    fn try_lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<LocalLock, StoreError>> {
        Box::pin(async move {
            let name = check_name(name)?.to_owned();
            let take =
                move |directory: &Directory| Ok((directory.try_lock(&name)?, directory.domain()));
            Ok(match self.read(take).await? {
                (Some(taken), domain) => LocalLock::Held(LocalGuard::new(domain, taken)),
                (None, _) => LocalLock::Busy,
            })
        })
    }
}
