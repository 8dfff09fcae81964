//! Why a rotation did not go through, and how things stand now.

use std::fmt;

use super::journal::{JournalError, JournalErrorKind};
use super::sink::SinkError;
use crate::service::TokenKey;

/// What kept a rotation from going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The token cannot be rotated in the way that is asked for.
    Unsuitable,
    /// It is, or may be, the credential that the client itself uses.
    OwnCredential,
    /// The token changed, or is gone, since the plan was made.
    Stale,
    /// The plan belongs to another rotation: another token, other sinks, or none at all.
    WrongPlan,
    /// A rotation of this token is not finished.
    InProgress,
    /// Somebody else goes on with this rotation.
    Superseded,
    /// The grace has not ended.
    TooEarly,
    /// There is nothing to finish or to give up at this point.
    WrongStep,
    /// A call to the service failed.
    Service,
    /// A sink did not take the secret.
    Sink,
    /// The service does not accept the new secret.
    NotAccepted,
    /// The caller's own check does not pass.
    Check,
    /// The name for the successor is taken.
    NameTaken,
    /// A token was changed or replaced by somebody else, and is left alone.
    Changed,
    /// It cannot be told which of several tokens is the one whose answer was lost.
    Ambiguous,
    /// The journal cannot be used.
    Journal,
    /// A closure of the caller's panicked.
    Panicked,
}

/// How things stand after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// The old token is as it was, and nothing is left of the rotation.
    Untouched,
    /// The rotation stands where its journal says: whoever uses the token has a secret that works,
    /// and [`resume`](super::Rotation::resume) goes on.
    Unfinished,
    /// As [`Unfinished`](Self::Unfinished), but the old secret does not work any more and the new
    /// one is not delivered: resume at once.
    Gap,
}

/// A rotation that did not go through.
///
/// `Display` is one line that says what happened, how things stand and what to do; nothing is
/// behind it in [`source`](std::error::Error::source). It never holds a secret.
pub struct Error(Box<Inner>);

struct Inner {
    key: TokenKey,
    kind: ErrorKind,
    state: State,
    successor: Option<TokenKey>,
    text: Option<String>,
    cause: Option<Cause>,
}

enum Cause {
    Service(crate::Error),
    Sink(String, SinkError),
    Journal(JournalError),
}

impl Error {
    pub(super) fn new(key: &TokenKey, kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            key: key.clone(),
            kind,
            state: State::Untouched,
            successor: None,
            text: None,
            cause: None,
        }))
    }

    pub(super) fn with_text(mut self, text: impl Into<String>) -> Self {
        self.0.text = Some(text.into());
        self
    }

    pub(super) fn service(key: &TokenKey, error: crate::Error) -> Self {
        let mut this = Self::new(key, ErrorKind::Service);
        this.0.cause = Some(Cause::Service(error));
        this
    }

    pub(super) fn sink(key: &TokenKey, name: String, error: SinkError) -> Self {
        let mut this = Self::new(key, ErrorKind::Sink);
        this.0.cause = Some(Cause::Sink(name, error));
        this
    }

    pub(super) fn journal(key: &TokenKey, error: JournalError) -> Self {
        let kind = match error.kind() {
            JournalErrorKind::Exists => ErrorKind::InProgress,
            JournalErrorKind::Superseded => ErrorKind::Superseded,
            _ => ErrorKind::Journal,
        };
        let mut this = Self::new(key, kind);
        this.0.cause = Some(Cause::Journal(error));
        this
    }

    pub(super) fn in_state(mut self, state: State, successor: Option<TokenKey>) -> Self {
        self.0.state = state;
        self.0.successor = successor;
        self
    }

    /// What kept it from going through.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How things stand.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state
    }

    /// The token that was to be rotated.
    #[must_use]
    pub fn key(&self) -> &TokenKey {
        &self.0.key
    }

    /// The new token, if it exists.
    #[must_use]
    pub fn successor(&self) -> Option<&TokenKey> {
        self.0.successor.as_ref()
    }

    /// The error of the service, if it was one.
    #[must_use]
    pub fn service_error(&self) -> Option<&crate::Error> {
        match &self.0.cause {
            Some(Cause::Service(error)) => Some(error),
            _ => None,
        }
    }

    /// The error of a sink, if it was one.
    #[must_use]
    pub fn sink_error(&self) -> Option<&SinkError> {
        match &self.0.cause {
            Some(Cause::Sink(_, error)) => Some(error),
            _ => None,
        }
    }

    /// The error of the journal, if it was one.
    #[must_use]
    pub fn journal_error(&self) -> Option<&JournalError> {
        match &self.0.cause {
            Some(Cause::Journal(error)) => Some(error),
            _ => None,
        }
    }
}

impl ErrorKind {
    fn text(self) -> &'static str {
        match self {
            Self::Unsuitable => "cannot be done like this",
            Self::OwnCredential => {
                "it is the credential that this client uses; allow_own_credential() rotates it all the same"
            }
            Self::Stale => "the token changed since the plan was made; make a new plan",
            Self::WrongPlan => "the plan does not belong to this rotation",
            Self::InProgress => {
                "a rotation of this token is not finished; resume() goes on with it"
            }
            Self::Superseded => "somebody else goes on with this rotation",
            Self::TooEarly => "the grace has not ended",
            Self::WrongStep => "not at this point of a rotation",
            Self::Service => "the service",
            Self::Sink => "a sink did not take the secret",
            Self::NotAccepted => "the service does not accept the new secret",
            Self::Check => "the check does not pass",
            Self::NameTaken => "the name for the successor is taken",
            Self::Changed => "a token was changed by somebody else and is left alone",
            Self::Ambiguous => "it cannot be told which token was made",
            Self::Journal => "the journal cannot be used",
            Self::Panicked => "a closure panicked",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(f, "rotation of {}: {}", inner.key, inner.kind.text())?;
        if let Some(text) = &inner.text {
            write!(f, ": {text}")?;
        }
        match &inner.cause {
            Some(Cause::Service(error)) => write!(f, ": {error}")?,
            Some(Cause::Sink(name, error)) => write!(f, ": {name}: {error}")?,
            Some(Cause::Journal(error)) if inner.kind == ErrorKind::Journal => {
                write!(f, ": {error}")?;
            }
            _ => {}
        }
        match (inner.state, inner.kind) {
            (_, ErrorKind::InProgress | ErrorKind::WrongStep | ErrorKind::TooEarly) => {}
            (State::Untouched, _) => f.write_str("; the old token is untouched")?,
            (State::Unfinished, _) => f.write_str("; unfinished, resume() goes on")?,
            (State::Gap, _) => {
                f.write_str("; the old secret does not work any more, resume() at once")?;
            }
        }
        match &inner.successor {
            Some(key) => write!(f, " (the new token {key} exists)"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("key", &inner.key)
            .field("kind", &inner.kind)
            .field("state", &inner.state)
            .field("successor", &inner.successor)
            .field("text", &inner.text);
        match &inner.cause {
            Some(Cause::Service(error)) => out.field("cause", error),
            Some(Cause::Sink(name, error)) => out.field("sink", name).field("cause", error),
            Some(Cause::Journal(error)) => out.field("cause", error),
            None => &mut out,
        };
        out.finish()
    }
}

impl std::error::Error for Error {}
