//! What a keeper writes down: a store that can be stopped after a write, and the events.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use access_tokens::BoxFuture;
use access_tokens::rotation::state::{
    Listed, LocalLock, MemoryStore, StateStore, StoreError, StoreVersion, Stored,
};
use access_tokens::rotation::{Event, EventError, EventSink};
use access_tokens_testing::VirtualClock;
use tokio::sync::Notify;

/// What happens once a write has been done.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// Its answer never comes.
    Hang,
    /// The process is stopped for so long.
    Stall(VirtualClock, Duration),
    /// The process is stopped until somebody says so.
    Stop,
}

#[derive(Debug, Default)]
struct Inside {
    swaps: usize,
    calls: Vec<String>,
    then: Option<(usize, Then)>,
}

/// A store in memory that counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    store: MemoryStore,
    inside: Arc<Mutex<Inside>>,
    reached: Arc<Notify>,
    go_on: Arc<Notify>,
    elsewhere: bool,
}

impl Watched {
    /// The same as another machine has it, which does not see the locks of this one.
    pub(crate) fn elsewhere(&self) -> Self {
        let mut other = self.clone();
        other.elsewhere = true;
        other
    }

    /// After the `n`th swap of a record from now (1 is the next).
    pub(crate) fn after_swap(&self, n: usize, then: Then) {
        let mut inside = self.inside.lock().unwrap();
        inside.then = Some((inside.swaps + n, then));
    }

    /// The swaps of records so far.
    pub(crate) fn swaps(&self) -> usize {
        self.inside.lock().unwrap().swaps
    }

    /// What was asked of it since the last time.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.inside.lock().unwrap().calls)
    }

    /// Waits until a write is where it was to be stopped.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn go_on(&self) {
        self.go_on.notify_one();
    }

    fn called(&self, call: &str, name: &str) {
        self.inside
            .lock()
            .unwrap()
            .calls
            .push(format!("{call} {name}"));
    }

    fn swapped(&self) -> Option<Then> {
        let mut inside = self.inside.lock().unwrap();
        inside.swaps += 1;
        let now = inside.swaps;
        inside
            .then
            .take_if(|(at, _)| *at == now)
            .map(|(_, then)| then)
    }
}

impl StateStore for Watched {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        self.called("load", name);
        self.store.load(name)
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>> {
        self.called("create", &entry.name);
        self.store.create(entry)
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.called("replace", &entry.name);
        Box::pin(async move {
            let done = self.store.replace(expected, entry).await;
            if !entry.name.starts_with("token/") || done.is_err() {
                return done;
            }
            match self.swapped() {
                None => {}
                Some(Then::Hang) => {
                    self.reached.notify_one();
                    std::future::pending::<()>().await;
                }
                Some(Then::Stall(clock, time)) => clock.advance(time),
                Some(Then::Stop) => {
                    self.reached.notify_one();
                    self.go_on.notified().await;
                }
            }
            done
        })
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.called("remove", name);
        self.store.remove(name, expected)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>> {
        self.called("list", prefix);
        self.store.list(prefix)
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.remove_unreadable(name)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.probe()
    }

    fn try_lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<LocalLock, StoreError>> {
        if self.elsewhere {
            return Box::pin(async { Ok(LocalLock::NotOffered) });
        }
        self.store.try_lock(name)
    }

    fn now(&self) -> BoxFuture<'_, Result<Option<SystemTime>, StoreError>> {
        self.store.now()
    }
}

/// Events in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Event>>>);

/// The same, but one action is never answered.
#[derive(Clone, Debug)]
pub(crate) struct Hanging {
    pub(crate) ledger: Ledger,
    pub(crate) at: &'static str,
    pub(crate) reached: Arc<Notify>,
    /// Once, and until somebody says so.
    pub(crate) go_on: Option<Arc<Notify>>,
}

impl EventSink for Hanging {
    fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>> {
        Box::pin(async {
            if event.action == self.at {
                self.reached.notify_one();
                match &self.go_on {
                    Some(go_on) => go_on.notified().await,
                    None => std::future::pending().await,
                }
            }
            self.ledger.record(event).await
        })
    }
}

impl Ledger {
    /// Those so far, from then on it is empty.
    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The actions of those so far, from then on it is empty.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.take().into_iter().map(|event| event.action).collect()
    }
}

impl EventSink for Ledger {
    fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>> {
        Box::pin(async {
            self.0.lock().unwrap().push(event.clone());
            Ok(())
        })
    }
}
