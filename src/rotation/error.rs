//! Why something did not go through, how things stand, and what to do.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::kind::ErrorKind;
use super::problem::Problem;
use super::state::{StoreError, StoreErrorKind};
use crate::text::escape_untrusted;
use crate::time::rfc3339;

/// How a managed token stands after a failure. In every state its consumers have a secret that
/// works, unless the failure says that the token itself is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing is left unfinished.
    AtRest,
    /// Something is, and the next tick goes on with it.
    Unfinished,
    /// It cannot be told: the state could not be read or written.
    Unknown,
}

/// Failure of a managed token: what happened, how things stand, and what to do.
///
/// `Display` is one line. It never holds a secret.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    token: String,
    kind: ErrorKind,
    text: String,
    state: State,
    needs_person: bool,
    retry_at: Option<SystemTime>,
    service: Option<Arc<crate::Error>>,
}

/// The longest text of an error.
const LONGEST: usize = 1_000;

impl Error {
    pub(crate) fn new(token: &str, kind: ErrorKind, text: impl AsRef<str>) -> Self {
        Self(Box::new(Inner {
            token: token.to_owned(),
            kind,
            text: escape_untrusted(text.as_ref(), LONGEST),
            state: State::AtRest,
            needs_person: false,
            retry_at: None,
            service: None,
        }))
    }

    pub(crate) fn declaration(token: &str, text: impl AsRef<str>) -> Self {
        Self::new(token, ErrorKind::Declaration, text).for_a_person()
    }

    pub(crate) fn store(token: &str, error: &StoreError) -> Self {
        let this = Self::new(token, ErrorKind::Store, error.to_string());
        let this = this.in_state(State::Unknown);
        match error.kind() {
            StoreErrorKind::Unsuitable
            | StoreErrorKind::InvalidName
            | StoreErrorKind::Unreadable => this.for_a_person(),
            _ => this,
        }
    }

    pub(crate) fn problem(token: &str, problem: &Problem) -> Self {
        let this = Self::new(token, problem.kind, &problem.text);
        if problem.person {
            this.for_a_person()
        } else {
            this
        }
    }

    pub(crate) fn for_a_person(mut self) -> Self {
        self.0.needs_person = true;
        self
    }

    pub(crate) fn in_state(mut self, state: State) -> Self {
        self.0.state = state;
        self
    }

    pub(crate) fn retried_at(mut self, time: Option<SystemTime>) -> Self {
        self.0.retry_at = time;
        self
    }

    pub(crate) fn caused_by(mut self, error: Option<Arc<crate::Error>>) -> Self {
        self.0.service = error;
        self
    }

    /// The name of the managed token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.text
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.0.kind.hint()
    }

    /// How things stand.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state
    }

    /// Whether only a person can mend it: a later tick will not by itself.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        self.0.needs_person
    }

    /// Before this time no tick tries again by itself.
    #[must_use]
    pub fn retry_at(&self) -> Option<SystemTime> {
        self.0.retry_at
    }

    /// The error of the service, if one is behind it.
    #[must_use]
    pub fn service_error(&self) -> Option<&crate::Error> {
        self.0.service.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let token = escape_untrusted(&inner.token, LONGEST);
        write!(f, "{token}: {}: {}", inner.kind, inner.text)?;
        match inner.state {
            State::AtRest => {}
            State::Unfinished => f.write_str("; unfinished, the next tick goes on")?,
            State::Unknown => f.write_str("; how things stand is not known")?,
        }
        if let Some(at) = inner.retry_at {
            write!(f, "; tried again from {} on", rfc3339(at))?;
        }
        write!(f, "; to do: {}", self.hint())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("token", &inner.token)
            .field("kind", &inner.kind)
            .field("text", &inner.text)
            .field("state", &inner.state)
            .field("needs_person", &inner.needs_person)
            .field("retry_at", &inner.retry_at)
            .field("service", &inner.service)
            .finish()
    }
}

// The text says it all: an error of the service behind it is part of it.
impl std::error::Error for Error {}
