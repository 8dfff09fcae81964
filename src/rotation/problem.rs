//! What keeps a tick from going on, before it becomes an error for people.

use std::time::Duration;

use super::kind::ErrorKind;

/// What keeps a tick from going on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Problem {
    pub(crate) kind: ErrorKind,
    /// For people: what happened and what to do. No secret.
    pub(crate) text: String,
    /// Whether only a person can mend it.
    pub(crate) person: bool,
    /// How long the service asked to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Problem {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            person: false,
            retry_after: None,
        }
    }

    /// One that does not mend itself.
    pub(crate) fn person(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            person: true,
            ..Self::new(kind, text)
        }
    }
}
