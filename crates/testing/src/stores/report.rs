//! What came out of a run.

use std::fmt;

use access_tokens::rotation::state::StoreError;

/// What a store promises, and what else is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Promise {
    /// Its own probe finds it good and leaves nothing behind.
    Probes,
    /// 1. Of any number of creators of a name one succeeds.
    CreateIsExclusive,
    /// 2. Only the expected version is replaced.
    ReplaceIsConditional,
    /// 2. Of any number of writers that expect the same version one succeeds.
    WritersNeverBothWin,
    /// 3. What was answered is seen by every handle from then on.
    AnsweredIsSeen,
    /// 4. Only the expected version is removed.
    RemoveIsConditional,
    /// 5. After a lost answer, the write's own id tells what came of it.
    LostAnswerIsTold,
    /// 6. An unreadable entry is named, hides no other and can be removed.
    UnreadableHidesNothing,
    /// 7. Nothing of a body is printed.
    NothingIsPrinted,
    /// Different names never meet, whatever they are made of.
    NamesAreKeptApart,
    /// What was stored comes back as it was.
    BodiesComeBack,
    /// A local lock excludes until it is dropped.
    LocalLockExcludes,
    /// The clock does not run backwards.
    ClockRuns,
}

/// Outcome of a run in which no promise was broken.
#[derive(Clone, Debug, Default)]
pub struct Report {
    kept: Vec<(Promise, String)>,
    skipped: Vec<(Promise, String)>,
}

impl Report {
    pub(super) fn keep(&mut self, promise: Promise, how: impl Into<String>) {
        self.kept.push((promise, how.into()));
    }

    pub(super) fn skip(&mut self, promise: Promise, why: impl Into<String>) {
        self.skipped.push((promise, why.into()));
    }

    /// What was kept, and by what that was seen.
    #[must_use]
    pub fn kept(&self) -> &[(Promise, String)] {
        &self.kept
    }

    /// What could not be checked, and why.
    #[must_use]
    pub fn skipped(&self) -> &[(Promise, String)] {
        &self.skipped
    }
}

/// A line for each promise.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (promise, how) in &self.kept {
            writeln!(f, "kept     {promise:?}: {how}")?;
        }
        for (promise, why) in &self.skipped {
            writeln!(f, "skipped  {promise:?}: {why}")?;
        }
        write!(
            f,
            "{} kept, {} skipped",
            self.kept.len(),
            self.skipped.len()
        )
    }
}

/// Promise that a store breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    promise: Promise,
    seen: String,
}

impl Failure {
    pub(super) fn new(promise: Promise, seen: impl Into<String>) -> Self {
        Self {
            promise,
            seen: seen.into(),
        }
    }

    pub(super) fn call(promise: Promise, what: &str, error: &StoreError) -> Self {
        Self::new(promise, format!("{what}: {:?}: {error}", error.kind()))
    }

    /// The promise.
    #[must_use]
    pub fn promise(&self) -> Promise {
        self.promise
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is broken: {}", self.promise, self.seen)
    }
}

impl std::error::Error for Failure {}
