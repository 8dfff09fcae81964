//! An entry of a store and its version.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::marker::Marker;

/// Version of an entry: what a compare-and-swap expects to find.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoreVersion {
    /// Grows by one with each write of an entry.
    pub generation: u64,
    /// Random for each write, so that a writer whose answer was lost knows its own write.
    pub write_id: String,
}

impl StoreVersion {
    /// The version of a new entry.
    #[must_use]
    pub fn first() -> Self {
        Self {
            generation: 1,
            write_id: write_id(),
        }
    }

    /// A version that follows this one, unlike every other that follows it.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            write_id: write_id(),
        }
    }
}

/// The generation and the id of the write, as in `7 (k3v…)`.
impl fmt::Display for StoreVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.generation, self.write_id)
    }
}

fn write_id() -> String {
    Marker::random().as_str().to_owned()
}

/// Entry of a state store: a name, a version, and a body that only its owner understands.
///
/// ```
/// use access_tokens::rotation::state::Stored;
/// use serde_json::json;
///
/// let first = Stored::new("token/nightly-export", json!({"counter": 0}));
/// let second = first.next(json!({"counter": 1}));
/// assert_eq!((first.version.generation, second.version.generation), (1, 2));
/// assert_ne!(first.version.write_id, second.version.write_id);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// What it is found by: any text that is not empty. It never changes.
    pub name: String,
    /// Which write it comes from.
    pub version: StoreVersion,
    /// What is stored. It must not hold a secret.
    pub body: serde_json::Value,
}

impl Stored {
    /// An entry to be [created](super::StateStore::create).
    pub fn new(name: impl Into<String>, body: serde_json::Value) -> Self {
        Self {
            name: name.into(),
            version: StoreVersion::first(),
            body,
        }
    }

    /// An entry to [replace](super::StateStore::replace) this one.
    #[must_use]
    pub fn next(&self, body: serde_json::Value) -> Self {
        Self {
            name: self.name.clone(),
            version: self.version.next(),
            body,
        }
    }
}

/// Line of a [listing](super::StateStore::list).
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// An entry, as [`load`](super::StateStore::load) gives it.
    Entry(Stored),
    /// Something that is there but cannot be read.
    Unreadable(Unreadable),
}

/// Entry that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What [`remove_unreadable`](super::StateStore::remove_unreadable) takes: the entry's name, or
    /// the store's own name for it where the entry's cannot be told.
    pub name: String,
    /// What is wrong with it, for people.
    pub reason: String,
}
