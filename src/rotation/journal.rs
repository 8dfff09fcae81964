//! Where rotations are written down, so that a crash loses none.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard};

use futures_core::future::BoxFuture;

use super::entry::Entry;
use crate::sync::lock;

/// Keeps one [`Entry`] for every token whose rotation is not finished.
///
/// The entry is what makes a second rotation of the same token impossible, in this process and in
/// others: there is no lock that could outlive its owner or be lost with it.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Keeps a new entry; [`JournalErrorKind::Exists`] if there is one for its
    /// [`slot`](Entry::slot). It has to be durable when this returns.
    fn begin<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>>;

    /// Replaces the entry of the same slot; [`JournalErrorKind::Superseded`] unless the one that is
    /// there has the same [`id`](Entry::id) and the [`generation`](Entry::generation) before this
    /// one's. It has to be durable when this returns.
    fn write<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>>;

    /// Drops the entry of this slot, if there is one and it has this [`id`](Entry::id).
    fn remove<'a>(&'a self, slot: &'a str, id: &'a str) -> BoxFuture<'a, Result<(), JournalError>>;

    /// The entry of this slot.
    fn find<'a>(&'a self, slot: &'a str) -> BoxFuture<'a, Result<Option<Entry>, JournalError>>;

    /// All entries.
    fn entries(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>>;
}

/// What is wrong with a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JournalErrorKind {
    /// There is an entry for this token already.
    Exists,
    /// The entry was changed by somebody else.
    Superseded,
    /// An entry cannot be read.
    Unreadable,
    /// The place where the entries are cannot be used.
    Io,
}

/// A journal could not do what was asked.
#[derive(Clone, PartialEq, Eq)]
pub struct JournalError {
    kind: JournalErrorKind,
    text: String,
}

impl JournalError {
    /// An error of this kind, with a reason for people. It must not hold a secret.
    pub fn new(kind: JournalErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            text: reason.into(),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> JournalErrorKind {
        self.kind
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalError")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .finish()
    }
}

impl std::error::Error for JournalError {}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::new(JournalErrorKind::Io, error.to_string())
    }
}

/// Whether `next` may take the place of `stored`.
pub(super) fn follows(stored: Option<&Entry>, next: &Entry) -> Result<(), JournalError> {
    let expected = next.generation.checked_sub(1);
    if stored.is_some_and(|old| old.id == next.id && Some(old.generation) == expected) {
        return Ok(());
    }
    Err(JournalError::new(
        JournalErrorKind::Superseded,
        "the entry was changed by somebody else",
    ))
}

pub(super) fn exists() -> JournalError {
    JournalError::new(
        JournalErrorKind::Exists,
        "there is an entry for this token already",
    )
}

/// A journal that lives as long as the process: enough against two rotations at once, but not
/// against a crash.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        lock(&self.entries)
    }
}

impl Journal for MemoryJournal {
    fn begin<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let mut entries = self.lock();
            if entries.contains_key(&entry.slot()) {
                return Err(exists());
            }
            entries.insert(entry.slot(), entry.clone());
            Ok(())
        })
    }

    fn write<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let mut entries = self.lock();
            follows(entries.get(&entry.slot()), entry)?;
            entries.insert(entry.slot(), entry.clone());
            Ok(())
        })
    }

    fn remove<'a>(&'a self, slot: &'a str, id: &'a str) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let mut entries = self.lock();
            if entries.get(slot).is_some_and(|entry| entry.id == id) {
                entries.remove(slot);
            }
            Ok(())
        })
    }

    fn find<'a>(&'a self, slot: &'a str) -> BoxFuture<'a, Result<Option<Entry>, JournalError>> {
        Box::pin(async move { Ok(self.lock().get(slot).cloned()) })
    }

    fn entries(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        Box::pin(async move { Ok(self.lock().values().cloned().collect()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::FileJournal;
    use crate::rotation::plan::Outline;

    fn entry() -> Entry {
        let outline: Outline = serde_json::from_value(serde_json::json!({
            "service": "Service", "account": null, "key": "Key/1", "name": null,
            "revision": "", "method": "new_token", "grace": null, "lifetime": "as_the_old",
            "old_end": null, "own": "no", "verify": "skip", "sinks": [],
        }))
        .unwrap();
        Entry::new(outline, std::time::SystemTime::now())
    }

    async fn holds_to_the_rules(journal: &dyn Journal) {
        let first = entry();
        journal.begin(&first).await.unwrap();
        let kind = |result: Result<(), JournalError>| result.unwrap_err().kind();
        assert_eq!(
            kind(journal.begin(&entry()).await),
            JournalErrorKind::Exists
        );
        let next = Entry {
            generation: 1,
            ..first.clone()
        };
        journal.write(&next).await.unwrap();
        // Somebody who still has the first, and somebody who has another of the same token.
        let superseded = JournalErrorKind::Superseded;
        assert_eq!(kind(journal.write(&next).await), superseded);
        let other = Entry {
            generation: 2,
            ..entry()
        };
        assert_eq!(kind(journal.write(&other).await), superseded);
        journal.remove(&other.slot(), other.id()).await.unwrap();
        assert_eq!(
            journal.find(&first.slot()).await.unwrap(),
            Some(next.clone())
        );
        assert_eq!(journal.entries().await.unwrap(), [next]);
        journal.remove(&first.slot(), first.id()).await.unwrap();
        assert_eq!(journal.find(&first.slot()).await.unwrap(), None);
        assert_eq!(kind(journal.write(&first).await), superseded);
    }

    #[tokio::test]
    async fn both_journals_hold_to_the_rules() {
        holds_to_the_rules(&MemoryJournal::new()).await;
        let name = format!("journal-test-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let journal = FileJournal::new(&directory).unwrap();
        holds_to_the_rules(&journal).await;
        let slot = entry().slot();
        journal.begin(&entry()).await.unwrap();
        let file = std::fs::read_dir(&directory)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        for content in ["{\"version\":2}", "{\"version\":1}", ""] {
            std::fs::write(file.path(), content).unwrap();
            let error = journal.find(&slot).await.unwrap_err();
            assert_eq!(error.kind(), JournalErrorKind::Unreadable);
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
