//! Stores that break one promise each: the suite notices every one of them, and says which.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use access_tokens::BoxFuture;
use access_tokens::rotation::state::{
    Listed, LocalGuard, LocalLock, MemoryStore, StateStore, StoreError, StoreErrorKind as Kind,
    StoreVersion, Stored, Unreadable,
};
use access_tokens_testing::stores::{Check, Failure, Promise};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    ProbeLeavesItsEntry,
    CreateOverwrites,
    CreateLooksFirst,
    ReplaceComparesGenerations,
    ReplaceComparesWriteIds,
    ReplaceLooksFirst,
    RemovesEverything,
    RemoveLooksFirst,
    ReadsAreCached,
    WriteIdsAreItsOwn,
    UnreadableStopsTheList,
    UnreadableIsNotListed,
    UnreadableIsAbsent,
    UnreadableIsWrittenOver,
    UnreadableStays,
    ReadableIsRemovedAsUnreadable,
    BodiesArePrinted,
    CaseIsFolded,
    NamesAreCut,
    EmptyNamesAreTaken,
    PrefixIsAPattern,
    ListIsUnordered,
    NumbersAreFloats,
    TextsAreTidied,
    LockIsForAll,
    LockIsForAllNames,
    LockStays,
    LockIsOfAnyDomain,
    ClockRunsBackwards,
}

/// A good store with one bug.
#[derive(Clone)]
struct Buggy {
    bug: Bug,
    inner: MemoryStore,
    damaged: Arc<Mutex<BTreeSet<String>>>,
    asked: Arc<AtomicU64>,
    /// This handle's alone.
    cache: Arc<Mutex<BTreeMap<String, Stored>>>,
}

/// Prints no body, unless that is the bug.
impl fmt::Debug for Buggy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bug == Bug::BodiesArePrinted {
            return write!(f, "{:?}", self.inner);
        }
        write!(f, "Buggy({:?})", self.bug)
    }
}

type Result<T> = std::result::Result<T, StoreError>;

fn refused<T>(kind: Kind) -> Result<T> {
    Err(StoreError::new(kind, "refused"))
}

impl Buggy {
    fn new(bug: Bug) -> Self {
        Self {
            bug,
            inner: MemoryStore::new(),
            damaged: Arc::default(),
            asked: Arc::default(),
            cache: Arc::default(),
        }
    }

    /// As another process would have it.
    fn other(&self) -> Self {
        Self {
            cache: Arc::default(),
            ..self.clone()
        }
    }

    fn is_damaged(&self, name: &str) -> bool {
        self.damaged.lock().unwrap().contains(name)
    }

    fn key(&self, name: &str) -> String {
        match self.bug {
            Bug::CaseIsFolded => name.to_lowercase(),
            Bug::NamesAreCut => name.chars().take(200).collect(),
            Bug::EmptyNamesAreTaken if name.is_empty() => "empty".to_owned(),
            _ => name.to_owned(),
        }
    }

    fn written(&self, entry: &Stored) -> Stored {
        let mut entry = entry.clone();
        entry.name = self.key(&entry.name);
        match self.bug {
            Bug::WriteIdsAreItsOwn => "mine".clone_into(&mut entry.version.write_id),
            Bug::NumbersAreFloats => floats(&mut entry.body),
            Bug::TextsAreTidied => {
                let text = entry.body.to_string().replace("\u{2028}", "");
                entry.body = serde_json::from_str(&text).unwrap();
            }
            _ => {}
        }
        entry
    }

    /// Whatever is there, it is replaced.
    async fn force(&self, entry: &Stored) -> Result<()> {
        match self.inner.load(&entry.name).await? {
            Some(found) => self.inner.replace(&found.version, entry).await,
            None => self.inner.create(entry).await,
        }
    }

    async fn remove_any(&self, name: &str) -> Result<()> {
        match self.inner.load(name).await? {
            Some(found) => self.inner.remove(name, &found.version).await,
            None => Ok(()),
        }
    }
}

fn floats(value: &mut Value) {
    match value {
        Value::Number(number) => *value = serde_json::json!(number.as_f64()),
        Value::Array(items) => items.iter_mut().for_each(floats),
        _ => {}
    }
}

async fn dawdle() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

impl StateStore for Buggy {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            match self.is_damaged(name) {
                true if self.bug == Bug::UnreadableIsAbsent => return Ok(None),
                true => return refused(Kind::Unreadable),
                false => {}
            }
            let found = self.inner.load(&self.key(name)).await?;
            if let (Bug::ReadsAreCached, Some(found)) = (self.bug, &found) {
                let mut cache = self.cache.lock().unwrap();
                return Ok(Some(
                    cache
                        .entry(name.to_owned())
                        .or_insert(found.clone())
                        .clone(),
                ));
            }
            Ok(found)
        })
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.is_damaged(&entry.name) && self.bug != Bug::UnreadableIsWrittenOver {
                return refused(Kind::Unreadable);
            }
            let entry = self.written(entry);
            match self.bug {
                Bug::CreateOverwrites => self.force(&entry).await,
                Bug::CreateLooksFirst if self.inner.load(&entry.name).await?.is_none() => {
                    dawdle().await;
                    self.force(&entry).await
                }
                Bug::UnreadableIsWrittenOver => {
                    self.damaged.lock().unwrap().remove(&entry.name);
                    self.inner.create(&entry).await
                }
                _ => self.inner.create(&entry).await,
            }
        })
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.is_damaged(&entry.name) {
                return refused(Kind::Unreadable);
            }
            let entry = self.written(entry);
            let found = self
                .inner
                .load(&entry.name)
                .await?
                .map(|found| found.version);
            match (self.bug, found) {
                (Bug::ReplaceComparesGenerations, Some(found))
                    if found.generation == expected.generation =>
                {
                    self.inner.replace(&found, &entry).await
                }
                (Bug::ReplaceComparesWriteIds, Some(found))
                    if found.write_id == expected.write_id =>
                {
                    self.inner.replace(&found, &entry).await
                }
                (Bug::ReplaceLooksFirst, Some(found)) if found == *expected => {
                    dawdle().await;
                    self.force(&entry).await
                }
                (Bug::RemoveLooksFirst, _) => {
                    // Those who remove get to look before.
                    dawdle().await;
                    self.inner.replace(expected, &entry).await
                }
                _ => self.inner.replace(expected, &entry).await,
            }
        })
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.is_damaged(name) {
                return refused(Kind::Unreadable);
            }
            let name = &self.key(name);
            let found = self.inner.load(name).await?.map(|found| found.version);
            match self.bug {
                Bug::RemovesEverything => self.remove_any(name).await,
                Bug::RemoveLooksFirst if found.as_ref() == Some(expected) => {
                    dawdle().await;
                    self.remove_any(name).await
                }
                _ => self.inner.remove(name, expected).await,
            }
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>>> {
        Box::pin(async move {
            let mut listed = match self.bug {
                Bug::PrefixIsAPattern => {
                    self.inner.list(prefix.trim_end_matches(['_', '%'])).await?
                }
                _ => self.inner.list(prefix).await?,
            };
            for listed in &mut listed {
                let Listed::Entry(entry) = &listed else {
                    continue;
                };
                if self.is_damaged(&entry.name) {
                    let (name, reason) = (entry.name.clone(), "damaged".to_owned());
                    *listed = Listed::Unreadable(Unreadable { name, reason });
                }
            }
            match self.bug {
                Bug::UnreadableStopsTheList
                    if listed.iter().any(|l| matches!(l, Listed::Unreadable(_))) =>
                {
                    return refused(Kind::Unavailable);
                }
                Bug::UnreadableIsNotListed => listed.retain(|l| matches!(l, Listed::Entry(_))),
                Bug::ListIsUnordered => listed.reverse(),
                _ => {}
            }
            Ok(listed)
        })
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.bug == Bug::ReadableIsRemovedAsUnreadable {
                self.damaged.lock().unwrap().remove(name);
                return self.remove_any(name).await;
            }
            if !self.is_damaged(name) {
                return refused(Kind::Superseded);
            }
            if self.bug == Bug::UnreadableStays {
                return Ok(());
            }
            self.damaged.lock().unwrap().remove(name);
            self.remove_any(name).await
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if self.bug == Bug::ProbeLeavesItsEntry {
                self.create(&Stored::new("probe/left", Value::Null)).await?;
            }
            Ok(())
        })
    }

    fn try_lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<LocalLock>> {
        Box::pin(async move {
            match self.bug {
                Bug::LockIsForAll => Ok(LocalLock::Held(LocalGuard::new(None, ()))),
                Bug::LockIsForAllNames => self.inner.try_lock("all").await,
                Bug::LockStays => Ok(match self.inner.try_lock(name).await? {
                    LocalLock::Held(guard) => {
                        let domain = guard.domain().map(ToOwned::to_owned);
                        std::mem::forget(guard);
                        LocalLock::Held(LocalGuard::new(domain, ()))
                    }
                    other => other,
                }),
                Bug::LockIsOfAnyDomain => Ok(match self.inner.try_lock(name).await? {
                    LocalLock::Held(guard) => {
                        let domain = self.asked.fetch_add(1, Ordering::SeqCst).to_string();
                        LocalLock::Held(LocalGuard::new(Some(domain), guard))
                    }
                    other => other,
                }),
                _ => self.inner.try_lock(name).await,
            }
        })
    }

    fn now(&self) -> BoxFuture<'_, Result<Option<SystemTime>>> {
        Box::pin(async move {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let at = match self.bug {
                Bug::ClockRunsBackwards => 1_000 - asked,
                _ => 1_000 + asked,
            };
            Ok(Some(SystemTime::UNIX_EPOCH + Duration::from_secs(at)))
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_broken_promise_is_noticed_and_named() {
    let bugs = [
        (Bug::ProbeLeavesItsEntry, Promise::Probes),
        (Bug::CreateOverwrites, Promise::CreateIsExclusive),
        (Bug::CreateLooksFirst, Promise::CreateIsExclusive),
        (
            Bug::ReplaceComparesGenerations,
            Promise::ReplaceIsConditional,
        ),
        (Bug::ReplaceComparesWriteIds, Promise::ReplaceIsConditional),
        (Bug::ReplaceLooksFirst, Promise::WritersNeverBothWin),
        (Bug::RemovesEverything, Promise::RemoveIsConditional),
        (Bug::RemoveLooksFirst, Promise::RemoveIsConditional),
        (Bug::ReadsAreCached, Promise::AnsweredIsSeen),
        (Bug::WriteIdsAreItsOwn, Promise::AnsweredIsSeen),
        (Bug::UnreadableStopsTheList, Promise::UnreadableHidesNothing),
        (Bug::UnreadableIsNotListed, Promise::UnreadableHidesNothing),
        (Bug::UnreadableIsAbsent, Promise::UnreadableHidesNothing),
        (
            Bug::UnreadableIsWrittenOver,
            Promise::UnreadableHidesNothing,
        ),
        (Bug::UnreadableStays, Promise::UnreadableHidesNothing),
        (
            Bug::ReadableIsRemovedAsUnreadable,
            Promise::UnreadableHidesNothing,
        ),
        (Bug::BodiesArePrinted, Promise::NothingIsPrinted),
        (Bug::CaseIsFolded, Promise::NamesAreKeptApart),
        (Bug::NamesAreCut, Promise::NamesAreKeptApart),
        (Bug::EmptyNamesAreTaken, Promise::NamesAreKeptApart),
        (Bug::PrefixIsAPattern, Promise::NamesAreKeptApart),
        (Bug::ListIsUnordered, Promise::NamesAreKeptApart),
        (Bug::NumbersAreFloats, Promise::BodiesComeBack),
        (Bug::TextsAreTidied, Promise::BodiesComeBack),
        (Bug::LockIsForAll, Promise::LocalLockExcludes),
        (Bug::LockIsForAllNames, Promise::LocalLockExcludes),
        (Bug::LockStays, Promise::LocalLockExcludes),
        (Bug::LockIsOfAnyDomain, Promise::LocalLockExcludes),
        (Bug::ClockRunsBackwards, Promise::ClockRuns),
    ];
    for (bug, promise) in bugs {
        let failure = run(bug)
            .await
            .expect_err(&format!("{bug:?} is not noticed"));
        assert_eq!(failure.promise(), promise, "{bug:?}: {failure}");
        assert!(!failure.to_string().contains("canary"), "{failure}");
    }
    run(Bug::None).await.unwrap();
}

async fn run(bug: Bug) -> std::result::Result<(), Failure> {
    let store = Buggy::new(bug);
    let damaged = Arc::clone(&store.damaged);
    let races = format!("{bug:?}").ends_with("LooksFirst");
    let check = Check::new(store.clone())
        .handle(store.other())
        .damage(move |name| {
            damaged.lock().unwrap().insert(name.to_owned());
            Ok(())
        })
        .rounds(if races { 40 } else { 3 });
    check.run().await.map(drop)
}
