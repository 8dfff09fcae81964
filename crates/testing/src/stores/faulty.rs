//! A store between others and a store, in which calls go wrong.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use access_tokens::BoxFuture;
use access_tokens::rotation::state::{
    Listed, LocalLock, StateStore, StoreError, StoreErrorKind, StoreVersion, Stored, probe,
};

/// Call of a store that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// [`StateStore::load`]
    Load,
    /// [`StateStore::create`]
    Create,
    /// [`StateStore::replace`]
    Replace,
    /// [`StateStore::remove`]
    Remove,
    /// [`StateStore::list`]
    List,
}

/// How a call of a store goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreFault {
    /// It is not done, and that is certain: [`NotWritten`](StoreErrorKind::NotWritten), or
    /// [`Unavailable`](StoreErrorKind::Unavailable) where it only reads.
    Refused,
    /// It is done, and its answer is lost: [`Unknown`](StoreErrorKind::Unknown).
    AnswerLost,
    /// It is never done, and that is not known: [`Unknown`](StoreErrorKind::Unknown).
    RequestLost,
    /// It is done when [`FaultyStore::land`] is called:
    /// [`Unknown`](StoreErrorKind::Unknown) until then.
    Late,
}

type Plan = dyn Fn(u64, Call) -> Option<StoreFault> + Send + Sync;

/// State store that passes calls on to another one, and lets those go wrong that it was told.
///
/// ```
/// use access_tokens::rotation::state::{MemoryStore, StateStore, Stored, write};
/// use access_tokens_testing::stores::{Call, FaultyStore, StoreFault};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // The first call is done, but nobody is told.
/// let store = FaultyStore::new(MemoryStore::new(), |number, call| {
///     (number == 0 && call == Call::Create).then_some(StoreFault::AnswerLost)
/// });
/// let entry = Stored::new("token/nightly-export", serde_json::json!({}));
/// write(&store, None, &entry).await?; // looks, and finds its own write
/// assert_eq!(store.load("token/nightly-export").await?, Some(entry));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn StateStore>,
    plan: Arc<Plan>,
    calls: Arc<AtomicU64>,
    late: Arc<Mutex<Vec<Write>>>,
}

#[derive(Clone, Debug)]
enum Write {
    Create(Stored),
    Replace(StoreVersion, Stored),
    Remove(String, StoreVersion),
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl FaultyStore {
    /// Puts itself before a store. The plan is asked at each call, with the number of the call
    /// counted from zero, how that one is to go wrong.
    pub fn new(
        store: impl StateStore + 'static,
        plan: impl Fn(u64, Call) -> Option<StoreFault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner: Arc::new(store),
            plan: Arc::new(plan),
            calls: Arc::default(),
            late: Arc::default(),
        }
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Lets all writes arrive now that are [`Late`](StoreFault::Late), in the order in which they
    /// were sent. Nobody learns what came of them.
    pub async fn land(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        for write in late {
            let _ = self.perform(&write).await;
        }
    }

    fn fault(&self, call: Call) -> Option<StoreFault> {
        (self.plan)(self.calls.fetch_add(1, Ordering::SeqCst), call)
    }

    async fn perform(&self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::Create(entry) => self.inner.create(entry).await,
            Write::Replace(expected, entry) => self.inner.replace(expected, entry).await,
            Write::Remove(name, expected) => self.inner.remove(name, expected).await,
        }
    }

    async fn write(&self, call: Call, write: Write) -> Result<(), StoreError> {
        let unknown = StoreError::new(StoreErrorKind::Unknown, "the answer did not come");
        match self.fault(call) {
            None => self.perform(&write).await,
            Some(StoreFault::Refused) => Err(StoreError::new(
                StoreErrorKind::NotWritten,
                "the store did not take the write",
            )),
            Some(StoreFault::AnswerLost) => {
                let _ = self.perform(&write).await;
                Err(unknown)
            }
            Some(StoreFault::RequestLost) => Err(unknown),
            Some(StoreFault::Late) => {
                let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
                late.push(write);
                Err(unknown)
            }
        }
    }

    fn read(&self, call: Call) -> Result<(), StoreError> {
        match self.fault(call) {
            None => Ok(()),
            Some(_) => Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "the store could not be read",
            )),
        }
    }
}

impl StateStore for FaultyStore {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(async move {
            self.read(Call::Load)?;
            self.inner.load(name).await
        })
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.write(Call::Create, Write::Create(entry.clone())))
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let write = Write::Replace(expected.clone(), entry.clone());
        Box::pin(self.write(Call::Replace, write))
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let write = Write::Remove(name.to_owned(), expected.clone());
        Box::pin(self.write(Call::Remove, write))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>> {
        Box::pin(async move {
            self.read(Call::List)?;
            self.inner.list(prefix).await
        })
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.remove_unreadable(name)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(probe(self))
    }

    fn try_lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<LocalLock, StoreError>> {
        self.inner.try_lock(name)
    }

    fn now(&self) -> BoxFuture<'_, Result<Option<SystemTime>, StoreError>> {
        self.inner.now()
    }
}
