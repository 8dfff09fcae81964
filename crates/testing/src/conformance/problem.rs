//! What a check comes to.

use std::fmt::Display;

use access_tokens::{Error, ErrorKind};

/// Why a check does not pass.
#[derive(Debug)]
pub(super) enum Problem {
    Failed(String),
    Skipped(String),
}

/// What a check comes to; the text is what was seen where the service may choose.
pub(super) type Verdict = Result<Option<String>, Problem>;

#[expect(clippy::unnecessary_wraps, reason = "the last line of a check")]
pub(super) fn passed() -> Verdict {
    Ok(None)
}

#[expect(clippy::unnecessary_wraps, reason = "the last line of a check")]
pub(super) fn seen(what: impl Display) -> Verdict {
    Ok(Some(what.to_string()))
}

pub(super) fn failed<T>(reason: impl Display) -> Result<T, Problem> {
    Err(Problem::Failed(reason.to_string()))
}

pub(super) fn skipped<T>(reason: impl Display) -> Result<T, Problem> {
    Err(Problem::Skipped(reason.to_string()))
}

pub(super) fn ensure(holds: bool, otherwise: impl Display) -> Result<(), Problem> {
    if holds { Ok(()) } else { failed(otherwise) }
}

/// Errors of the client hold no secrets.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The error with which a call must end: one of these kinds.
pub(super) fn refused<T>(
    result: access_tokens::Result<T>,
    kinds: &[ErrorKind],
) -> Result<Error, Problem> {
    match result {
        Ok(_) => failed(format_args!("accepted, where {kinds:?} was expected")),
        Err(error) if kinds.contains(&error.kind()) => Ok(error),
        Err(error) => failed(format_args!("{kinds:?} was expected: {error}")),
    }
}
