//! Why a sink did not do what it was asked for.

use std::fmt;
use std::io;

/// What is known after a sink failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SinkErrorKind {
    /// Nothing was changed, for certain.
    NotStored,
    /// The sink is at another version than the one named, and nothing was changed, for certain.
    Conflict,
    /// The secret may be there now, or later.
    Unknown,
    /// The sink cannot do this at all; nothing was changed.
    Unsupported,
}

/// Failure of a sink, and what is known after it.
///
/// An error that was made from a text or another error counts as [`SinkErrorKind::Unknown`], which
/// keeps the new token alive: say [`SinkError::not_stored`] where that is certain. Before such an
/// error leaves a rotation, every form of the secret in its text is replaced.
///
/// ```
/// use access_tokens::rotation::sink::{SinkError, SinkErrorKind};
///
/// assert_eq!(SinkError::from("timed out").kind(), SinkErrorKind::Unknown);
/// assert_eq!(SinkError::not_stored("no such path").kind(), SinkErrorKind::NotStored);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SinkError {
    text: String,
    kind: SinkErrorKind,
}

impl SinkError {
    /// An error of this kind, for this reason.
    pub fn new(kind: SinkErrorKind, reason: impl Into<String>) -> Self {
        Self {
            text: reason.into(),
            kind,
        }
    }

    /// Nothing was changed, for this reason.
    pub fn not_stored(reason: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::NotStored, reason)
    }

    /// The sink is not at the version that was named; nothing was changed.
    pub fn conflict(reason: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Conflict, reason)
    }

    /// The secret may have been stored: the new token has to stay alive.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Unknown, reason)
    }

    /// The sink cannot do this.
    pub fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(SinkErrorKind::Unsupported, reason)
    }

    /// What is known.
    #[must_use]
    pub fn kind(&self) -> SinkErrorKind {
        self.kind
    }

    /// Whether the secret may be there now, or later.
    #[must_use]
    pub fn may_hold_secret(&self) -> bool {
        self.kind == SinkErrorKind::Unknown
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkError")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .finish()
    }
}

impl std::error::Error for SinkError {}

impl From<&str> for SinkError {
    fn from(reason: &str) -> Self {
        Self::unknown(reason)
    }
}

impl From<String> for SinkError {
    fn from(reason: String) -> Self {
        Self::unknown(reason)
    }
}

impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        Self::unknown(error.to_string())
    }
}
