//! What can go wrong with a store, and what is certain afterwards.

use std::fmt;

use crate::text::escape_untrusted;

/// What went wrong with a state store, and what is certain afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Nothing was written: there is an entry of this name already.
    Exists,
    /// Nothing was written: the entry is gone or has another version than the expected one.
    Superseded,
    /// The entry is there but cannot be read, so it was not changed either.
    Unreadable,
    /// Reading failed. It says nothing about whether there is an entry.
    Unavailable,
    /// Nothing was written, for certain, nor will it be later.
    NotWritten,
    /// The write may have taken effect, now or later: read again and look for its own
    /// [`write_id`](super::StoreVersion::write_id), as [`write`](super::write()) does.
    Unknown,
    /// No entry can have this name.
    InvalidName,
    /// The store does not keep what it has to promise; nothing may rely on it.
    Unsuitable,
}

/// Failure of a state store: what is certain, and a reason for people.
///
/// ```
/// use access_tokens::rotation::state::{StoreError, StoreErrorKind};
///
/// let error = StoreError::new(StoreErrorKind::NotWritten, "/var/lib/tokens: no space left");
/// assert_eq!(error.kind(), StoreErrorKind::NotWritten);
/// assert_eq!(error.to_string(), "/var/lib/tokens: no space left");
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct StoreError {
    kind: StoreErrorKind,
    text: String,
}

impl StoreError {
    /// Makes an error of this kind. The reason is shown to people: it must not hold a secret, and
    /// should say what to do.
    pub fn new(kind: StoreErrorKind, reason: impl AsRef<str>) -> Self {
        const MOST: usize = 1_000;
        Self {
            kind,
            text: escape_untrusted(reason.as_ref(), MOST),
        }
    }

    /// What is certain after this failure.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Makes the error of a create whose name is taken.
    #[must_use]
    pub fn exists(name: &str) -> Self {
        Self::new(
            StoreErrorKind::Exists,
            format!("there is an entry named {name:?} already"),
        )
    }

    /// Makes the error of a write that expected another version than the one that is there.
    #[must_use]
    pub fn superseded(name: &str) -> Self {
        Self::new(
            StoreErrorKind::Superseded,
            format!("the entry {name:?} was changed by another runner"),
        )
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .finish()
    }
}
