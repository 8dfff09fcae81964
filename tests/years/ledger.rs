//! A store that keeps a ledger of what was written, between the machines and the memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use access_tokens::rotation::state::{
    Listed, MemoryStore, StateStore, StoreError, StoreVersion, Stored,
};
use access_tokens::rotation::{Event, EventError, EventSink};
use access_tokens::{BoxFuture, Clock as _, Marker, TokenKey};
use access_tokens_testing::VirtualClock;
use serde_json::Value;
use tokio::task::yield_now;

/// How many lines are kept of what has happened.
const LINES: usize = 20_000;

#[derive(Debug, Default)]
struct Pages {
    writes: u64,
    /// How often each entry got another token.
    commits: BTreeMap<String, u64>,
    bodies: BTreeMap<String, Arc<Value>>,
    written: BTreeMap<String, (u64, String)>,
    /// The events of rotations: entry and token.
    told: BTreeSet<(String, TokenKey)>,
    untold: Vec<(String, String)>,
    /// What has happened when, by entry where it is of one.
    story: VecDeque<(Option<String>, SystemTime, String)>,
}

/// Store of several machines: it has no local lock that a killed one would lose.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    inner: MemoryStore,
    clock: VirtualClock,
    pages: Arc<Mutex<Pages>>,
}

impl Ledger {
    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self {
            inner: MemoryStore::new(),
            clock,
            pages: Arc::default(),
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap()
    }

    /// Keeps a line of the story.
    pub(crate) fn say(&self, entry: Option<&str>, line: impl Display) {
        let line = (entry.map(str::to_owned), self.clock.now(), line.to_string());
        let mut pages = self.pages();
        if pages.story.len() == LINES {
            pages.story.pop_front();
        }
        pages.story.push_back(line);
    }

    /// The end of the story of an entry.
    pub(crate) fn story(&self, entry: &str) -> String {
        let pages = self.pages();
        let lines = pages.story.iter().rev();
        let ours = lines.filter(|(of, ..)| of.as_deref().is_none_or(|of| of == entry));
        let told = ours.map(|(_, at, line)| {
            let at = jiff::Timestamp::try_from(*at).unwrap();
            format!("{at} {line}")
        });
        let mut lines: Vec<String> = told.take(60).collect();
        lines.reverse();
        lines.join("\n")
    }

    fn note(&self, entry: &Stored) {
        let Some(name) = entry.name.strip_prefix("token/") else {
            return;
        };
        let mut pages = self.pages();
        pages.writes += 1;
        let version = (entry.version.generation, entry.version.write_id.clone());
        let before = pages.written.insert(name.to_owned(), version.clone());
        let follows = before.as_ref().map_or(0, |(generation, _)| *generation) < version.0;
        assert!(follows, "{name}: {version:?} was written after {before:?}");
        let body = Arc::new(entry.body.clone());
        let last = pages.bodies.insert(name.to_owned(), body);
        let current = key_of(&entry.body["current"]);
        let last = last.unwrap_or_default();
        let first = key_of(&last["current"]).is_none();
        if let Some(current) = current
            && !first
            && key_of(&last["current"]).as_ref() != Some(&current)
        {
            *pages.commits.entry(name.to_owned()).or_default() += 1;
            // It is told before it is written down: nobody who is killed in between hides it.
            let told = pages.told.contains(&(name.to_owned(), current.clone()));
            if !told {
                let untold = format!("no event tells that {current} is the current one now");
                pages.untold.push((name.to_owned(), untold));
            }
        }
        drop(pages);
        let known = |body: &Value| body.as_object().cloned().unwrap_or_default();
        let (now, mut before) = (known(&entry.body), known(&last));
        let mut changes = Vec::new();
        for (field, value) in &now {
            if before.remove(field).as_ref() != Some(value) && field != "retired" {
                changes.push(format!("{field}={value}"));
            }
        }
        changes.extend(before.keys().map(|field| format!("{field}=none")));
        self.say(Some(name), format!("#{} {}", version.0, changes.join(" ")));
    }

    /// How many records were written.
    pub(crate) fn writes(&self) -> u64 {
        self.pages().writes
    }

    /// How often each entry got another token.
    pub(crate) fn commits(&self) -> BTreeMap<String, u64> {
        self.pages().commits.clone()
    }

    /// Commits that no event tells of.
    pub(crate) fn untold(&self) -> Vec<(String, String)> {
        self.pages().untold.clone()
    }

    /// The record of a managed token.
    pub(crate) fn record(&self, entry: &str) -> Arc<Value> {
        Arc::clone(&self.pages().bodies[entry])
    }
}

/// The key of a token in a record.
pub(crate) fn key_of(token: &Value) -> Option<TokenKey> {
    token["key"].as_str().map(TokenKey::new)
}

/// The mark that all tokens of a record carry.
pub(crate) fn incarnation(record: &Value) -> Marker {
    serde_json::from_value(record["incarnation"].clone()).unwrap()
}

impl EventSink for Ledger {
    fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>> {
        Box::pin(async {
            // Nothing happens in most ticks.
            if event.action == "not_due" {
                return Ok(());
            }
            let (reason, sink) = (event.reason.as_ref(), event.sink.as_ref());
            let more = [event.key.as_ref().map(ToString::to_string), sink.cloned()];
            let more = more
                .into_iter()
                .chain([reason.cloned(), event.detail.clone()]);
            let more: Vec<String> = more.flatten().collect();
            let line = format!("{} {} {}", event.runner, event.action, more.join(" "));
            self.say(Some(&event.token), line);
            if matches!(event.action.as_str(), "rotated" | "rolled_back") {
                let key = event.key.clone().unwrap();
                self.pages().told.insert((event.token.clone(), key));
            }
            Ok(())
        })
    }
}

impl StateStore for Ledger {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        self.inner.load(name)
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            yield_now().await;
            self.inner.create(entry).await?;
            self.note(entry);
            yield_now().await;
            Ok(())
        })
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            // Whoever waits can be killed, before the write or before it hears of it.
            yield_now().await;
            self.inner.replace(expected, entry).await?;
            self.note(entry);
            yield_now().await;
            Ok(())
        })
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.remove(name, expected)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>> {
        self.inner.list(prefix)
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.remove_unreadable(name)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.probe()
    }
}
